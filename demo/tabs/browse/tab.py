"""The tab in which the data set is looked through."""

import html
import secrets
from typing import Any

import gradio as gr

from cifar_core.data.browse import MAX_PER_PAGE, MAX_SEED, ImageFacts, Page, describe, image_facts, page_of
from cifar_core.data.image_set import ImageSet
from cifar_core.data.source import DataSource
from cifar_core.errors import CifarError
from demo.widgets.enlarged import enlarged
from demo.widgets.figures import class_counts
from demo.widgets.image_grid import clickable_grid, grid_html, scroll_to
from demo.widgets.templates import message_box

PER_PAGE = (4, 16, 36, 64, MAX_PER_PAGE)
DEFAULT_PER_PAGE = 36


def build_browse_tab(source: DataSource, data_changed: gr.Textbox) -> None:
    """Lay out the tab and wire it. `data_changed` changes when another data set is in use."""
    classes = list(source.splits.train.classes)
    gr.Markdown(
        "These are the pictures the Net learns from, exactly as they are stored: 32 × 32 pixels, enlarged without "
        "smoothing. Click one to see what the Net is given of it."
    )
    with gr.Row(elem_classes="controls"):
        split = gr.Radio(
            [("Training set", "train"), ("Test set", "test")], value="train", label="Split", elem_id="split"
        )
        wanted = gr.Dropdown(
            classes, multiselect=True, value=[], label="Classes", info="Empty shows all.", elem_id="classes"
        )
        per_page = gr.Dropdown(
            list(PER_PAGE),
            value=DEFAULT_PER_PAGE,
            label="Pictures a page",
            info="The tutorial shows 4.",
            elem_id="per-page",
        )
        order = gr.Radio(
            [("Shuffled", "shuffled"), ("As stored", "stored")], value="shuffled", label="Order", elem_id="order"
        )
        seed = gr.Number(
            0, label="Shuffle seed", info="The same seed, the same order.", precision=0, elem_id="browse-seed"
        )
    with gr.Row(elem_classes="pager"):
        back = gr.Button("← Previous", elem_id="previous", size="sm")
        number = gr.Number(
            1, label="Page", show_label=False, container=False, precision=0, elem_id="page-number", min_width=70
        )
        where = gr.HTML("", elem_id="where")
        onward = gr.Button("Next →", elem_id="next", size="sm")
        shuffle = gr.Button("Shuffle again", elem_id="shuffle", size="sm")
    message = gr.HTML(message_box(""), elem_id="browse-message")
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=300):
            grid = clickable_grid(label="Pictures", elem_id="pictures")
        with gr.Column(scale=2, min_width=300):
            detail = gr.HTML(_NO_PICTURE, elem_id="detail")
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=300):
            counts = gr.HTML("", elem_id="counts")
        with gr.Column(scale=1, min_width=300):
            about = gr.HTML("", elem_id="about-set")

    def show(*chosen: Any) -> list[Any]:
        name, wanted, per_page, order, seed, number = chosen
        try:
            image_set = source.splits.split(name)
            page = page_of(
                image_set,
                number=number,
                per_page=per_page,
                classes=tuple(wanted),
                seed=seed if order == "shuffled" else None,
            )
        except CifarError as error:
            return [gr.skip(), gr.skip(), gr.skip(), message_box(str(error), "error")]
        return [page_html(image_set, page), page.number, _where(page), message_box("")]

    def show_set(name: str) -> tuple[str, str]:
        splits = source.splits
        image_set = splits.split(name)
        chart = class_counts(image_set.classes, image_set.counts().tolist())
        caption = "training" if name == "train" else "test"
        return (
            f"<h3>Images of each class in the {caption} set</h3>{chart}",
            "<h3>The data set, as the notebook prints it</h3>"
            f'<pre class="printed" tabindex="0">{html.escape(describe(image_set, splits.info))}</pre>',
        )

    def show_detail(name: str, event: gr.EventData) -> str:
        try:
            image_set = source.splits.split(name)
            return detail_html(image_set, image_facts(image_set, event.index))
        except (CifarError, AttributeError) as error:
            return message_box(str(error), "error")

    def fresh_classes() -> Any:
        return gr.Dropdown(choices=list(source.splits.train.classes), value=[])

    # what a visitor sees first is part of the page itself
    grid.value, number.value, where.value, message.value = show("train", [], DEFAULT_PER_PAGE, "shuffled", 0, 1)
    counts.value, about.value = show_set("train")

    inputs = [split, wanted, per_page, order, seed, number]
    outputs = [grid, number, where, message]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    # another choice begins at page 1; turning a page keeps everything else
    gr.on(
        [split.input, wanted.input, per_page.input, order.input, seed.submit, seed.blur],
        lambda *chosen: show(*chosen, 1),
        inputs[:-1],
        outputs,
        **quiet,
    )
    number.submit(show, inputs, outputs, **quiet)
    back.click(lambda *chosen: show(*chosen[:-1], max(1, (chosen[-1] or 1) - 1)), inputs, outputs, **quiet)
    onward.click(lambda *chosen: show(*chosen[:-1], (chosen[-1] or 0) + 1), inputs, outputs, **quiet)
    shuffle.click(lambda: (secrets.randbelow(MAX_SEED + 1), "shuffled"), None, [seed, order], **quiet).then(
        lambda *chosen: show(*chosen, 1), inputs[:-1], outputs, **quiet
    )
    split.input(show_set, split, [counts, about], **quiet)
    split.input(lambda: _NO_PICTURE, None, detail, **quiet)
    grid.pick(show_detail, split, detail, **quiet).then(
        None, None, None, js=scroll_to("detail"), api_visibility="private"
    )
    data_changed.change(fresh_classes, None, wanted, trigger_mode="multiple", **quiet).then(
        show, inputs, outputs, **quiet
    ).then(show_set, split, [counts, about], **quiet)


