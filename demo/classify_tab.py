"""The tab in which a trained Net is asked what is on a picture."""

import html
import secrets
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from cifar_core.answer import Answer
from cifar_core.browse import MAX_SEED, facts_of, page_of
from cifar_core.errors import CifarError, PictureError
from cifar_core.pictures import to_net_input
from cifar_core.pretrained import recipe
from demo.nets import PRETRAINED, Nets
from demo.picture_grid import enlarged, grid_html, picture_grid, scroll_to
from demo.picture_input import PictureInput
from demo.words import note, percent

PER_PAGE = 12
THUMBNAIL = 320
"""pixels of the longer side of an uploaded picture beside its 32x32"""


def build_classify_tab(
    nets: Nets, owner: gr.BrowserState, data_changed: gr.Textbox, look_at: gr.Textbox, tab: gr.Tab
) -> None:
    """Lay out the tab and wire it. `tab` is the tab itself: whenever it is opened, the list of Nets is fresh."""
    gr.Markdown(
        "Choose a trained Net and show it a picture. It can only answer with **one of its ten classes**: shown a "
        "banana, it will still say plane, frog or ship. It has no way to say *none of these*."
    )
    with gr.Row(equal_height=False):
        with gr.Column(scale=2, min_width=300):
            net = gr.Dropdown(nets.choices(""), value=PRETRAINED, label="Net", info=_about_pretrained(), elem_id="net")
            with gr.Tabs():
                with gr.Tab("Test images", id="test-images"):
                    grid = picture_grid(label="Test images", elem_id="test-pictures")
                    with gr.Row(elem_classes="pager"):
                        onward = gr.Button("Next", size="sm", elem_id="test-next")
                        shuffle = gr.Button("Shuffle", size="sm", elem_id="test-shuffle")
                with gr.Tab("Your picture", id="your-picture"):
                    upload = PictureInput(
                        label="Upload, paste or photograph",
                        sources=["upload", "clipboard", "webcam"],
                        type="pil",
                        format="png",
                        elem_id="upload",
                        height=260,
                    )
                    gr.Markdown("PNG, JPEG, WebP, GIF, BMP or AVIF, up to 10 MB. The largest centred square is used.")
            again = gr.Button("Ask again", elem_id="ask-again", size="sm")
        with gr.Column(scale=3, min_width=320):
            answer = gr.HTML(_NO_ANSWER, elem_id="answer")
    number = gr.Number(1, visible="hidden", label="page of test images")
    seed = gr.Number(None, visible="hidden", label="shuffle seed of test images")
    asked = gr.Number(None, visible="hidden", label="chosen test image, or none for the upload")

    def show_tests(number: float | None, seed: float | None) -> tuple[str, int]:
        test = nets.source.splits.test
        page = page_of(test, number=int(number or 1), per_page=PER_PAGE, seed=None if seed is None else int(seed))
        indices = list(page.indices)
        captions = [test.classes[label] for label in test.labels[indices]]
        names = [f"{caption}, test image {index}" for caption, index in zip(captions, indices, strict=True)]
        return grid_html(test.images[indices], captions, indices, columns=4, names=names), page.number

    def ask_test(name: str, index: Any) -> str:
        try:
            test = nets.source.splits.test
            facts = facts_of(test, index)
            image = test.images[index]
            return answer_html(nets.ask(name, image), image, title=f"test image {index}", truth=facts.name)
        except CifarError as error:
            return note(str(error), "error")

    def ask_upload(name: str, picture: Image.Image | PictureError | None) -> Any:
        if picture is None:
            return gr.skip()
        try:
            if isinstance(picture, PictureError):
                raise picture
            image = to_net_input(picture)
            return answer_html(nets.ask(name, image), image, title="your picture", original=picture)
        except CifarError as error:
            return note(str(error), "error")

    def ask_picked(name: str, event: gr.EventData) -> tuple[str, Any]:
        index = getattr(event, "index", None)
        return ask_test(name, index), index if isinstance(index, int) else None

    def ask_once_more(name: str, index: float | None, picture: Image.Image | PictureError | None) -> Any:
        return ask_test(name, int(index)) if index is not None else ask_upload(name, picture)

    def fresh_nets(owner_key: str, chosen: str) -> Any:
        choices = nets.choices(str(owner_key))
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
    upload.input(ask_upload, [net, upload], answer, **heavy).then(lambda: None, None, asked, **quiet).then(
        None, None, None, **to_answer
    )
    again.click(ask_once_more, [net, asked, upload], answer, **heavy)
    net.input(ask_once_more, [net, asked, upload], answer, **heavy)
    tab.select(fresh_nets, [owner, net], net, **quiet)
    data_changed.change(show_tests, tests, [grid, number], **quiet)


