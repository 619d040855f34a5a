"""The settings as the page has them: their fields, the config they ask for, and what that would take."""

from dataclasses import replace
from typing import Any

import gradio as gr

from cifar_core.config import FIELDS, TrainConfig
from cifar_core.data.source import DataSource
from cifar_core.runs.limits import Limits
from cifar_core.runs.service import Service
from cifar_core.training.presets import PRESETS
from demo.widgets.format import duration

REPORT_IMAGES = 8000
"""images in one line of the log: the tutorial's 2,000 mini-batches of 4"""
REPORTS_AN_EPOCH = 5
"""lines that an epoch has at least, also on a small data set"""

Settings = dict[str, gr.Number | gr.Dropdown]
"""the fields of the settings, by name"""
MAIN = ("epochs", "batch_size", "lr", "momentum", "seed", "device")
BEYOND = ("weight_decay", "label_smoothing", "augment", "schedule", "precision")
ENDING = ("stop_rule", "patience", "target_accuracy")
MORE = BEYOND + ENDING
NAMES = MAIN + MORE
DEFAULTS = TrainConfig()


def page_config(values: dict[str, Any], images: int) -> TrainConfig:
    """Return the config that the page's fields ask for; a log line covers the same number of images at any batch size.

    Raises ConfigError where a value is not allowed.
    """
    config = TrainConfig(**values)
    covered = min(REPORT_IMAGES, images // REPORTS_AN_EPOCH)
    return replace(config, report_every=max(1, covered // config.batch_size))


def setting_field(name: str) -> gr.Number | gr.Dropdown:
    """Return the field of one setting, with its help and its bounds."""
    field, default = FIELDS[name], getattr(DEFAULTS, name)
    if field.choices:
        choices = [(choice.replace("_", " "), choice) for choice in field.choices]
        return gr.Dropdown(choices, value=default, label=field.label, info=field.help, elem_id=name)
    bounds = f" ({field.low:,g} to {field.high:,g})"
    return gr.Number(default, label=field.label, info=field.help + bounds, elem_id=name)


def preset_values(preset: str) -> dict[str, int | float | str]:
    """Return the values of the fields that the preset fills in, by setting."""
    config = PRESETS[preset].config
    return {name: getattr(config, name) for name in NAMES}


def plan_sentence(service: Service, source: DataSource, config: TrainConfig) -> str:
    """Say what these settings mean on the data set in use, and how long a run would take now, before it is started."""
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
    active = {0: "No run is active", 1: "1 run is active"}.get(estimate.active, f"{estimate.active} runs are active")
    parts = round(1 / estimate.share)
    share = FRACTIONS.get(parts, f"1/{parts} of a core")
    words += f" {active}: yours would get {share} and take about {duration(estimate.seconds)}."
    if estimate.seconds * estimate.share > 60 * service.limits.minutes:
        words += f" A run is stopped after {service.limits.minutes} minutes of work."
    return words


def limits_sentence(limits: Limits) -> str:
    """Say what one visitor may do on this server."""
    return (
        f"On this server a run may have {limits.steps:,} updates and {limits.minutes} minutes of work; it may be "
        f"paused for {limits.paused_minutes} minutes. You may have {limits.active_per_owner} runs active at once, and "
        f"your newest {limits.kept_per_owner} ended runs are stored for {limits.days} days."
    )


FRACTIONS = {1: "a whole core", 2: "half a core", 3: "a third of a core", 4: "a quarter of a core"}
FRACTIONS |= {5: "a fifth of a core", 6: "a sixth of a core", 7: "a seventh of a core", 8: "an eighth of a core"}
FRACTIONS |= {9: "a ninth of a core"}
