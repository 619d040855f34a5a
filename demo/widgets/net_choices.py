"""The Nets that a visitor can choose from, for a dropdown."""

from cifar_core.pretrained import origin
from cifar_core.runs.registry import PRETRAINED, NetRegistry
from demo.widgets.format import STATES, percent


def net_choices(nets: NetRegistry, owner: str) -> list[tuple[str, str]]:
    """Return the Nets this visitor can choose from: what to show of each, and its name."""
    choices = [(f"Pretrained · {percent(origin().accuracy)} on CIFAR-10", PRETRAINED)]
    for run in nets.service.runs_of(owner):
        if run.checkpoint >= 0:
            share = 100 * run.seen / (run.config.epochs * run.images)
            choices.append((f"My {run.name} · {STATES[run.state].lower()} · {share:.0f} % of its training", run.id))
    return choices
