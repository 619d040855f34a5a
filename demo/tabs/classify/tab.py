"""The tab in which a trained Net is asked what is on a picture."""

import html
import secrets
from typing import Any

import gradio as gr
import numpy as np

from cifar_core.data.browse import MAX_SEED, image_facts, page_of
from cifar_core.errors import CifarError
from cifar_core.prediction import Prediction
from cifar_core.pretrained import recipe
from cifar_core.runs.refs import NetRef
from cifar_core.runs.registry import PRETRAINED, NetRegistry
from demo.tabs.classify.upload import build_doctor
from demo.widgets.enlarged import enlarged
from demo.widgets.format import percent
from demo.widgets.image_grid import clickable_grid, grid_html, scroll_to
from demo.widgets.net_choices import net_choices
from demo.widgets.pointer import Pointer, picture_pointer
from demo.widgets.prediction_view import bars_html, scores_html
from demo.widgets.templates import message_box

PER_PAGE = 12


def build_classify_tab(
    nets: NetRegistry, owner: gr.BrowserState, data_changed: gr.Textbox, look_at: gr.Textbox, tab: gr.Tab
) -> None:
    """Lay out the tab and wire it. `tab` is the tab itself: whenever it is opened, the list of Nets is fresh."""
    gr.Markdown(
        "Choose a trained Net and show it a picture. It can only answer with **one of its ten classes**: shown a "
        "banana, it will still say plane, frog or ship. It has no way to say *none of these*."
    )
    with gr.Row(equal_height=False, elem_id="net-row"):
        net = gr.Dropdown(net_choices(nets, ""), value=PRETRAINED, label="Net", info=_about_pretrained(), elem_id="net")
        again = gr.Button("Ask again", elem_id="ask-again", size="sm")
    with gr.Tabs():
        with gr.Tab("Test images", id="test-images"), gr.Row(equal_height=False):
            with gr.Column(scale=2, min_width=300):
                grid = clickable_grid(label="Test images", elem_id="test-pictures")
                with gr.Row(elem_classes="pager"):
                    onward = gr.Button("Next", size="sm", elem_id="test-next")
                    shuffle = gr.Button("Shuffle", size="sm", elem_id="test-shuffle")
            with gr.Column(scale=3, min_width=320):
                answer = gr.HTML(_NO_ANSWER, js_on_load=_LOOK_INSIDE, elem_id="answer")
        with gr.Tab("Your picture", id="your-picture"):
            build_doctor(nets, net, again, look_at)
    number = gr.Number(1, visible="hidden", label="page of test images")
    seed = gr.Number(-1, visible="hidden", label="shuffle seed of test images; below 0 as stored")
    asked = gr.Number(-1, visible="hidden", label="chosen test image; below 0 for none")

    def show_tests(number: float | None, seed: float | None) -> tuple[str, int]:
        test = nets.source.splits.test
        stored = seed is None or seed < 0  # (a hidden number without a value would come back as 0)
        page = page_of(test, number=int(number or 1), per_page=PER_PAGE, seed=None if stored else int(seed or 0))
        indices = list(page.indices)
        captions = [test.classes[label] for label in test.labels[indices]]
        names = [f"{caption}, test image {index}" for caption, index in zip(captions, indices, strict=True)]
        return grid_html(test.images[indices], captions, indices, columns=4, names=names), page.number

    def ask_test(name: object, index: Any) -> str:
        try:
            test = nets.source.splits.test
            facts = image_facts(test, index)
            image = test.images[index]
            return answer_html(
                nets.predict(NetRef(str(name)), image), image, title=f"test image {index}", truth=facts.name
            )
        except CifarError as error:
            return message_box(str(error), "error")

    def ask_picked(name: object, event: gr.EventData) -> tuple[str, Any]:
        index = getattr(event, "index", None)
        return ask_test(name, index), index if isinstance(index, int) else None

    def ask_once_more(name: object, index: float | None) -> Any:
        return gr.skip() if index is None or index < 0 else ask_test(name, _whole(index))

    def look_inside(name: object, index: float | None) -> tuple[Any, Any]:
        try:
            test, chosen = nets.source.splits, nets.open(NetRef(str(name)))
            facts = image_facts(test.test, _whole(index))
            # a run may have been trained on other pictures than those in use
            same = chosen.splits.folder == test.folder
            picture = f"test {facts.index}" if same else picture_pointer(test.test.images[facts.index])
            return Pointer(chosen.name, picture).text(), gr.skip()
        except CifarError as error:
            return gr.skip(), message_box(str(error), "error")

    def fresh_nets(owner_key: str, chosen: str) -> Any:
        choices = net_choices(nets, str(owner_key))
        known = {value for _, value in choices}
        return gr.Dropdown(choices=choices, value=chosen if chosen in known else PRETRAINED)

    grid.value, number.value = show_tests(1, None)  # what a visitor sees first is part of the page itself

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    heavy = quiet | {"concurrency_limit": 2, "concurrency_id": "classify"}
    tests = [number, seed]
    onward.click(lambda number, seed: show_tests((number or 1) + 1, seed), tests, [grid, number], **quiet)
    shuffle.click(lambda: (1, secrets.randbelow(MAX_SEED + 1)), None, tests, **quiet).then(
        show_tests, tests, [grid, number], **quiet
    )
    to_answer: dict[str, Any] = {"js": scroll_to("answer"), "api_visibility": "private"}
    grid.pick(ask_picked, net, [answer, asked], **heavy).then(None, None, None, **to_answer)
    again.click(ask_once_more, [net, asked], answer, **heavy)
    net.change(ask_once_more, [net, asked], answer, trigger_mode="multiple", **heavy)
    answer.select(look_inside, [net, asked], [look_at, answer], **heavy)
    tab.select(fresh_nets, [owner, net], net, **quiet)
    data_changed.change(show_tests, tests, [grid, number], trigger_mode="multiple", **quiet)


