"""Answers for the page and for scripts alike: which Net, which picture."""

import numpy as np

from cifar_core.answer import Answer
from cifar_core.data.source import DataSource
from cifar_core.runs.service import Service

PRETRAINED = "pretrained"


class Classifier:
    """Asks the pretrained Net, or that of any run as it is now.

    torch is imported at the first question and not before, so that the page is up while it loads.
    """

    def __init__(self, service: Service, source: DataSource) -> None:
        self.service, self.source = service, source

    def ask(self, name: str, image: np.ndarray) -> Answer:
        """What the Net called `name` (pretrained, or a run's id) says of a picture, uint8 (32, 32, 3)."""
        from cifar_core.classify import classify
        from cifar_core.net import load_net
        from cifar_core.pretrained import pretrained_net

        net = pretrained_net() if name == PRETRAINED else load_net(self.service.weights(name))
        return classify(net, image, self.source.splits.test.classes)

    def warm_up(self) -> None:
        """Ask something now, so that the first visitor does not wait for torch."""
        self.ask(PRETRAINED, np.zeros((32, 32, 3), np.uint8))
