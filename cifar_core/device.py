"""Which processor trains, and why that one. It changes the speed only, never the meaning of a result."""

import platform
from dataclasses import dataclass
from pathlib import Path

import torch

from cifar_core.config import FIELDS
from cifar_core.errors import DeviceError

DEVICES = FIELDS["device"].choices


@dataclass(frozen=True)
class Device:
    """The device in use."""

    kind: str
    """what torch calls it: cpu, cuda or mps"""
    name: str
    """the processor's own name, for a GPU as `torch.cuda.get_device_name(0)` gives it"""
    reason: str
    """one sentence: why this device was chosen"""


def choose_device(wanted: str = "auto") -> Device:
    """Return the device called `wanted` (one of DEVICES); `auto` takes a GPU if torch can use one, else the CPU.

    Raise DeviceError if it is not there.
    """
    if wanted not in DEVICES:
        raise DeviceError(f"The device must be one of {', '.join(DEVICES)}; {wanted!r} is none of them.")
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if wanted == "cuda" and not cuda:
        raise DeviceError(f"There is no CUDA GPU: {_why_no_cuda()}")
    if wanted == "mps" and not mps:
        raise DeviceError("There is no Apple GPU (mps): torch.backends.mps.is_available() is False.")
    if wanted == "cuda" or (wanted == "auto" and cuda):
        reason = "torch.cuda.is_available() is True." if wanted == "auto" else "It was requested."
        return Device("cuda", torch.cuda.get_device_name(0), reason)
    if wanted == "mps" or (wanted == "auto" and mps):
        reason = "torch.backends.mps.is_available() is True." if wanted == "auto" else "It was requested."
        return Device("mps", "Apple GPU", reason)
    reason = "It was requested." if wanted == "cpu" else f"No GPU can be used: {_why_no_cuda()}"
    return Device("cpu", _processor(), reason)


def available() -> tuple[str, ...]:
    """Return the kinds of device that torch can use here, the CPU always among them."""
    usable = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return tuple(kind for kind, there in usable.items() if there)


def _why_no_cuda() -> str:
    if torch.version.cuda is None:
        return "this build of PyTorch has no CUDA in it."
    return "torch.cuda.is_available() is False (no NVIDIA GPU, or no driver for it)."


def _processor() -> str:
    """Return the CPU's name; Linux has it in a file, elsewhere the platform module knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