_LOOK_INSIDE = """
element.addEventListener('click', (event) => { if (event.target.closest('.look-inside')) trigger('select'); });
"""
_NO_ANSWER = '<div class="detail empty"><p>Click a test image, and the Net\'s answer appears here.</p></div>'


def answer_html(answer: Prediction, image: np.ndarray, *, title: str, truth: str) -> str:
    """The Net's answer: the 32x32 it sees, all ten probabilities and where they come from."""
    best = answer.best
    right = truth == best.name
    seen = enlarged(image, f"What the Net sees: {title}, 32 by 32 pixels, enlarged", title="the 32 × 32 the Net sees")
    return (
        f'<section class="answer"><h3>The Net says <strong>{html.escape(best.name)}</strong>, '
        f"{percent(best.probability)} sure</h3>"
        f"<p class='verdict'><span class=\"chip {'done' if right else 'failed'}\">{'✓ right' if right else '✗ wrong'}"
        f"</span> the truth is <b>{html.escape(truth)}</b></p>"
        f'<div class="answer-parts"><div class="seen">{seen}</div>{bars_html(answer, ranked=True)}</div>'
        '<button type="button" class="look-inside">Look inside</button>'
        f"<details open><summary>Where these numbers come from</summary>{scores_html(answer)}</details></section>"
    )


def _whole(index: float | None) -> Any:
    """A number field's whole number as int; anything else as it is, for a check to find."""
    return int(index) if index is not None and float(index).is_integer() else index


def _about_pretrained() -> str:
    made = recipe()
    config = made.config
    return (
        f"The pretrained Net saw {config.epochs} epochs in batches of {config.batch_size}, each image mirrored and "
        f"moved a little at random, with a learning rate that rises to {config.lr:g} and falls to zero (seed "
        f"{config.seed}): "
        f"{made.correct:,} of {made.total:,} test images right."
    )
