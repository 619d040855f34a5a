"""What a test found, as HTML: the accuracy on all images and on each class, and how exact that is."""

import html
import math
from typing import TYPE_CHECKING

from cifar_core.config import CLASSES
from cifar_core.runs.registry import PRETRAINED, OpenNet
from demo.widgets.format import percent

if TYPE_CHECKING:
    from cifar_core.evaluate import Evaluation
    from cifar_core.inspect.judge import Proportion

NOT_FINITE = (
    "This Net's answers are not finite numbers (NaN or infinity): its training ran away, most often because of a too "
    "large learning rate. No accuracy means anything here; choose another Net."
)


def net_words(chosen: OpenNet) -> str:
    """The Net in the words of a sentence, not yet escaped: run 1a2b after step 1,200 of 12,500."""
    if chosen.run is None:
        return "the pretrained Net"
    return f"{chosen.run.name} after step {chosen.step:,} of {chosen.run.steps:,}"


def overall_html(chosen: OpenNet, found: "Evaluation") -> str:
    """The accuracy on all test images, and how far it can be trusted."""
    from cifar_core.inspect.judge import overall

    share = overall(found)
    low, high = share.interval
    name = net_words(chosen)
    guess = f"Guessing would get about {100 / len(found.classes):.0f} %."
    return (
        f'<section class="judged"><h3>{html.escape(name[0].upper() + name[1:])}: <strong>{share_words(share)}</strong>'
        f"</h3><p>It answers {share.correct:,} of {share.total:,} test images right. {guess} It has not been trained "
        "on any of them.</p>"
        "<p>The ± is the <i>sampling error</i>: with other test images of the same kind, the number would be a little "
        f"different. On all pictures of this kind, the Net would very probably (95 %) get between {100 * low:.1f} and "
        f"{percent(high)} right. Differences smaller than that may be chance.</p>{_warning(chosen)}</section>"
    )


def _warning(chosen: OpenNet) -> str:
    """A word where the number is not what it seems: the pretrained Net on other pictures, a run with a mistake."""
    if chosen.run and chosen.run.config.mistake == "no_normalize":
        return (
            "<p>The run's own test forgets Normalize on purpose. Here the images are normalized, as they were in its "
            "training, so this number is higher than the run's.</p>"
        )
    if chosen.name != PRETRAINED or chosen.splits.info.kind == "archive":
        return ""
    if chosen.splits.test.classes != CLASSES:
        return (
            "<p><b>This Net has learned CIFAR-10's ten classes, and the pictures in use have others.</b> Its answers "
            "mean nothing here; train a Net on them.</p>"
        )
    return "<p><b>This Net has learned from CIFAR-10's photographs, and other pictures are in use.</b></p>"


def share_words(share: "Proportion") -> str:
    """54.2 % ± 0.5, the error in percentage points; without it where all or none are right, for then it is unknown."""
    if not share.total:
        return "–"
    error = f" ± {100 * share.standard_error:.1f}" if 0 < share.correct < share.total else ""
    return percent(share.fraction) + error


def classes_html(found: "Evaluation") -> str:
    """The accuracy on each class: a bar, the counts and the sampling error."""
    from cifar_core.inspect.judge import per_class

    rows = []
    for name, share in zip(found.classes, per_class(found), strict=True):
        width = 0 if math.isnan(share.fraction) else 100 * share.fraction
        counts = f"{share.correct:,} of {share.total:,}" if share.total else "no test images"
        rows.append(
            f"<tr><th scope='row'>{html.escape(name)}</th>"
            f"<td class='share'><div class='bar'><div style='width:{width:.1f}%'></div></div></td>"
            f"<td class='number'>{counts}</td><td class='number'>{share_words(share)}</td></tr>"
        )
    return (
        "<h3>Each class</h3><table class='bars class-shares'><thead><tr><th scope='col'>class</th><td></td>"
        "<th scope='col' class='number'>right</th><th scope='col' class='number'>share</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table><p class='quiet'>A class has fewer test images than all together, so "
        "its ± is larger.</p>"
    )
