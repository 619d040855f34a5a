"""The sources of images: a folder on disk, the CIFAR-10 archive, or drawings by code; always as two ImageSets."""

from cifar_core.data.folder import open_splits
from cifar_core.data.image_set import DatasetInfo, ImageSet, Splits

__all__ = ["DatasetInfo", "ImageSet", "Splits", "open_splits"]
