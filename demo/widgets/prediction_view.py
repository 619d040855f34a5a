"""The parts of a Net's answer that every kind of picture shares: the ten bars, and the numbers behind them."""

import html

from cifar_core.prediction import Prediction
from demo.widgets.format import percent


def bars_html(answer: Prediction, *, ranked: bool) -> str:
    """A bar for each class: the most probable first, or always in the order of the labels, so that no bar jumps."""
    best = answer.best
    rows = "".join(
        f"<tr{' class=best' if score == best else ''}><th scope='row'>{html.escape(score.name)}</th>"
        f"<td><div class='bar'><div style='width:{100 * score.probability:.1f}%'></div></div></td>"
        f"<td class='number'>{percent(score.probability)}</td></tr>"
        for score in (answer.ranked if ranked else answer.scores)
    )
    order = "highest first" if ranked else "in the order of the labels"
    return f'<table class="bars" aria-label="Probability of each class, {order}">{rows}</table>'


def scores_html(answer: Prediction) -> str:
    """Logits, softmax and argmax, as a table with a sentence about each."""
    best = answer.best
    rows = "".join(
        f"<tr{' class=best' if score == best else ''}><th scope='row'>{label}</th>"
        f"<th scope='row'>{html.escape(score.name)}</th>"
        f"<td class='number'>{score.logit:.3f}</td><td class='number'>{score.probability:.4f}</td>"
        f"<td>{'← argmax' if score == best else ''}</td></tr>"
        for label, score in enumerate(answer.scores)
    )
    return (
        "<p class='quiet'>The last layer gives one number a class, the <i>logit</i>. <i>Softmax</i> turns the ten "
        "logits into probabilities that add up to 1. <i>Argmax</i> picks the largest: that is the answer.</p>"
        "<table class='facts-table logits'><thead><tr><th>label</th><th>class</th><th>logit</th><th>softmax</th>"
        f"<th></th></tr></thead><tbody>{rows}</tbody></table>"
    )
