"""A batch of test images as in the notebook: the Net's logits for each, and the lines that the tutorial prints."""

import html
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cifar_core.data.image_set import ImageSet
from cifar_core.errors import CifarError, DataError
from cifar_core.runs.registry import NetRegistry
from demo.tabs.judge.judged import found_by, read_judged
from demo.widgets.templates import data_url, message_box

if TYPE_CHECKING:
    from cifar_core.evaluate import Evaluation

IN_BATCH = 4
"""images in the tutorial's batch"""
BATCH_WORDS = (
    "<h3>A batch, as in the notebook</h3><p class='quiet'>For each image the Net gives ten numbers, the "
    "<i>logits</i>. The largest one is its answer (←).</p>"
)


def show_batch(nets: NetRegistry, shown: str, numbers: str) -> str:
    """The images whose `numbers` are given, before the Net of the test that is shown; or why there are none."""
    try:
        splits, found = found_by(nets, read_judged(shown))
        return batch_html(splits.test, found, read_batch(numbers, found.total))
    except CifarError as error:
        return message_box(str(error), "error")


def read_batch(text: object, total: int) -> list[int]:
    """One to four places of test images in a text such as `0, 1, 2, 3`. Raises DataError for any other text."""
    parts = re.split(r"[\s,;]+", str(text)[:200].strip())
    if not 1 <= len(parts) <= IN_BATCH or not all(re.fullmatch("[0-9]{1,9}", part) for part in parts):
        raise DataError("Write one to four numbers of test images with commas between them, such as 0, 1, 2, 3.")
    places = [int(part) for part in parts]
    if max(places) >= total:
        raise DataError(f"There is no test image {max(places):,}; they are numbered from 0 to {total - 1:,}.")
    return places


def with_last(text: str, place: object) -> str:
    """The batch in `text` with test image `place` as its last, and no more than four."""
    others = [part for part in re.split(r"[\s,;]+", text.strip()) if part not in ("", str(place))]
    return ", ".join([*others, str(place)][-IN_BATCH:])


def batch_html(test: ImageSet, found: "Evaluation", places: Sequence[int]) -> str:
    """The notebook's batch: the images, all logits of each, and what the tutorial prints of them."""
    labels, logits = test.labels[list(places)], found.logits[list(places)]  # (B,), (B, 10)
    predicted = found.predictions[list(places)].tolist()
    truths, answers = [test.classes[label] for label in labels], [test.classes[label] for label in predicted]
    heads = "".join(
        f'<th scope="col"><img src="{data_url(np.asarray(test.images[place]))}" alt="{html.escape(truth, quote=True)}, '
        f'test image {place}"><span>{place}</span></th>'
        for place, truth in zip(places, truths, strict=True)
    )
    rows = ""
    for label, name in enumerate(test.classes):
        cells = "".join(
            f"<td class='number{' best' if label == best else ''}'>{score:.2f}"
            f"{'<span class=said> ←</span>' if label == best else ''}</td>"
            for score, best in zip(logits[:, label].tolist(), predicted, strict=True)
        )
        rows += f"<tr><th scope='row'>{label} {html.escape(name)}</th>{cells}</tr>"
    unused = ""
    if len(test.classes) < logits.shape[1]:
        unused = (
            f"<p class='quiet'>The Net has ten outputs and this data {len(test.classes)} classes: the other outputs "
            "are left out here.</p>"
        )
    return (
        '<div class="batch"><div class="scroll"><table class="facts-table logits"><thead><tr>'
        f"<th scope='col'>test image</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{unused}"
        f'<pre class="printed" tabindex="0">{html.escape(printed(truths, answers, predicted))}</pre></div>'
    )


def printed(truths: Sequence[str], answers: Sequence[str], predicted: Sequence[int]) -> str:
    """The tutorial's lines for a batch, and what they print."""
    return (
        f"GroundTruth:  {' '.join(f'{name:5s}' for name in truths)}\n"
        "outputs = net(images)\n"
        "_, predicted = torch.max(outputs, 1)\n"
        f"# predicted is tensor({list(predicted)})\n"
        f"Predicted:  {' '.join(f'{name:5s}' for name in answers)}"
    )
