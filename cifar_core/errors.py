"""The few reasons for which the core refuses a request.

Each error's text is one sentence (or two) for a person: what is wrong and, unless it depends on the page or the command
line, what to do. None of them is a bug.
"""

NOT_FINITE = (
    "This Net's weights are not finite numbers: its training diverged, usually because the learning rate was too high. "
    "Train again with a smaller learning rate."
)
"""the sentence for a Net that cannot predict anything, wherever that shows"""


class CifarError(Exception):
    """The request cannot be fulfilled; `str(error)` says why."""


class ConfigError(CifarError):
    """A setting is missing, of the wrong kind or out of its bounds."""


class DataError(CifarError):
    """A data set is missing, incomplete, damaged or not one that the Net can learn from."""


class ImageError(CifarError):
    """An image cannot be read, or is too large to be read safely."""


class WeightsError(CifarError):
    """A weights file is unreadable or does not fit the Net."""


class NetError(CifarError):
    """The Net has no such layer, unit or class."""


class DeviceError(CifarError):
    """The requested device is not there."""


class RunError(CifarError):
    """A training run cannot be started, found or controlled."""


class StoreError(RunError):
    """The runs cannot be read or written just now: their store is locked, its disk is full, or may not be written."""


class ReceiptError(CifarError):
    """A receipt cannot be made, or is not one that can be read."""
