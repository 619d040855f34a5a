"""The named endpoints for people who script the page with `gradio_client`; everything else is private."""

import inspect
from collections.abc import Callable
from dataclasses import asdict, fields
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import gradio as gr
from PIL import Image

from cifar_core.config import FIELDS, TrainConfig
from cifar_core.data.browse import page_of
from cifar_core.data.source import DataSource
from cifar_core.errors import CifarError, DataError, ImageError, RunError
from cifar_core.images import image_grid, to_net_input
from cifar_core.runs.records import Run
from cifar_core.runs.refs import PRETRAINED, NetRef
from cifar_core.runs.registry import NetRegistry
from cifar_core.runs.service import Service
from demo.client_address import address_of
from demo.gradio_compat import ImageInput
from demo.setup.settings import page_config
from demo.widgets.events import PREDICT
from demo.widgets.owner import owner_key_of
from demo.widgets.templates import data_url

P = ParamSpec("P")
R = TypeVar("R")

COLUMNS = 8
"""images side by side in what /browse gives"""
START_SETTINGS = (
    *("epochs", "batch_size", "lr", "momentum", "weight_decay", "seed", "augment", "schedule", "stop_rule"),
    *("patience", "target_accuracy", "device", "label_smoothing", "precision"),
)
"""the settings that /start takes, in this order; the owner key comes after the device"""


def as_gradio_error(function: Callable[P, R]) -> Callable[P, R]:
    """Let a refusal of the core reach the caller as its sentence, without a trace."""

    @wraps(function)
    def refusing(*args: P.args, **options: P.kwargs) -> R:
        try:
            return function(*args, **options)
        except CifarError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return refusing


class Endpoints:
    """What a script may ask of the page."""

    def __init__(self, service: Service, source: DataSource, nets: NetRegistry) -> None:
        self.service, self.source, self.nets = service, source, nets

    def browse(
        self,
        split: str = "train",
        page: int = 1,
        per_page: int = 36,
        classes: list[str] | None = None,
        seed: int | None = None,
    ) -> dict[str, Any]:
        """Return one page of images: indices, labels, and all images side by side in a lossless PNG (data link).

        Args:
            split: train or test.
            page: from 1.
            per_page: 1 to 100.
            classes: names of the classes wanted; none for all.
            seed: shuffles by this number; none keeps the stored order.
        """
        image_set = self.source.splits.split(split)
        if not isinstance(classes, list | None):
            raise DataError(f"classes must be a list of names, such as {list(image_set.classes[:2])}, or none for all.")
        found = page_of(image_set, number=page, per_page=per_page, classes=tuple(classes or ()), seed=seed)
        indices = list(found.indices)
        labels = image_set.labels[indices].tolist()
        columns = min(COLUMNS, len(indices))
        return asdict(found) | {
            "labels": labels,
            "names": [image_set.classes[label] for label in labels],
            "columns": columns,
            "png": data_url(image_grid(image_set.images[indices], columns)) if indices else "",
        }

    def start(self, request: gr.Request | None, owner: str = "", **settings: Any) -> dict[str, Any]:
        data = self.source.splits
        config = page_config(settings, len(data.train))
        key = str(owner) if owner else owner_key_of(None)
        return {"run": self.service.start(key, config, data, address=address_of(request)).id, "owner": key}

    def snapshot(self, run: str, since: int = -1) -> dict[str, Any]:
        """Return how a run stands: state, points of the loss curve after step `since`, log lines, accuracy.

        Args:
            run: the run's id.
            since: only points and lines after this step.
        """
        if not isinstance(since, int) or not -1 <= since < 2**31:
            raise RunError("since must be a whole number: the last step that you already have, or -1.")
        found = self.service.snapshot(str(run), since)
        result = found.result
        return public(found.run) | {
            "points": [[point.step, point.loss] for point in found.points],
            "probes": [[one.step, one.correct / one.total] for one in found.validations],
            "changes": [[change.step, change.name, change.value] for change in found.changes],
            "log": [report.line for report in found.reports],
            "accuracy": result.accuracy if result else None,
            "per_class": list(result.per_class) if result else None,
        }

    def stop(self, run: str, owner: str) -> dict[str, Any]:
        """Stop a run of your own; its Net is then evaluated.

        Args:
            run: the run's id.
            owner: the key that /start gave.
        """
        return public(self.service.stop(str(owner), str(run)))

    def classify(self, picture: Image.Image | ImageError | None, net: str) -> dict[str, Any]:
        """Return what a Net predicts for an image: its answer, and probability and logit of each class."""
        if picture is None:
            raise ImageError("There is no image; give one with handle_file('picture.jpg').")
        if isinstance(picture, ImageError):
            raise picture
        prediction = self.nets.predict(NetRef(str(net)), to_net_input(picture))
        return {"answer": prediction.best.name, "scores": [asdict(score) for score in prediction.ranked]}


def build_endpoints(service: Service, source: DataSource, nets: NetRegistry) -> None:
    """Define /browse, /start, /snapshot, /stop and /classify inside the Blocks under construction."""
    endpoints = Endpoints(service, source, nets)
    for name, endpoint in (
        ("browse", endpoints.browse),
        ("start", with_settings(endpoints.start)),
        ("snapshot", endpoints.snapshot),
        ("stop", endpoints.stop),
    ):
        gr.api(as_gradio_error(endpoint), api_name=name, concurrency_limit=None)
    with gr.Row(visible=False):
        image_input = ImageInput(label="picture", type="pil", sources=["upload"])
        net_textbox = gr.Textbox(PRETRAINED, label="net")
        answer_json = gr.JSON(label="answer")
        classify_button = gr.Button("Classify")
    classify_button.click(
        as_gradio_error(endpoints.classify),
        [image_input, net_textbox],
        answer_json,
        **PREDICT | {"api_name": "classify", "api_visibility": "public"},
    )


def with_settings(start: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return `start` with the signature and the documentation that follow from the settings' own description."""

    def described(*args: Any, **given: Any) -> dict[str, Any]:
        return start(**signature.bind(*args, **given).arguments)

    types = {field.name: type(field.default) for field in fields(TrainConfig)}
    defaults = TrainConfig()
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        inspect.Parameter(name, kind, default=getattr(defaults, name), annotation=types[name])
        for name in START_SETTINGS
    ]
    after_device = START_SETTINGS.index("device") + 1
    parameters.insert(after_device, inspect.Parameter("owner", kind, default="", annotation=str))
    request = inspect.Parameter("request", kind, annotation=gr.Request | None)  # Gradio's own, and no caller's
    signature = inspect.Signature([request, *parameters], return_annotation=dict[str, Any])
    described.__signature__ = signature  # type: ignore[attr-defined]
    described.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
    described.__annotations__["return"] = dict[str, Any]
    described.__name__ = "start"
    lines = ["Start a training. Return the run's id and the secret owner key, which /stop wants.", "", "Args:"]
    for one in parameters:
        about = FIELDS[one.name].help if one.name in FIELDS else "a key from an earlier start; empty makes a new one."
        lines.append(f"    {one.name}: {about}")
    described.__doc__ = "\n".join(lines)
    return described


def public(run: Run) -> dict[str, Any]:
    """Return what anyone may know of a run."""
    return {
        "run": run.id,
        "state": run.state,
        "message": run.message,
        "step": run.step,
        "steps": run.steps,
        "epoch": run.epoch,
        "images_per_second": run.speed,
        "config": run.config.to_json(),
    }
