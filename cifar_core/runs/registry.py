"""The Nets that a visitor can ask: the pretrained one, and that of any run, as it is now or as it was at a frame.

What takes long to find out about a Net is kept for the next who asks. torch is imported at the first question and not
before, so that the page is up while it loads.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from cifar_core.data import image_set
from cifar_core.data.image_set import Splits
from cifar_core.data.source import DataSource
from cifar_core.errors import DataError, RunError
from cifar_core.prediction import Prediction
from cifar_core.runs.records import Run
from cifar_core.runs.service import Service

if TYPE_CHECKING:
    from cifar_core.evaluate import EvaluateEvent, Evaluation
    from cifar_core.inspect.neighbours import FeatureEvent
    from cifar_core.net import Net

T = TypeVar("T")

PRETRAINED = "pretrained"
EVALUATIONS_KEPT = 32
"""half a megabyte each, and three times that once its probabilities were asked for"""
FEATURES_KEPT = 4
"""17 megabytes each"""


@dataclass(frozen=True, eq=False)
class OpenNet:
    """One Net in one state, which never changes."""

    name: str
    """pretrained, or a run's id"""
    step: int | None
    """after how many mini-batches; None for the pretrained Net"""
    run: Run | None
    net: "Net"
    splits: Splits
    """a run's own pictures; those in use for the pretrained Net"""

    @property
    def key(self) -> tuple[str, int | None, Path]:
        """The same for the same state of the same Net on the same pictures."""
        return self.name, self.step, self.splits.folder


class NetRegistry:
    """Opens Nets for the page and for scripts alike."""

    def __init__(self, service: Service, source: DataSource) -> None:
        self.service, self.source = service, source
        self._evaluations = _Kept["Evaluation"](EVALUATIONS_KEPT)
        self._features = _Kept[np.ndarray](FEATURES_KEPT)

    def open(self, name: str, step: int | None = None) -> OpenNet:
        """The Net called `name` as it is now, or as it was at the `step` of one of a run's moments.

        Raises RunError where there is no such run or step, no weights yet, or the run's pictures are gone.
        """
        from cifar_core.net import load_net
        from cifar_core.pretrained import pretrained_net

        if name == PRETRAINED:
            return OpenNet(name, None, None, pretrained_net(), self.source.splits)
        run = self.service.find(name)
        at, weights = self.service.newest_weights(name) if step is None else (step, self.service.weights(name, step))
        return OpenNet(name, at, run, load_net(weights), self._splits_of(run))

    def ask(self, name: str, image: np.ndarray) -> Prediction:
        """What the Net called `name` says now of a picture, uint8 (32, 32, 3)."""
        from cifar_core.predict import predict

        chosen = self.open(name)
        return predict(chosen.net, image, chosen.splits.test.classes)

    def warm_up(self) -> None:
        """Ask something now, so that the first visitor does not wait for torch."""
        self.ask(PRETRAINED, np.zeros((32, 32, 3), np.uint8))

    def evaluating(self, chosen: OpenNet) -> "Iterator[EvaluateEvent]":
        """Test it on all its test images: Evaluating now and then, Evaluated at the end, at once where it is known."""
        from cifar_core.evaluate import Evaluated, evaluating

        known = self._evaluations.get(chosen.key)
        if known is not None:
            yield Evaluated(known)
            return
        for event in evaluating(chosen.net, chosen.splits.test):
            if isinstance(event, Evaluated):
                self._evaluations.keep(chosen.key, event.evaluation)
            yield event

    def evaluation(self, chosen: OpenNet) -> "Evaluation":
        """The same, waited for: about a second on 10,000 images."""
        from cifar_core.evaluate import Evaluated

        *_, last = self.evaluating(chosen)
        assert isinstance(last, Evaluated)
        return last.evaluation

    def known_evaluation(self, chosen: OpenNet) -> "Evaluation | None":
        """What `evaluating` found before, if it did."""
        return self._evaluations.get(chosen.key)

    def features(self, chosen: OpenNet) -> "Iterator[FeatureEvent]":
        """The 84 numbers of each of its training images: Extracting now and then, Extracted at the end."""
        from cifar_core.inspect.neighbours import Extracted, features

        known = self._features.get(chosen.key)
        if known is not None:
            yield Extracted(known)
            return
        for event in features(chosen.net, chosen.splits.train):
            if isinstance(event, Extracted):
                self._features.keep(chosen.key, event.features)
            yield event

    def known_features(self, chosen: OpenNet) -> np.ndarray | None:
        """What `features` found before, if it did."""
        return self._features.get(chosen.key)

    def _splits_of(self, run: Run) -> Splits:
        in_use = self.source.splits
        return in_use if Path(run.data) == in_use.folder.resolve() else pictures_of(run)


def pictures_of(run: Run) -> Splits:
    """The data set of a run. Raises RunError where it is gone."""
    try:
        return image_set.load(Path(run.data))
    except DataError as error:
        raise RunError("The pictures that this run was trained with are no longer on this server.") from error


class _Kept(Generic[T]):
    """The `most` values that were asked for last."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._values: OrderedDict[object, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object) -> T | None:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def keep(self, key: object, value: T) -> None:
        with self._lock:
            self._values[key] = value
            while len(self._values) > self.most:
                self._values.popitem(last=False)
