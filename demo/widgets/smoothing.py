"""Transitional: the smoothing lives in the core."""

from cifar_core.runs.smoothing import smoothed as smoothed
