"""The loop and the test of a run's script, as lists of lines (see `script_parts.py`)."""

from itertools import groupby

from cifar_core.teach.script_parts import MISTAKE, counting, indented, when
from cifar_core.teach.script_recipe import NATIVE_UP_TO, ScriptSettings


def loop(recipe: ScriptSettings) -> list[str]:
    """The training."""
    stop = when(
        recipe.last_step is not None, f"if step == {recipe.last_step}:  # here the run was stopped", "    break"
    )
    return [
        *_before(recipe),
        "",
        f"for epoch in range({recipe.config.epochs}):  # loop over the dataset multiple times",
        *indented(1, _order(recipe)),
        "",
        "    running_loss = 0.0",
        *when(recipe.one_size, "    for i, data in enumerate(trainloader, 0):"),
        *when(
            not recipe.one_size,
            "    i = seen = 0  # mini-batches and pictures of this epoch so far",
            "    while seen < len(trainset):  # the batch size changes, so they are cut by hand",
        ),
        *indented(2, [*stop, *_changes(recipe), *_inputs(recipe), "", *_learning(recipe), "", *_statistics(recipe)]),
        *when(not recipe.one_size, "        i, seen = i + 1, seen + len(labels)"),
        *indented(1, [*stop, *_rule(recipe)]),
        "",
        'print("Finished Training")',
        "",
        'torch.save(net.state_dict(), "./cifar_net.pth")',
    ]


def _before(recipe: ScriptSettings) -> list[str]:
    """What is set up once."""
    return [
        "# %% 4. Train the Net",
        *when(not recipe.one_size, f"batch_size = {recipe.config.batch_size}"),
        *when(
            recipe.native,
            f"# Up to {NATIVE_UP_TO} pictures at once, torch's own convolution is faster than that of the library",
            "# oneDNN (mkldnn); their last digits differ.",
            _convolution(recipe),
        ),
        *when(recipe.counts_steps, "step = 0  # mini-batches done, over all epochs"),
        *when(recipe.patient, "lowest, lines_since = math.inf, 0  # the best line so far, and the lines after it"),
        *when(recipe.probed, "accuracy, probes = 0.0, 0  # in percent, and how often it was measured"),
    ]


def _convolution(recipe: ScriptSettings) -> str:
    return f"torch.backends.mkldnn.enabled = {'False' if recipe.one_size else f'batch_size > {NATIVE_UP_TO}'}"


def _order(recipe: ScriptSettings) -> list[str]:
    """What is drawn for an epoch: the order of the pictures and how each is mirrored and moved."""
    stored = f"order = list(range(len(trainset))){MISTAKE}: always the stored order"
    loader = f"torch.utils.data.DataLoader(trainset, batch_size={recipe.config.batch_size}, sampler=order)"
    return [
        *when(
            recipe.moves or not recipe.made("no_shuffle"),
            "# the seed decides the order of each epoch" + ", and how each picture is moved" * recipe.moves,
            f"random = torch.Generator().manual_seed({recipe.config.seed} * 1000 + epoch)",
            "order = torch.randperm(len(trainset), generator=random).tolist()",
        ),
        *when(recipe.made("no_shuffle"), stored),
        *when(
            recipe.moves,
            "flips = torch.rand(len(trainset), generator=random) < 0.5",
            "shifts = torch.randint(-2, 3, (len(trainset), 2), generator=random)  # down and right, in pixels",
        ),
        *when(recipe.one_size, f"trainloader = {loader}"),
    ]


def _changes(recipe: ScriptSettings) -> list[str]:
    """What was changed while the run was going."""
    lines = []
    for step, made in groupby(recipe.changes, key=lambda change: change.step):
        lines += [f"if step == {step}:  # changed while the run was going"]
        for change in made:
            value = getattr(recipe.config.changed({change.name: change.value}), change.name)
            match change.name:
                case "batch_size":
                    lines += [f"    batch_size = {value}", *when(recipe.native, f"    {_convolution(recipe)}")]
                case "lr":
                    place = "lr" if recipe.cycles else 'optimizer.param_groups[0]["lr"]'
                    lines += [f"    {place} = {recipe.rate(value)}" + MISTAKE * recipe.made("lr_ten")]
                case "momentum":
                    lines += [f'    optimizer.param_groups[0]["momentum"] = {value!r}']
    return lines


def _inputs(recipe: ScriptSettings) -> list[str]:
    """The mini-batch as the Net gets it, and the learning rate for it."""
    config, counted = recipe.config, recipe.moves or recipe.cycles or recipe.probed
    seen = f"seen = i * {config.batch_size}  # pictures of this epoch before these"
    return [
        "# get the inputs and their labels",
        *when(recipe.one_size, "inputs, labels = data", *when(counted, seen)),
        *when(
            not recipe.one_size,
            "chosen = order[seen : seen + batch_size]",
            "inputs, labels = torch.utils.data.default_collate([trainset[k] for k in chosen])",
        ),
        *when(
            recipe.moves,
            "for k in range(len(inputs)):",
            "    inputs[k] = moved(inputs[k], flips[seen + k], shifts[seen + k])",
        ),
        *when(
            recipe.cycles,
            f"done = (epoch + seen / len(trainset)) / {config.epochs}  # share of the whole training, 0 to 1",
            'optimizer.param_groups[0]["lr"] = learning_rate(done)',
        ),
    ]


