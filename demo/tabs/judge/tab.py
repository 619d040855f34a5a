"""The tab in which a Net is tested on all test images, and its mistakes are looked at."""

import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from cifar_core.errors import CifarError
from cifar_core.runs.refs import NetRef
from cifar_core.runs.registry import PRETRAINED, NetRegistry, OpenNet
from demo.tabs.judge.batch import BATCH_WORDS, show_batch, with_last
from demo.tabs.judge.images import VIEWS, Question, answered
from demo.tabs.judge.judged import judged, pointer_to, read_judged
from demo.tabs.judge.view import NOT_FINITE, classes_html, net_words, overall_html
from demo.widgets.confusion import MARK, confusion_html, confusion_matrix, reading_html
from demo.widgets.image_grid import clickable_grid
from demo.widgets.net_choices import net_choices
from demo.widgets.templates import message_box

if TYPE_CHECKING:
    from cifar_core.evaluate import Evaluation

TOLD_EVERY = 0.15
"""seconds between two words on how far a test is"""
_MOVED = "The run has trained on since: press Test it to test it as it is now."
_SHOW_FOUND = """() => {
    const found = document.getElementById('found');
    if (found.getBoundingClientRect().top > 0.6 * window.innerHeight) found.scrollIntoView({behavior: 'smooth'});
}"""
"""JavaScript that brings the images into view where they lie below what was clicked, as on a phone"""


