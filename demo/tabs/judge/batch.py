"""A batch of test images as in the notebook: the Net's logits for each, and the lines that the tutorial prints."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from cifar_core.data.image_set import ImageSet
from cifar_core.errors import DataError
from cifar_core.runs.registry import NetRegistry
from demo.tabs.judge.evaluation import shown_evaluation
from demo.tabs.judge.state import JudgeState
from demo.widgets.templates import render

if TYPE_CHECKING:
    from cifar_core.evaluate import Evaluation

MAX_BATCH = 4
"""images in the tutorial's batch"""


def batch_page(nets: NetRegistry, state: JudgeState, numbers: str) -> Markup:
    """Return the test images in `numbers` with the logits of the Net on screen; raise CifarError if that fails."""
    splits, evaluation = shown_evaluation(nets, state)
    return batch_html(splits.test, evaluation, read_batch(numbers, evaluation.total))


def read_batch(text: object, total: int) -> list[int]:
    """Return one to four places of test images from a text such as `0, 1, 2, 3`; raise DataError for any other."""
    parts = re.split(r"[\s,;]+", str(text)[:200].strip())
    if not 1 <= len(parts) <= MAX_BATCH or not all(re.fullmatch("[0-9]{1,9}", part) for part in parts):
        raise DataError("Write one to four numbers of test images with commas between them, such as 0, 1, 2, 3.")
    places = [int(part) for part in parts]
    if max(places) >= total:
        raise DataError(f"There is no test image {max(places):,}; they are numbered from 0 to {total - 1:,}.")
    return places


def with_last(text: str, place: object) -> str:
    """Return the batch in `text` with test image `place` as its last, and no more than four."""
    others = [part for part in re.split(r"[\s,;]+", text.strip()) if part not in ("", str(place))]
    return ", ".join([*others, str(place)][-MAX_BATCH:])


def batch_html(test: ImageSet, evaluation: "Evaluation", places: Sequence[int]) -> Markup:
    """Return the notebook's batch: the images, all logits of each, and what the tutorial prints of them."""
    labels, logits = test.labels[list(places)], evaluation.logits[list(places)]  # (B,), (B, 10)
    predicted = evaluation.predictions[list(places)].tolist()
    truths = [test.classes[label] for label in labels]
    return render(
        "tabs/judge/batch.html.j2",
        images=[np.asarray(test.images[place]) for place in places],
        places=places,
        truths=truths,
        classes=test.classes,
        logits=logits.T.tolist(),  # a row for each class
        predicted=predicted,
        unused=len(test.classes) < logits.shape[1],
        printed=printed(truths, [test.classes[label] for label in predicted], predicted),
    )


def printed(truths: Sequence[str], names: Sequence[str], predicted: Sequence[int]) -> str:
    """Return the tutorial's lines for a batch, and what they print."""
    return (
        f"GroundTruth:  {' '.join(f'{name:5s}' for name in truths)}\n"
        "outputs = net(images)\n"
        "_, predicted = torch.max(outputs, 1)\n"
        f"# predicted is tensor({list(predicted)})\n"
        f"Predicted:  {' '.join(f'{name:5s}' for name in names)}"
    )
