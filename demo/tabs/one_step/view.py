"""One mini-batch as HTML, from the pictures to the loss: each line of the tutorial's loop beside what it makes.

The loss is in step_loss.py, and what the gradients then do to the weights in step_weights.py.
"""

import html
from typing import TYPE_CHECKING

import numpy as np

from cifar_core.config import TrainConfig
from cifar_core.images import image_grid
from cifar_core.mistakes import MISTAKES
from demo.tabs.one_step.loss import before_and_after, loss_html
from demo.tabs.one_step.numbers import fixed
from demo.tabs.one_step.parts import counted, name_of, paired, picture, row, table_html
from demo.widgets.templates import data_url

if TYPE_CHECKING:
    from cifar_core.teach.step_trace import StepTrace


def forward_html(step: "StepTrace", config: TrainConfig, classes: tuple[str, ...]) -> str:
    """The first four lines of the loop: pictures, cleared gradients, logits, loss."""
    side = len(step.labels)
    url = data_url(image_grid(step.images, side))
    parts = [
        mistake_html(config),
        row("inputs, labels = data", f"{counted(side, True)}, and what is on them", batch_html(step, config, classes)),
        row("optimizer.zero_grad()", "The old gradients are cleared", f"<p>{zero_words(step, config)}</p>"),
        row("outputs = net(inputs)", "Ten scores for each picture", logits_html(step, classes)),
        row("loss = criterion(outputs, labels)", "How wrong is that?", loss_html(step, config, classes)),
    ]
    return f'<div class="step" style="--sheet:url({url});--size:{100 * side}% 100%">{"".join(parts)}</div>'


def summary_html(step: "StepTrace", config: TrainConfig) -> str:
    """The step in a line."""
    before, after = before_and_after(step, config)
    return (
        f'<p class="step-summary" role="status">Step <b>{step.number}</b>: loss on its {counted(len(step.labels))} '
        f"<b>{before} → {after}</b></p>"
    )


def batch_html(step: "StepTrace", config: TrainConfig, classes: tuple[str, ...]) -> str:
    """The pictures with label and place in the training set, and the tensor's shape."""
    count = len(step.labels)
    split = "test" if config.mistake == "test_data" else "training"
    figures = "".join(
        f"<figure>{picture(at, count, f'{split} image {index}, {name}')}"
        f"<figcaption><b>{name}</b><br>label {label}<br>image {index:,}</figcaption></figure>"
        for at, (index, label) in enumerate(zip(step.indices, step.labels, strict=True))
        for name in [name_of(label, classes)]
    )
    shape = "".join(
        f'<tr><th scope="row">{size}</th><td>{meaning}</td></tr>'
        for size, meaning in (
            (count, "pictures in this mini-batch" if count != 1 else "picture in this mini-batch"),
            (3, "colours: red, green, blue"),
            (32, "rows of pixels"),
            (32, "pixels in a row"),
        )
    )
    labels = ", ".join(map(str, step.labels))
    changed = "The pictures are shown as they go in: some mirrored, most moved by a pixel or two (augmentation)."
    shown = f'<div class="step-pictures" style="--count:{min(count, 8)}">{figures}</div>'
    table = (
        f'<table class="facts-table step-shape"><caption><code>inputs.shape</code> is <b>[{count}, 3, 32, 32]</b>'
        f"</caption><tbody>{shape}</tbody></table>"
    )
    mixed, stored = config.mistake == "shuffled_labels", config.mistake == "no_shuffle"
    answers = "the right answers" if not mixed else "the labels in another order, that is the mistake"
    order = f"The seed ({config.seed}) decides which {split} images come at this step."
    words = table + (
        f"<p>{count} × 3 × 32 × 32 = {count * 3 * 32 * 32:,} numbers, each from −1 to 1. <code>labels</code> is "
        f"<b>[{labels}]</b>: {answers}. {changed if config.augment != 'none' else ''}</p>"
        f"<p>{'The images come in stored order, that is the mistake.' if stored else order}</p>"
    )
    return f'<div class="step-pair"><div class="step-shown">{shown}</div><div class="step-words">{words}</div></div>'


def zero_words(step: "StepTrace", config: TrainConfig) -> str:
    """Why this line comes first."""
    if config.mistake == "no_zero_grad":
        return (
            "This line is missing, that is the mistake: <code>backward()</code> adds the new gradients to those of all "
            "steps before."
        )
    now = "This is the first step: there is nothing to clear yet." if step.number == 1 else ""
    return (
        "<code>backward()</code> does not replace the gradients, it adds to what is there. So they are cleared first. "
        "Without this line each step would also obey the pictures of all steps before it, again and again. " + now
    )


def logits_html(step: "StepTrace", classes: tuple[str, ...]) -> str:
    """A column of ten logits for each picture."""
    count = len(step.labels)
    table = table_html(step, classes, "Logits", [[fixed(float(value), 3) for value in one] for one in step.logits])
    answered = int((step.logits.argmax(1) == np.array(step.labels)).sum())
    return paired(
        table,
        f"<code>outputs.shape</code> is <b>[{count}, 10]</b>: ten numbers for each picture, one a class. They are "
        "called <i>logits</i>. Here each picture has a column.",
        "<b>Bold</b>: the largest of a column, the Net's answer. <b class='step-framed'>Framed</b>: the class that is "
        f"right. The Net has {answered} of {count} right.",
        "Before any training the logits all lie near 0: the Net has no opinion yet.",
    )


def mistake_html(config: TrainConfig) -> str:
    """The mistake that is in this training, if there is one."""
    if config.mistake == "none":
        return ""
    made = MISTAKES[config.mistake]
    return f'<div class="note" role="status">A mistake on purpose: {html.escape(made.what)}</div>'


def run_html(config: TrainConfig, images: int, instead: bool) -> str:
    """What the training is that this step belongs to; `instead`: with another batch size than the tab Train has."""
    steps = config.steps(images)
    if instead:
        which = "The settings on the tab Train have another batch size, so Start there gives another run than this one."
    else:
        which = (
            "The settings on the tab Train are the same, so <b>Start</b> there gives exactly this run "
            "(a GPU may differ in the last digits)."
        )
    return (
        f'<p class="step-end">That was one step. {config.epochs} epoch{"" if config.epochs == 1 else "s"} with these '
        f"settings have {steps:,} of them. {which}</p>"
    )