_NO_PICTURE = (
    '<div class="detail empty"><p>Click a picture to see it large, and the numbers that the Net gets of it.</p></div>'
)


def page_html(image_set: ImageSet, page: Page) -> str:
    """A page of pictures with their classes below."""
    indices = list(page.indices)
    captions = [image_set.classes[label] for label in image_set.labels[indices]]
    names = [f"{caption}, image {index}" for caption, index in zip(captions, indices, strict=True)]
    columns = 4 if len(indices) <= 16 else 6 if len(indices) <= 36 else 8 if len(indices) <= 64 else 10
    return grid_html(image_set.images[indices], captions, indices, columns=columns, names=names)


def detail_html(image_set: ImageSet, facts: ImageFacts) -> str:
    """One picture, large, and what becomes of its numbers."""
    rows = (
        ("Index", f"{facts.index:,} ({image_set.split} set)"),
        ("Label", f"{facts.label} = {facts.name}"),
        ("Stored", f"uint8, {facts.stored.low:.0f} … {facts.stored.high:.0f}"),
        ("Tensor shape", f"torch.Size({list(facts.shape)})"),
        ("Tensor dtype", facts.dtype),
        ("After ToTensor", f"{facts.before.low:.3f} … {facts.before.high:.3f}"),
        ("After Normalize", f"{facts.after.low:.3f} … {facts.after.high:.3f}"),
    )
    picture = enlarged(image_set.images[facts.index], f"{facts.name}, image {facts.index}, enlarged")
    table = "".join(f"<tr><th scope='row'>{name}</th><td>{html.escape(value)}</td></tr>" for name, value in rows)
    return (
        f'<div class="detail"><div class="detail-parts">{picture}'
        f"<table class='facts-table'>{table}</table></div>"
        "<p class='quiet'>ToTensor divides each byte by 255 and puts the three colours first; Normalize subtracts 0.5 "
        "and divides by 0.5, so that the Net gets numbers around zero.</p></div>"
    )


def _where(page: Page) -> str:
    return f'<span class="where">of {page.pages:,} · {page.total:,} pictures</span>'
