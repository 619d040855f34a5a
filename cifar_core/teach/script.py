"""The code of a run: a plain PyTorch script in the manner of the tutorial that trains the very same Net at home.

    print(script_of(TrainConfig(lr=0.01)))

It imports nothing of ours. On the CPU, with the same data and versions, it prints the lines that the run printed, digit
for digit, and its weights are the run's bit for bit.
"""

from collections.abc import Iterable

from cifar_core.config import CHANGEABLE, CLASSES, TrainConfig
from cifar_core.data.image_set import DatasetInfo, Splits
from cifar_core.errors import ConfigError
from cifar_core.runs.records import Snapshot
from cifar_core.teach import script_loop, script_parts
from cifar_core.teach.script_recipe import Data, ScriptSettings
from cifar_core.training.events import Change, Changed


def script_of(
    config: TrainConfig,
    *,
    changes: Iterable[Change | Changed] = (),
    last_step: int | None = None,
    diverged: bool = False,
    data: Data = "official",
    classes: tuple[str, ...] = CLASSES,
) -> str:
    """The script of a training with these settings, for Python 3.10 and later.

    `changes` are those made while it ran, in the order of their steps. `last_step` is the step at which it was stopped;
    None where it ran to its end, or to that of its stop rule. `diverged` ends the script where the loss is no number.
    Raises ConfigError where a change is not allowed, or where the run followed a schedule and was then trained on.
    """
    recipe = ScriptSettings(config, replayed(config, changes, last_step), last_step, diverged, data, classes)
    parts = (script_parts.data, script_parts.net, script_parts.optimizer, script_loop.loop, script_loop.test)
    sections = [part(recipe) for part in parts if not (diverged and part is script_loop.test)]
    return "\n\n\n".join("\n".join(lines) for lines in sections) + "\n"


def script_of_run(snapshot: Snapshot, splits: Splits) -> str:
    """The script of a run, also of one that is still going: as it would be if nothing more were changed."""
    run, ended = snapshot.run, not snapshot.run.active
    # of a run that was to be changed at steps which it never reached, these are left out
    made = [change for change in snapshot.changes if not ended or change.step < run.step or change.name == "epochs"]
    return script_of(
        run.config,
        changes=made,
        last_step=run.step if "stopped" in (run.state, run.ending) else None,
        diverged=run.state == "diverged",
        data=data_kind(splits.info),
        classes=splits.train.classes,
    )


def data_kind(about: DatasetInfo) -> Data:
    """How a script at home gets at these pictures."""
    if about.kind != "archive":
        return "pictures"
    return "official" if about.verified else "repacked"


def replayed(
    config: TrainConfig, changes: Iterable[Change | Changed], last_step: int | None = None
) -> tuple[Change, ...]:
    """The changes to be made again when a run is repeated. Raises ConfigError where one of them is not allowed.

    Epochs that were added later are in the settings already. But a schedule depends on how many were planned at first,
    and that number is not kept: such a run cannot be repeated.
    """
    made = []
    for change in changes:
        if change.name == "epochs":
            if config.schedule != "constant":
                raise ConfigError(
                    "This run followed a schedule to its end and was then trained on with another plan; "
                    "so it cannot be told as one training from the beginning."
                )
            continue
        if change.name not in CHANGEABLE:
            raise ConfigError(f"Only {', '.join(CHANGEABLE)} can change while a run is going.")
        config = config.changed({change.name: change.value})
        if last_step is None or change.step < last_step:
            made.append(Change(change.name, change.value, change.step))
    return tuple(made)


def command_of(config: TrainConfig) -> str:
    """The command that trains with these settings: `python -m cifar_core train …` with what is not the tutorial's."""
    usual = TrainConfig().to_json()
    given = [f"--{name.replace('_', '-')} {value}" for name, value in config.to_json().items() if value != usual[name]]
    return " ".join(["python -m cifar_core train --data DIR --out net.pth", *given])
