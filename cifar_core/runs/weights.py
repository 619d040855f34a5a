"""The weights of a run, read while its worker may be replacing them."""

from cifar_core.errors import RunError
from cifar_core.runs.records import Run
from cifar_core.runs.store import Store


def newest_weights(store: Store, run_id: str) -> tuple[int, bytes] | None:
    """Return the step of the newest weights, and the content of their `.pth` file; None before the first ones."""
    for _ in range(3):  # a newer checkpoint may take the place of the one just named
        run = store.run(run_id)
        if run is None:
            return None
        try:
            return run.checkpoint, store.weights_of(run).read_bytes()
        except FileNotFoundError:
            continue
    return None


def weights_at(store: Store, run: Run, step: float) -> bytes:
    """Return the weights of the frame at `step`, as the content of a `.pth` file. Raises RunError if there is none."""
    if isinstance(step, bool) or not isinstance(step, int | float):
        raise RunError(f"A step must be a whole number; {step!r:.40} is not.")
    steps = [time.step for time in store.frame_times(run.id)]
    if not steps:
        if run.active:
            raise RunError("This run has no weights yet; try again in a moment.")
        raise RunError("This run saved no earlier weights.")
    nearest = min(steps, key=lambda other: abs(other - step))
    if nearest != step:
        raise RunError(f"This run saved no weights of step {step!r:.20}; the nearest are those of step {nearest}.")
    try:
        return store.weights_of(run, nearest).read_bytes()
    except FileNotFoundError as error:  # the run was removed just now, or trains on with fewer frames
        raise RunError(f"The weights of step {nearest} have just been removed; choose another step.") from error