def build_judge_tab(nets: NetRegistry, owner: gr.BrowserState, look_at: gr.Textbox, tab: gr.Tab) -> None:
    """Lay out the tab and wire it. `tab` is the tab itself: whenever it is opened, the list of Nets is fresh."""
    gr.Markdown(
        "Where does a Net fail? Here it is shown every test image, none of which it was trained on, and its answers "
        "are compared with the truth. Look at the mistakes: a number alone does not tell what goes wrong."
    )
    with gr.Row(elem_classes="judge-choice"):
        net = gr.Dropdown(
            net_choices(nets, ""), value=PRETRAINED, label="Net", elem_id="judge-net", scale=3, min_width=240
        )
        test = gr.Button("Test it", variant="primary", elem_id="judge-test", scale=1, min_width=120)
    message = gr.HTML(message_box("Choose a Net and press Test it."), elem_id="judge-message")
    with gr.Column(visible=False) as results:
        overall = gr.HTML("", elem_id="overall")
        with gr.Row(equal_height=False):
            with gr.Column(min_width=320):
                gr.HTML("<h3>What is taken for what</h3>")
                matrix = confusion_matrix(elem_id="confusion")
                reading = gr.HTML("", elem_id="reading")
            with gr.Column(min_width=320):
                gr.HTML("<h3>The images behind the numbers</h3>", elem_id="found")
                with gr.Row(elem_classes="pager"):
                    views = [gr.Button(name, size="sm") for name in VIEWS]
                with gr.Row(elem_classes="found-filters"):
                    truth = gr.Dropdown([("any", "")], value="", label="Truth", elem_id="truth", min_width=110)
                    said = gr.Dropdown([("any", "")], value="", label="Net says", elem_id="said", min_width=110)
                    outcomes = [("wrong", "wrong"), ("right", "right"), ("both", "any")]
                    outcome = gr.Dropdown(
                        outcomes, value="wrong", label="Right or wrong", elem_id="outcome", min_width=110
                    )
                    orders = [("surest", "most_confident"), ("least sure", "smallest_margin"), ("as stored", "stored")]
                    order = gr.Dropdown(
                        orders, value="most_confident", label="First come", elem_id="found-order", min_width=110
                    )
                heading = gr.HTML("", elem_id="found-heading")
                pictures = clickable_grid(label="Test images found", elem_id="found-pictures")
                with gr.Row(elem_classes="pager"):
                    back = gr.Button("← Back", size="sm", elem_id="found-back")
                    onward = gr.Button("More →", size="sm", elem_id="found-more")
                ways = [("looks inside the Net", "inside"), ("puts it into the batch below", "batch")]
                way = gr.Radio(ways, value="inside", label="A click on an image", elem_id="found-way")
                told = gr.HTML(message_box(""), elem_id="found-message")
        with gr.Row(equal_height=False):
            with gr.Column(min_width=320):
                classes = gr.HTML("", elem_id="class-shares")
            with gr.Column(min_width=320):
                gr.HTML(BATCH_WORDS)
                batch = gr.Textbox(
                    "0, 1, 2, 3",
                    label="Test images",
                    info="Up to four numbers. The tutorial takes the first four.",
                    max_lines=1,
                    max_length=60,
                    elem_id="batch",
                )
                logits = gr.HTML("", elem_id="batch-logits")
    shown = gr.Textbox("", visible="hidden", label="Net, step and pictures of the test that is shown")
    wanted = gr.Textbox("", visible="hidden", label="Net that the visitor decided for")
    number = gr.Number(1, visible="hidden", label="page of images found", precision=0)
    parts_of_test = [results, shown, number, overall, matrix, reading, classes, truth, said]
    same = [gr.skip()] * len(parts_of_test)

    def fresh(owner_key: str, decided: str) -> Any:
        """The Nets there are: the one decided for where it still is, else the newest run's, else the pretrained."""
        try:
            choices = net_choices(nets, str(owner_key))
        except CifarError:  # for the moment; the list stays as it was
            return gr.skip()
        names = [name for _, name in choices]
        newest = next((name for name in names if name != PRETRAINED), PRETRAINED)
        return gr.Dropdown(choices=choices, value=decided if decided in names else newest)

    def run_test(name: str, truth: str, said: str) -> Iterator[list[Any]]:
        """Test a Net: a word on how far it is now and then, then everything; or a sentence on why it cannot be."""
        try:
            from cifar_core.evaluate import Evaluated

            chosen = nets.open(NetRef(str(name)))
            spoken = time.monotonic()
            for event in nets.evaluating(chosen):
                if isinstance(event, Evaluated):
                    yield show_test(chosen, event.evaluation, truth, said)
                elif time.monotonic() - spoken > TOLD_EVERY:
                    spoken = time.monotonic()
                    done = f"tested {event.done:,} of {event.total:,} images."
                    yield [message_box(f"Testing {net_words(chosen)}: {done}"), *same]
        except CifarError as error:
            yield nothing(str(error))

    def show_test(chosen: OpenNet, found: "Evaluation", truth: str, said: str) -> list[Any]:
        if not found.finite:
            return nothing(NOT_FINITE)
        going = chosen.run is not None and chosen.run.active
        later = " It is still training: press Test it again to test it as it is by then." if going else ""
        names = [("any", ""), *((name, name) for name in found.classes)]
        return [
            message_box(f"Tested {net_words(chosen)} on all {found.total:,} test images.{later}"),
            gr.Column(visible=True),
            judged(chosen).text(),
            1,
            overall_html(chosen, found),
            confusion_html(found),
            reading_html(found),
            classes_html(found),
            *(
                gr.Dropdown(choices=names) if before in found.classes else gr.Dropdown(choices=names, value="")
                for before in (truth, said)
            ),
        ]

    def nothing(sentence: str) -> list[Any]:
        """Take away what belongs to another Net, and say why there is nothing."""
        return [message_box(sentence, "error"), gr.Column(visible=False), "", *same[2:]]

    def test_on_opening(name: str, now: str, truth: str, said: str) -> Iterator[list[Any]]:
        """Test where nothing of this Net is shown; what is shown stays, with a word where its run has trained on."""
        try:
            before, chosen = read_judged(now), nets.open(NetRef(str(name)))
            if (before.net, before.data) == (chosen.name, judged(chosen).data):
                moved = before.step != chosen.step
                # never nothing at all: from a generator without a yield Gradio would empty every part
                yield [
                    message_box(f"Shown is the test after step {before.step:,}. {_MOVED}") if moved else gr.skip(),
                    *same,
                ]
                return
        except CifarError:  # nothing is shown yet, or the Net is gone: testing says which
            pass
        yield from run_test(name, truth, said)

    def find_images(now: str, truth: str, said: str, outcome: str, order: Any, page: object = 1) -> list[Any]:
        answer = answered(nets, now, Question(truth or "", said or "", outcome, order), page)
        more = (gr.Button(interactive=on) for on in (answer.number > 1, answer.number < answer.pages))
        return [answer.heading, answer.grid, answer.number, *more]

    def turn(by: int, *given: Any) -> list[Any]:
        """Another page of the same images."""
        now, truth, said, outcome, order, number = given
        return find_images(now, truth, said, outcome, order, (number or 1) + by)

    def ask(now: str, question: Question) -> list[Any]:
        """Set the four choices to this question, and show its images."""
        parts = [question.truth, question.said, question.outcome, question.order]
        return [*parts, *find_images(now, *parts)]

    def ask_cell(now: str, event: gr.EventData) -> list[Any]:
        truth, said = (str(getattr(event, name, "")) for name in ("truth", "said"))
        question = Question(truth, said, "any")
        if answered(nets, now, question).refused:  # the choices can show no class that there is not
            return [*[gr.skip()] * 4, *find_images(now, truth, said, question.outcome, question.order)]
        return ask(now, question)

    def show_below(now: str, truth: str, said: str, outcome: str, order: str, numbers: str) -> list[Any]:
        """What follows another test: its images and its batch."""
        if not now:
            return [gr.skip()] * 6
        return [*find_images(now, truth, said, outcome, order), show_batch(nets, now, numbers)]

    def picked(now: str, way: str, numbers: str, event: gr.EventData) -> list[Any]:
        """Open the image that was clicked in Inside, or put it into the batch as its last."""
        try:
            before, index = read_judged(now), getattr(event, "index", None)
            pointer, words = pointer_to(nets, before, index)
        except CifarError as error:
            return [gr.skip(), gr.skip(), message_box(str(error), "error"), gr.skip(), gr.skip()]
        if way != "batch":
            return [pointer.text(), before.net, message_box(words), gr.skip(), gr.skip()]
        numbers = with_last(numbers or "", index)
        put = message_box(f"Test image {index} is now the last of the batch below.")
        return [gr.skip(), before.net, put, numbers, show_batch(nets, now, numbers)]

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
    heavy = quiet | {"concurrency_limit": 2, "concurrency_id": "classify"}
    heaviest = quiet | {"concurrency_limit": 1, "concurrency_id": "judge"}
    last = {"trigger_mode": "always_last"}
    script: dict[str, Any] = {"api_visibility": "private"}
    asked, images = [truth, said, outcome, order], [heading, pictures, number, back, onward]
    test_shown = [message, *parts_of_test]

    def mark_after(event: Any) -> Any:
        return event.then(None, [truth, said], None, js=MARK, **script)

    opened = tab.select(fresh, [owner, wanted], net, **quiet)
    mark_after(opened.then(test_on_opening, [net, shown, truth, said], test_shown, **heaviest))
    decided = [net.input, test.click]
    gr.on(decided, lambda name: name, net, wanted, trigger_mode="multiple", **quiet)
    mark_after(gr.on(decided, run_test, [net, truth, said], test_shown, **last, **heaviest))
    mark_after(shown.change(show_below, [shown, *asked, batch], [*images, logits], **heavy))
    for view, question in zip(views, VIEWS.values(), strict=True):
        mark_after(view.click(partial(ask, question=question), shown, [*asked, *images], **heavy))
    cell = mark_after(matrix.pick(ask_cell, shown, [*asked, *images], **heavy))
    cell.then(None, None, None, js=_SHOW_FOUND, **script)
    mark_after(gr.on([part.input for part in asked], find_images, [shown, *asked], images, **last, **heavy))
    turning = [shown, *asked, number]
    back.click(partial(turn, -1), turning, images, **heavy)
    onward.click(partial(turn, 1), turning, images, **heavy)
    pictures.pick(picked, [shown, way, batch], [look_at, wanted, told, batch, logits], **heavy)
    gr.on([batch.submit, batch.blur], partial(show_batch, nets), [shown, batch], logits, **heavy)
