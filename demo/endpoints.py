"""The named endpoints for people who script the page with `gradio_client`; everything else is private."""

from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import gradio as gr
from PIL import Image

from cifar_core.data.browse import page_of
from cifar_core.data.source import DataSource
from cifar_core.errors import CifarError, ImageError, RunError
from cifar_core.images import image_grid, to_net_input
from cifar_core.runs.records import Run
from cifar_core.runs.refs import NetRef
from cifar_core.runs.registry import PRETRAINED, NetRegistry
from cifar_core.runs.service import Service
from demo.gradio_compat import ImageInput
from demo.setup.settings import page_config
from demo.tabs.train.tab import owner_key_of
from demo.widgets.templates import data_url

P = ParamSpec("P")
R = TypeVar("R")


def in_words(function: Callable[P, R]) -> Callable[P, R]:
    """What the core refuses reaches the caller as its sentence, without a trace."""

    @wraps(function)
    def told(*args: P.args, **options: P.kwargs) -> R:
        try:
            return function(*args, **options)
        except CifarError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return told


def build_endpoints(service: Service, source: DataSource, nets: NetRegistry) -> None:
    """Define /browse, /start, /snapshot, /stop and /classify inside the Blocks under construction."""

    @in_words
    def browse(
        split: str = "train",
        page: int = 1,
        per_page: int = 36,
        classes: list[str] | None = None,
        seed: int | None = None,
    ) -> dict[str, Any]:
        """One page of pictures: indices, labels, and all pictures side by side in a lossless PNG (data link).

        Args:
            split: train or test.
            page: from 1.
            per_page: 1 to 100.
            classes: names of the classes wanted; none for all.
            seed: shuffles by this number; none keeps the stored order.
        """
        image_set = source.splits.split(split)
        found = page_of(image_set, number=page, per_page=per_page, classes=tuple(classes or ()), seed=seed)
        indices = list(found.indices)
        labels = image_set.labels[indices].tolist()
        columns = min(8, len(indices))
        return asdict(found) | {
            "labels": labels,
            "names": [image_set.classes[label] for label in labels],
            "columns": columns,
            "png": data_url(image_grid(image_set.images[indices], columns)) if indices else "",
        }

    @in_words
    def start(
        epochs: int = 2,
        batch_size: int = 4,
        lr: float = 0.001,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        seed: int = 0,
        augment: str = "none",
        schedule: str = "constant",
        stop_rule: str = "none",
        patience: int = 5,
        target_accuracy: float = 60.0,
        device: str = "auto",
        owner: str = "",
        label_smoothing: float = 0.0,
        precision: str = "float32",
    ) -> dict[str, Any]:
        """Start a training. Gives the run's id and the secret owner key, which /stop wants.

        Args:
            epochs: passes over the training set.
            batch_size: images in a mini-batch.
            lr: learning rate.
            momentum: of SGD.
            weight_decay: of SGD.
            seed: of weights and order.
            augment: none or flip_shift.
            schedule: constant or one_cycle.
            stop_rule: none, patience or accuracy.
            patience: lines of the log, for the rule patience.
            target_accuracy: percent, for the rule accuracy.
            device: auto, cpu, cuda or mps.
            owner: a key from an earlier start; empty makes a new one.
            label_smoothing: share of the target spread over all classes.
            precision: float32, bfloat16 or float16.
        """
        data = source.splits
        config = page_config(
            {
                "epochs": epochs,
                "batch_size": batch_size,
                "lr": lr,
                "momentum": momentum,
                "weight_decay": weight_decay,
                "label_smoothing": label_smoothing,
                "seed": seed,
                "augment": augment,
                "schedule": schedule,
                "stop_rule": stop_rule,
                "patience": patience,
                "target_accuracy": target_accuracy,
                "device": device,
                "precision": precision,
            },
            len(data.train),
        )
        key = str(owner) if owner else owner_key_of(None)
        return {"run": service.start(key, config, data).id, "owner": key}

    @in_words
    def snapshot(run: str, since: int = -1) -> dict[str, Any]:
        """How a run stands: state, points of the loss curve after step `since`, log lines, accuracy.

        Args:
            run: the run's id.
            since: only points and lines after this step.
        """
        if not isinstance(since, int) or not -1 <= since < 2**31:
            raise RunError("since must be a whole number: the last step that you already have, or -1.")
        found = service.snapshot(str(run), since)
        result = found.result
        return _public(found.run) | {
            "points": [[point.step, point.loss] for point in found.points],
            "probes": [[probe.step, probe.correct / probe.total] for probe in found.probes],
            "changes": [[change.step, change.name, change.value] for change in found.changes],
            "log": [report.line for report in found.reports],
            "accuracy": result.accuracy if result else None,
            "per_class": list(result.per_class) if result else None,
        }

    @in_words
    def stop(run: str, owner: str) -> dict[str, Any]:
        """Stop a run of one's own; its Net is then tested.

        Args:
            run: the run's id.
            owner: the key that /start gave.
        """
        return _public(service.stop(str(owner), str(run)))

    @in_words
    def ask(picture: Image.Image | ImageError | None, net: str) -> dict[str, Any]:
        """Ask a Net what is on a picture: its answer, and probability and logit of each class."""
        if picture is None:
            raise ImageError("There is no picture; give one with handle_file('picture.jpg').")
        if isinstance(picture, ImageError):
            raise picture
        answer = nets.predict(NetRef(str(net)), to_net_input(picture))
        return {"answer": answer.best.name, "scores": [asdict(score) for score in answer.ranked]}

    for endpoint in (browse, start, snapshot, stop):
        gr.api(endpoint, api_name=endpoint.__name__, concurrency_limit=None)
    with gr.Row(visible=False):
        picture = ImageInput(label="picture", type="pil", sources=["upload"])
        net = gr.Textbox(PRETRAINED, label="net")
        answer = gr.JSON(label="answer")
        trigger = gr.Button("Classify")
    trigger.click(ask, [picture, net], answer, api_name="classify", concurrency_limit=2, concurrency_id="classify")


def _public(run: Run) -> dict[str, Any]:
    """What anyone may know of a run."""
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