_NO_ANSWER = (
    '<div class="detail empty"><p>Click a test image, or bring a picture of your own, '
    "and the Net's answer appears here.</p></div>"
)


def answer_html(
    answer: Answer,
    image: np.ndarray,
    *,
    title: str,
    truth: str | None = None,
    original: Image.Image | None = None,
) -> str:
    """The Net's answer: the picture, the 32x32 it sees, all ten probabilities and where they come from."""
    best = answer.best
    verdict = ""
    if truth is not None:
        right = truth == best.name
        verdict = (
            f'<span class="chip {"done" if right else "failed"}">{"✓ right" if right else "✗ wrong"}</span> '
            f"the truth is <b>{html.escape(truth)}</b>"
        )
    seen = enlarged(image, "What the Net sees: 32 by 32 pixels, enlarged", title="the 32 × 32 the Net sees")
    given = ""
    if original is not None:
        small = original.copy()
        small.thumbnail((THUMBNAIL, THUMBNAIL))
        given = enlarged(np.asarray(small), "The picture as it was given", title=title).replace("enlarged", "given", 1)
    bars = "".join(
        f"<tr{' class=best' if score == best else ''}><th scope='row'>{html.escape(score.name)}</th>"
        f"<td><div class='bar'><div style='width:{100 * score.probability:.1f}%'></div></div></td>"
        f"<td class='number'>{percent(score.probability)}</td></tr>"
        for score in answer.ranked
    )
    rows = "".join(
        f"<tr{' class=best' if score == best else ''}><th scope='row'>{label}</th>"
        f"<th scope='row'>{html.escape(score.name)}</th>"
        f"<td class='number'>{score.logit:.3f}</td><td class='number'>{score.probability:.4f}</td>"
        f"<td>{'← argmax' if score == best else ''}</td></tr>"
        for label, score in enumerate(answer.scores)
    )
    return (
        f'<section class="answer"><h3>The Net says <strong>{html.escape(best.name)}</strong>, '
        f"{percent(best.probability)} sure</h3><p class='verdict'>{verdict}</p>"
        f'<div class="answer-parts"><div class="seen">{given}{seen}</div>'
        f'<table class="bars" aria-label="Probability of each class, highest first">{bars}</table></div>'
        "<details open><summary>Where these numbers come from</summary>"
        "<p class='quiet'>The last layer gives one number a class, the <i>logit</i>. <i>Softmax</i> turns the ten "
        "logits into probabilities that add up to 1. <i>Argmax</i> picks the largest: that is the answer.</p>"
        "<table class='facts-table logits'><thead><tr><th>label</th><th>class</th><th>logit</th><th>softmax</th>"
        f"<th></th></tr></thead><tbody>{rows}</tbody></table></details></section>"
    )


def _about_pretrained() -> str:
    made = recipe()
    config = made.config
    return (
        f"The pretrained Net saw {config.epochs} epochs in batches of {config.batch_size}, each image mirrored and "
        f"moved a little at random, with a learning rate that rises to {config.lr:g} and falls to zero (seed "
        f"{config.seed}): "
        f"{made.correct:,} of {made.total:,} test images right."
    )
