"""The registry: opens the Net of any run, as it is now or as it was at a frame, and the pretrained one.

What takes long to compute about a Net is cached for the next who asks. torch is imported at the first question and not
before, so that a page is up while it loads.
"""

import base64
import binascii
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from cifar_core.data.image_set import Splits
from cifar_core.data.source import DataSource
from cifar_core.errors import ImageError, RunError
from cifar_core.image_files import read_net_input
from cifar_core.images import encode_png
from cifar_core.prediction import Prediction
from cifar_core.runs.images import check_same, images_of
from cifar_core.runs.records import Run
from cifar_core.runs.refs import PRETRAINED, ImageRef, NetRef
from cifar_core.runs.service import Service

if TYPE_CHECKING:
    from cifar_core.evaluate import EvaluateEvent, Evaluation
    from cifar_core.inspect.neighbours import FeatureEvent
    from cifar_core.net import Net

T = TypeVar("T")

MAX_NETS = 16
"""opened Nets in the cache: a quarter of a megabyte each"""
MAX_EVALUATIONS = 32
"""evaluations in the cache: half a megabyte each, and three times that once its probabilities were asked for"""
MAX_FEATURES = 4
"""feature arrays in the cache: 17 megabytes each"""
MAX_PNG = 20_000
"""characters of a visitor's own image in base64; 32x32 pixels as PNG have some 4,000"""


@dataclass(frozen=True, eq=False)
class OpenNet:
    """One Net in one state, which never changes."""

    ref: NetRef
    """its step is that of the weights; None for the pretrained Net"""
    run: Run | None
    net: "Net"
    """on the CPU; shared by all who open it, so nobody may change it"""
    splits: Splits
    """a run's own images; those in use for the pretrained Net"""

    @property
    def name(self) -> str:
        """pretrained, or a run's id."""
        return self.ref.run

    @property
    def step(self) -> int | None:
        """After how many mini-batches; None for the pretrained Net."""
        return self.ref.step

    @property
    def key(self) -> tuple[NetRef, Path]:
        """The same for the same state of the same Net on the same images."""
        return self.ref, self.splits.folder


@dataclass(frozen=True, eq=False)
class OpenImage:
    """One image, ready for a Net."""

    pixels: np.ndarray
    """uint8 (32, 32, 3)"""
    label: int | None
    """its true class; None where it is unknown"""
    ref: ImageRef


class NetRegistry:
    """Opens Nets and images for a page, a script or a notebook alike. May be used from several threads."""

    def __init__(self, service: Service, source: DataSource) -> None:
        self.service, self.source = service, source
        self._nets = _LruCache["Net"](MAX_NETS)
        self._evaluations = _LruCache["Evaluation"](MAX_EVALUATIONS)
        self._features = _LruCache[np.ndarray](MAX_FEATURES)

    def open(self, ref: NetRef) -> OpenNet:
        """Open a Net. Raises RunError where there is no such run or step, no weights yet, or its images are gone."""
        from cifar_core.net import load_net
        from cifar_core.pretrained import pretrained_net

        if ref.run == PRETRAINED:
            return OpenNet(NetRef(), None, self._nets.get_or(PRETRAINED, pretrained_net), self.source.splits)
        run = self.service.find(ref.run)
        if ref.step is not None:
            step = ref.step
            net = self._nets.get_or((run.id, step), lambda: load_net(self.service.weights(run.id, step)))
            return OpenNet(ref, run, net, self.images(run))
        known = self._nets.get((run.id, run.checkpoint))
        if known is None:
            step, weights = self.service.newest_weights(run.id)
            known = self._nets.get_or((run.id, step), lambda: load_net(weights))
        else:
            step = run.checkpoint
        return OpenNet(NetRef(run.id, step), run, known, self.images(run))

    def image(self, ref: ImageRef, splits: Splits) -> OpenImage:
        """Return the image `ref` of `splits`, or the visitor's own. Raises RunError or ImageError where it is none."""
        if ref.png:
            try:
                pixels = read_net_input(base64.b64decode(ref.png[: MAX_PNG + 1], validate=True))
            except (binascii.Error, ValueError) as error:
                raise ImageError("This image did not arrive whole; upload it again.") from error
            return OpenImage(pixels, None, ref)
        images = splits.split(ref.split)
        if not 0 <= ref.index < len(images):
            raise RunError(f"There is no {ref.split} image {ref.index}; they go from 0 to {len(images) - 1:,}.")
        return OpenImage(np.asarray(images.images[ref.index]), int(images.labels[ref.index]), ref)

    def images(self, run: Run) -> Splits:
        """Return the data set of a run. Raises RunError where it is gone, or was replaced."""
        in_use = self.source.splits
        if Path(run.data) != in_use.folder.resolve():
            return images_of(run)
        check_same(run, in_use)
        return in_use

    def predict(self, ref: NetRef, image: np.ndarray) -> Prediction:
        """Return what a Net predicts for an image, uint8 (32, 32, 3)."""
        from cifar_core.predict import predict

        opened = self.open(ref)
        return predict(opened.net, image, opened.splits.test.classes)

    def warm_up(self) -> None:
        """Predict something now, so that the first visitor does not wait for torch."""
        self.predict(NetRef(), np.zeros((32, 32, 3), np.uint8))

    def evaluating(self, opened: OpenNet) -> "Iterator[EvaluateEvent]":
        """Evaluate on all its test images: Evaluating now and then, Evaluated at the end, at once where cached."""
        from cifar_core.evaluate import Evaluated, evaluating

        cached = self._evaluations.get(opened.key)
        if cached is not None:
            yield Evaluated(cached)
            return
        for event in evaluating(opened.net, opened.splits.test):
            if isinstance(event, Evaluated):
                self._evaluations.put(opened.key, event.evaluation)
            yield event

    def evaluation(self, opened: OpenNet) -> "Evaluation":
        """Evaluate and wait for it: about a second on 10,000 images."""
        from cifar_core.evaluate import Evaluated

        *_, last = self.evaluating(opened)
        assert isinstance(last, Evaluated)
        return last.evaluation

    def cached_evaluation(self, opened: OpenNet) -> "Evaluation | None":
        """Return what `evaluating` computed before; None where it is no longer cached."""
        return self._evaluations.get(opened.key)

    def features(self, opened: OpenNet) -> "Iterator[FeatureEvent]":
        """Compute the 84 numbers of each of its training images: ExtractingFeatures events, then ExtractedFeatures."""
        from cifar_core.inspect.neighbours import ExtractedFeatures, features

        cached = self._features.get(opened.key)
        if cached is not None:
            yield ExtractedFeatures(cached)
            return
        for event in features(opened.net, opened.splits.train):
            if isinstance(event, ExtractedFeatures):
                self._features.put(opened.key, event.features)
            yield event

    def cached_features(self, opened: OpenNet) -> np.ndarray | None:
        """Return what `features` computed before; None where it is no longer cached."""
        return self._features.get(opened.key)


def own_image(pixels: np.ndarray) -> ImageRef:
    """Return what refers to a visitor's own image, uint8 (32, 32, 3)."""
    return ImageRef(png=base64.b64encode(encode_png(pixels)).decode())


class _LruCache(Generic[T]):
    """The `most` values that were asked for last."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> T | None:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Hashable, value: T) -> None:
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self.most:
                self._values.popitem(last=False)

    def get_or(self, key: Hashable, make: Callable[[], T]) -> T:
        value = self.get(key)
        if value is None:
            value = make()
            self.put(key, value)
        return value
