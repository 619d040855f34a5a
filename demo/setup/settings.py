"""The settings as the page has them: their fields, the recipe they ask for, and what that would take."""

from dataclasses import replace
from typing import Any

import gradio as gr

from cifar_core.config import FIELDS, TrainConfig
from cifar_core.data.source import DataSource
from cifar_core.runs.limits import Limits
from cifar_core.runs.service import Service
from cifar_core.training.presets import PRESETS
from demo.widgets.format import duration
from demo.widgets.templates import message_box

REPORT_IMAGES = 8000
"""images in one line of the log: the tutorial's 2,000 mini-batches of 4"""
REPORTS_AN_EPOCH = 5
"""lines that an epoch has at least, also on a small data set"""

Settings = dict[str, gr.Number | gr.Dropdown]
"""the fields of the settings, by name"""
MAIN = ("epochs", "batch_size", "lr", "momentum", "seed", "device")
RECIPE = ("weight_decay", "label_smoothing", "augment", "schedule", "precision")
ENDING = ("stop_rule", "patience", "target_accuracy")
MORE = RECIPE + ENDING
NAMES = MAIN + MORE
DEFAULTS = TrainConfig()


def page_config(values: dict[str, Any], images: int) -> TrainConfig:
    """The recipe that the page's settings ask for; a line of the log covers the same number of images at any batch."""
    config = TrainConfig(**values)
    covered = min(REPORT_IMAGES, images // REPORTS_AN_EPOCH)
    return replace(config, report_every=max(1, covered // config.batch_size))


def setting_field(name: str) -> gr.Number | gr.Dropdown:
    """The field of one setting, with its reason and its bounds."""
    about, default = FIELDS[name], getattr(DEFAULTS, name)
    if about.choices:
        choices = [(choice.replace("_", " "), choice) for choice in about.choices]
        return gr.Dropdown(choices, value=default, label=about.label, info=about.help, elem_id=name)
    bounds = f" ({about.low:,g} to {about.high:,g})"
    return gr.Number(default, label=about.label, info=about.help + bounds, elem_id=name)


def fill_in(preset: str) -> list[Any]:
    """The sentence about the recipe called `preset`, and its values for the fields."""
    recipe = PRESETS[preset]
    return [message_box(recipe.help), *(getattr(recipe.config, name) for name in NAMES)]


def plan_words(service: Service, source: DataSource, config: TrainConfig) -> str:
    """What these settings mean on the data set in use, and how long they would take now, before anything is started."""
    images = len(source.splits.train)
    steps = config.steps(images)
    words = (
        f"{config.epochs} × {images:,} images in mini-batches of {config.batch_size}: {steps:,} updates of the "
        f"weights, a line in the log every {config.report_every:,}."
    )
    if steps > service.limits.steps:
        return f"{words} That is more than the {service.limits.steps:,} updates that one run may have here."
    estimate = service.estimate(config, images)
    if estimate.seconds is None:
        return words
    going = {0: "No run is going", 1: "1 run is going"}.get(estimate.going, f"{estimate.going} runs are going")
    share = SHARES.get(round(1 / estimate.share), f"1/{round(1 / estimate.share)} of a core")
    words += f" {going}: yours would get {share} and take about {duration(estimate.seconds)}."
    if estimate.seconds * estimate.share > 60 * service.limits.minutes:
        words += f" A run is stopped after {service.limits.minutes} minutes of work."
    return words


def limits_words(limits: Limits) -> str:
    """What one visitor may ask of this server, said before it bites."""
    return (
        f"On this server a run may have {limits.steps:,} updates and {limits.minutes} minutes of work; it may rest for "
        f"{limits.paused_minutes} minutes. You may have {limits.active_per_owner} runs going at once, and your newest "
        f"{limits.kept_per_owner} ended runs are kept for {limits.days} days."
    )


SHARES = {1: "a whole core", 2: "half a core", 3: "a third of a core", 4: "a quarter of a core", 5: "a fifth of a core"}
SHARES |= {6: "a sixth of a core", 7: "a seventh of a core", 8: "an eighth of a core", 9: "a ninth of a core"}
"""how a share of one over so many is said"""
