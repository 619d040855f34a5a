"""The canvas that the stand-in images are drawn on, and its colours."""

import math
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw

from cifar_core.data.image_set import SIDE

Colour = tuple[int, int, int]
Point = tuple[float, float]

FINE = 4  # pixels of the canvas for each pixel of the image, across and down
# The corners of a polygon that looks round; rounded, because the last digit of a sine differs between machines.
CIRCLE = [(round(math.cos(a * math.pi / 8), 4), round(math.sin(a * math.pi / 8), 4)) for a in range(16)]

WHITE, BLACK, GREY, DARK = (244, 244, 240), (22, 22, 26), (150, 152, 158), (52, 52, 58)
RED, ORANGE, YELLOW, GREEN = (200, 44, 40), (236, 128, 34), (246, 206, 66), (60, 140, 70)
BLUE, NAVY, TEAL, PINK = (50, 100, 190), (30, 46, 96), (30, 140, 150), (232, 140, 150)
BROWN, TAN, RUST, CREAM = (110, 72, 44), (196, 152, 100), (168, 92, 44), (238, 220, 184)
PAINT_COLOURS = (RED, ORANGE, YELLOW, GREEN, BLUE, NAVY, TEAL, WHITE, GREY, DARK)
FUR_COLOURS = (BROWN, TAN, RUST, CREAM, GREY, (92, 92, 98), (48, 44, 46), (228, 170, 96))


class Canvas:
    """An image to draw on: coordinates are hundredths of it, x to the right and y down.

    Each image is moved, scaled, tilted and maybe mirrored as a whole, so scenery reaches beyond its edges.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.random = rng.random
        self.image = Image.new("RGB", (SIDE * FINE, SIDE * FINE))
        self.pen = ImageDraw.Draw(self.image)
        self.place(tilt=0.05)

    def place(self, tilt: float) -> None:
        """Choose at random how the image is moved, scaled and mirrored, and its slope, up to `tilt` either way."""
        pixels = SIDE * FINE / 100
        self.scale = self.jitter(0.95, 0.15) * pixels
        self.slope = self.jitter(0, tilt)
        self.mirror = 1 if self.chance(0.5) else -1
        self.middle = self.jitter(50, 7) * pixels, self.jitter(50, 6) * pixels

    def jitter(self, value: float, spread: float) -> float:
        return value + spread * (2 * self.random() - 1)

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def pick(self, *colours: Colour) -> Colour:
        """Return one of the colours, a little changed."""
        red, green, blue = colours[int(self.random() * len(colours))]
        return tint((int(self.jitter(red, 14)), int(self.jitter(green, 14)), int(self.jitter(blue, 14))), 0)

    def to_pixels(self, points: Iterable[Point]) -> list[tuple[int, int]]:
        """Convert coordinates to whole pixels of the canvas, so that every machine rounds a shape alike."""
        right, down = self.scale * self.mirror, self.scale
        lean, up = right * self.slope, down * self.slope  # the image turns, and grows very little, as a whole
        left, top = self.middle[0] - 50 * (right + lean), self.middle[1] - 50 * (down - up)
        return [(round(left + right * x + lean * y), round(top + down * y - up * x)) for x, y in points]

    def shape(self, colour: Colour, *corners: Point) -> None:
        self.pen.polygon(self.to_pixels(corners), colour)

    def line(self, colour: Colour, width: float, *points: Point) -> None:
        self.pen.line(self.to_pixels(points), colour, round(width * self.scale))

    def dot(self, colour: Colour, radius: float, *places: Point) -> None:
        reach = round(radius * self.scale)
        for x, y in self.to_pixels(places):
            self.pen.ellipse((x - reach, y - reach, x + reach, y + reach), colour)

    def oval(self, colour: Colour, wide: float, high: float, *places: Point, slope: float = 0) -> None:
        """Draw a filled ellipse at each place, of half axes `wide` and `high`, that rises by `slope`."""
        along = 1 / math.sqrt(1 + slope * slope)
        a, b, c, d = along * wide, along * slope * high, along * slope * wide, along * high
        for x, y in places:
            self.pen.polygon(self.to_pixels([(x + a * u + b * v, y - c * u + d * v) for u, v in CIRCLE]), colour)

    def vertical_gradient(self, start: float, end: float, colour: Colour, last: Colour) -> None:
        """Fill the whole width: `colour` at height `start`, changing to `last` at height `end` and below it."""
        (left, top), (right, top_right) = self.to_pixels([(-60, start), (160, start)])
        height, steps = (end - start) * self.scale, 8
        for step in range(steps):
            mixed = tuple((a * (steps - 1 - step) + b * step) // (steps - 1) for a, b in zip(colour, last, strict=True))
            down, until = round(height * step / steps), round(height * (step + 1) / steps)
            if step == steps - 1:
                until = 4 * SIDE * FINE  # to the lower edge, wherever the image was moved
            corners = [(left, top + down), (right, top_right + down), (right, top_right + until), (left, top + until)]
            self.pen.polygon(corners, mixed)


def tint(colour: Colour, change: int) -> Colour:
    """Return the colour made lighter, or darker by a negative change."""
    red, green, blue = (max(0, min(255, part + change)) for part in colour)
    return red, green, blue