def _learning(recipe: ScriptSettings) -> list[str]:
    """The five lines in which the Net learns."""
    softmax, precision = recipe.made("softmax"), recipe.config.precision
    outputs = "F.softmax(outputs, dim=1)" if softmax else "outputs"
    forward = ["outputs = net(inputs)", f"loss = criterion({outputs}, labels)" + MISTAKE * softmax]
    if precision != "float32":
        context = f'with torch.autocast("cpu", torch.{precision}):  # most of the arithmetic in 16 bits'
        forward = [context, *indented(1, forward)]
    scaled = [
        "# float16 knows no very small numbers, so the gradients are computed 1024 times larger",
        "(loss * 1024).backward()",
        "for weight in net.parameters():",
        "    weight.grad /= 1024",
    ]
    return [
        "# clear the gradients of the mini-batch before",
        f"# optimizer.zero_grad(){MISTAKE}: left out" if recipe.made("no_zero_grad") else "optimizer.zero_grad()",
        "",
        "# forward + backward + optimize",
        *forward,
        *(scaled if precision == "float16" else ["loss.backward()"]),
        "optimizer.step()",
        *when(recipe.counts_steps, "step += 1"),
    ]


def _statistics(recipe: ScriptSettings) -> list[str]:
    """The printed lines, and the rule that may end the training."""
    every = recipe.config.report_every
    return [
        "# print statistics",
        "running_loss += loss.item()",
        *when(
            recipe.diverged,
            "if not math.isfinite(running_loss):",
            '    sys.exit("The loss is no longer a finite number: here the run ended.")',
        ),
        f"if i % {every} == {every - 1}:  # print every {every:,} mini-batches",
        f'    print(f"[{{epoch + 1}}, {{i + 1:5d}}] loss: {{running_loss / {every}:.3f}}")',
        *when(
            recipe.patient,
            f"    lines_since = 0 if running_loss / {every} < lowest else lines_since + 1",
            f"    lowest = min(running_loss / {every}, lowest)",
        ),
        "    running_loss = 0.0",
        *when(recipe.probed, *_probe(recipe)),
        *_rule(recipe),
    ]


def _probe(recipe: ScriptSettings) -> list[str]:
    """Measure the accuracy on the way, at the very mini-batches at which the run did."""
    config, enabled = recipe.config, "torch.backends.mkldnn.enabled"
    size = str(config.batch_size) if recipe.one_size else "batch_size"
    return [
        "",
        "# Look at the accuracy four times an epoch: after each quarter, as soon as the run prints a",
        "# line, draws a point of its curve or ends the epoch.",
        "images = epoch * len(trainset) + seen + len(labels)",
        f"every = max(1, min(50, {config.epochs} * math.ceil(len(trainset) / {size}) // 1000))",
        f"line = i % {config.report_every} == {config.report_every - 1}",
        "look = step % every == 0 or line or images % len(trainset) == 0",
        "if look and 4 * images // len(trainset) > probes:",
        "    probes = 4 * images // len(trainset)",
        *when(recipe.native, f"    before, {enabled} = {enabled}, True"),
        "    right, total = count_right(partloader)",
        *when(recipe.native, f"    {enabled} = before"),
        "    accuracy = 100 * (sum(right) / sum(total))",
    ]


def _rule(recipe: ScriptSettings) -> list[str]:
    """Whether to end: asked after a mini-batch, and again after the epoch that this ended."""
    config = recipe.config
    return [
        *when(recipe.patient, f"if lines_since >= {config.patience}:  # no better for a while", "    break"),
        *when(recipe.probed, f"if accuracy >= {config.target_accuracy!r}:  # good enough", "    break"),
    ]


def test(recipe: ScriptSettings) -> list[str]:
    """The accuracy on all test images, and on those of each class."""
    each = ['print(f"Accuracy of {name:>5} : {100 * correct // count:2d} %")']
    if recipe.data == "pictures":
        each = ["if count:", *indented(1, each), "else:", '    print(f"Accuracy of {name:>5} : no test images")']
    return [
        "# %% 5. Test the Net on the test pictures",
        *when(recipe.native, "torch.backends.mkldnn.enabled = True  # the faster one for 500 pictures at once"),
        *(["right, total = count_right(testloader)"] if recipe.probed else counting(recipe, "testloader")),
        "",
        "accuracy = 100 * sum(right) // sum(total)",
        'print(f"Accuracy of the network on the {sum(total)} test images: {accuracy} %")',
        "for name, correct, count in zip(classes, right, total):",
        *indented(1, each),
    ]
