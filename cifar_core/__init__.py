"""Plain PyTorch for the CIFAR-10 'Training a classifier' tutorial: data, Net, training, evaluation, prediction.

A notebook, the command line (`python -m cifar_core`), the training workers and the web page all use these modules:

    from cifar_core.config import TrainConfig
    from cifar_core.data import open_splits
    from cifar_core.net import new_net
    from cifar_core.training.loop import train

    splits = open_splits("data")
    config = TrainConfig(epochs=1)
    net = new_net(config.seed)
    for event in train(net, splits.train, config):
        print(event)

Importing this package loads nothing else and starts nothing.
"""
