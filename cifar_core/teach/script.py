"""The code of a run: a plain PyTorch script in the style of the tutorial that trains the same Net at home.

    print(script_of(TrainConfig(lr=0.01)))

It imports nothing of ours. On the CPU, with the same data and versions, it prints the lines that the run printed, digit
for digit, and its weights are the run's bit for bit. Its text is `train_script.py.j2`.
"""

from collections.abc import Iterable
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from cifar_core.config import CHANGEABLE, CLASSES, TrainConfig
from cifar_core.data.image_set import DatasetInfo, Splits
from cifar_core.errors import ConfigError
from cifar_core.runs.records import Snapshot
from cifar_core.training.control import Change
from cifar_core.training.events import Changed

DataKind = Literal["official", "repacked", "images"]
"""CIFAR-10 as torchvision downloads it; a copy of it with other md5 sums; images in four .npy files"""

SMALL_BATCH = 4
"""images in a mini-batch up to which torch's own convolution is used, as in training/step.py (which needs torch)"""

MARK = "  # <- the mistake"
PAGE = 96
"""columns that a list of names may fill"""


def script_of(
    config: TrainConfig,
    *,
    changes: Iterable[Change | Changed] = (),
    last_step: int | None = None,
    diverged: bool = False,
    data: DataKind = "official",
    classes: tuple[str, ...] = CLASSES,
) -> str:
    """Return the script of a training with these settings, for Python 3.10 and later.

    `changes` are those made while it ran, in the order of their steps. `last_step` is the step at which it was stopped;
    None if it ran to its end, or to that of its stop rule. `diverged` ends the script where the loss is not finite.
    Raise ConfigError if a change is not allowed, or if the run followed a schedule and was then trained on.
    """
    made = replayable(config, changes, last_step)
    sizes = {config.batch_size, *(int(change.value) for change in made if change.name == "batch_size")}
    validates = config.stop_rule == "accuracy"
    return _template().render(
        config=config,
        data=data,
        classes=classes,
        changes=_by_step(config, made),
        last_step=last_step,
        diverged=diverged,
        mark=MARK,
        small_batch=SMALL_BATCH,
        one_size=len(sizes) == 1,  # else no DataLoader can cut the mini-batches: it knows one batch size only
        small_batches=min(sizes) <= SMALL_BATCH,
        moves=config.augment != "none",
        cycles=config.schedule != "constant",
        patient=config.stop_rule == "patience",
        validates=validates,
        counts_steps=bool(made) or last_step is not None or validates,
    )


def script_of_run(snapshot: Snapshot, splits: Splits) -> str:
    """Return the script of a run; of one that is still active, as if nothing more were changed."""
    snapshot.run.check_solved()
    run, ended = snapshot.run, not snapshot.run.active
    # a run that has ended never reached the changes planned for later steps
    made = [change for change in snapshot.changes if not ended or change.step < run.step or change.name == "epochs"]
    return script_of(
        run.config,
        changes=made,
        last_step=run.step if "stopped" in (run.state, run.ending) else None,
        diverged=run.state == "diverged",
        data=data_kind(splits.info),
        classes=splits.train.classes,
    )


def data_kind(info: DatasetInfo) -> DataKind:
    """Return how a script at home gets these images."""
    if info.kind != "archive":
        return "images"
    return "official" if info.verified else "repacked"


def replayable(
    config: TrainConfig, changes: Iterable[Change | Changed], last_step: int | None = None
) -> tuple[Change, ...]:
    """Return the changes to make again when a run is repeated; raise ConfigError if one of them is not allowed.

    Epochs that were added later are in the settings already. But a schedule depends on how many were planned at first,
    and that number is not stored: such a run cannot be repeated.
    """
    made = []
    for change in changes:
        if change.name == "epochs":
            if config.schedule != "constant":
                raise ConfigError(
                    "This run followed a schedule to its end and was then trained on with another plan; "
                    "so it cannot be repeated as one training from the beginning."
                )
            continue
        if change.name not in CHANGEABLE:
            raise ConfigError(f"Only {', '.join(CHANGEABLE)} can change during a run.")
        config = config.changed({change.name: change.value})
        if last_step is None or change.step < last_step:
            made.append(Change(change.name, change.value, change.step))
    return tuple(made)


def command_of(config: TrainConfig) -> str:
    """Return the command that trains with these settings: `python -m cifar_core train …`, defaults left out."""
    defaults = TrainConfig().to_json()
    given = [
        f"--{name.replace('_', '-')} {value}" for name, value in config.to_json().items() if value != defaults[name]
    ]
    return " ".join(["python -m cifar_core train --data DIR --out net.pth", *given])


@cache
def _template() -> Template:
    # Python's own braces, percent signs and comments stand in the template as they are, hence the other delimiters
    environment = Environment(
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=False,  # noqa: S701  # it is Python, not HTML
    )
    environment.globals.update(call=_call, names=_names)
    return environment.get_template("train_script.py.j2")


def _by_step(config: TrainConfig, changes: Iterable[Change]) -> list[tuple[int, list[tuple[str, Any]]]]:
    """Group changes by step, each value in the type of its setting."""
    return [
        (step, [(change.name, getattr(config.changed({change.name: change.value}), change.name)) for change in group])
        for step, group in groupby(changes, key=lambda change: change.step)
    ]


def _call(function: str, *arguments: str) -> str:
    """Write a call in one line, or three; with one argument per line if one of them is the mistake."""
    given = [argument for argument in arguments if argument]
    if any(argument.endswith(MARK) for argument in given):
        lines = [f"    {argument.removesuffix(MARK)},{MARK * argument.endswith(MARK)}" for argument in given]
        return "\n".join([f"{function}(", *lines, ")"])
    line = f"{function}({', '.join(given)})"
    return line if len(line) <= 88 else f"{function}(\n    {', '.join(given)}\n)"


def _names(names: tuple[str, ...]) -> str:
    """Write `classes = (...)`."""
    line = f"classes = ({', '.join(_quoted(name) for name in names)})"
    if len(line) <= PAGE:
        return line
    ## Two strings side by side are one string in Python: so a long name can take several lines.
    words = [[_quoted(name[at : at + 12]) for at in range(0, len(name), 12)] for name in names]
    lines = [f"    {piece}{',' * (piece is word[-1])}" for word in words for piece in word]
    return "\n".join(["classes = (", *lines, ")"])


def _quoted(text: str) -> str:
    """Write text as code, in double quotes if that is as simple; nothing in it can end the string."""
    plain = text.isascii() and text.isprintable() and not set(text) & set('"\\')
    return f'"{text}"' if plain else ascii(text)
