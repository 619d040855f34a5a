"""The drawing of each class: what makes a plane a plane, a cat a cat, at 32 by 32 pixels."""

from collections.abc import Callable

from cifar_core.data.drawings.animals import bird, cat, deer, dog, frog, horse
from cifar_core.data.drawings.canvas import Canvas
from cifar_core.data.drawings.vehicles import car, plane, ship, truck

DRAWINGS: tuple[Callable[[Canvas], None], ...] = (plane, car, bird, cat, deer, dog, frog, horse, ship, truck)
"""the drawing of each class, in the order of CLASSES"""
