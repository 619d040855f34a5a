"""The evaluation that is on screen. Whatever is asked next belongs to the same test, or says why it cannot."""

from dataclasses import replace
from typing import TYPE_CHECKING

from cifar_core.data.image_set import Splits
from cifar_core.errors import RunError
from cifar_core.runs.refs import ImageRef, NetRef
from cifar_core.runs.registry import NetRegistry, OpenNet
from demo.tabs.judge.state import JudgeState, fingerprint
from demo.widgets.look_at import LookAt

if TYPE_CHECKING:
    from cifar_core.evaluate import Evaluation


def shown_evaluation(nets: NetRegistry, state: JudgeState) -> tuple[Splits, "Evaluation"]:
    """Return the images and the evaluation of the test on screen.

    Raise RunError if it is no longer in the cache, the run is gone, or its images were replaced. Nothing is evaluated
    here: that takes a second or more, and only *Test it* waits for its turn to do so.
    """
    tested, now = _opened(nets, state)
    # only the key counts for the cache, not the weights, which may be newer
    cached = nets.cached_evaluation(replace(now, ref=tested))
    if cached is None:
        raise RunError("This test is no longer stored. Press Test it to see the Net as it is now.")
    return now.splits, cached


def image_inside(nets: NetRegistry, state: JudgeState, index: object) -> tuple[LookAt, str]:
    """Return what opens test image `index` in Inside, and a sentence if the Net of the test is no longer stored.

    Of a run only its frames' weights and the newest are stored; for any other step, the newest are opened.
    Raise RunError as `shown_evaluation` does, and for an unknown image.
    """
    tested, now = _opened(nets, state)
    if type(index) is not int or not 0 <= index < len(now.splits.test):
        raise RunError("There is no such test image.")
    image = ImageRef("test", index)
    unchanged, going = now.ref == tested, now.run is not None and now.run.active
    if unchanged and not going:
        return LookAt(NetRef(tested.run), image), ""
    if any(frame.step == tested.step for frame in nets.service.frame_times(tested.run)):
        return LookAt(tested, image), ""
    if unchanged:
        return LookAt(NetRef(tested.run), image), ""
    return LookAt(NetRef(tested.run), image), (
        f"This run has trained on since step {tested.step:,}. The tab Inside shows the Net as it is now, at step "
        f"{now.step:,}; its prediction may differ from the one below."
    )


def _opened(nets: NetRegistry, state: JudgeState) -> tuple[NetRef, OpenNet]:
    if state.tested is None:
        raise RunError("Choose a Net and press Test it first.")
    now = nets.open(NetRef(state.tested.run))
    if fingerprint(now.splits) != state.data:
        raise RunError("Other images are in use on this server since this test. Press Test it to test with them.")
    return state.tested, now
