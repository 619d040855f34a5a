"""The brush that the stand-in pictures are painted with, its paints, and the scenery behind them."""

import math
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw

from cifar_core.data.image_set import SIDE

Colour = tuple[int, int, int]
Point = tuple[float, float]

FINE = 4  # the canvas has so many pixels for each pixel of the picture, across and down
# The corners of a polygon that looks round; rounded, because the last digit of a sine differs between machines.
CIRCLE = [(round(math.cos(a * math.pi / 8), 4), round(math.sin(a * math.pi / 8), 4)) for a in range(16)]

WHITE, BLACK, GREY, DARK = (244, 244, 240), (22, 22, 26), (150, 152, 158), (52, 52, 58)
RED, ORANGE, YELLOW, GREEN = (200, 44, 40), (236, 128, 34), (246, 206, 66), (60, 140, 70)
BLUE, NAVY, TEAL, PINK = (50, 100, 190), (30, 46, 96), (30, 140, 150), (232, 140, 150)
BROWN, TAN, RUST, CREAM = (110, 72, 44), (196, 152, 100), (168, 92, 44), (238, 220, 184)
PAINTS = (RED, ORANGE, YELLOW, GREEN, BLUE, NAVY, TEAL, WHITE, GREY, DARK)
FURS = (BROWN, TAN, RUST, CREAM, GREY, (92, 92, 98), (48, 44, 46), (228, 170, 96))


class Canvas:
    """A canvas and what paints on it: places are hundredths of the picture, x to the right and y down.

    Each picture is moved, scaled, tilted and maybe mirrored as a whole, so scenery reaches beyond its edges.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.random = rng.random
        self.canvas = Image.new("RGB", (SIDE * FINE, SIDE * FINE))
        self.pen = ImageDraw.Draw(self.canvas)
        self.place(tilt=0.05)

    def place(self, tilt: float) -> None:
        """Choose how the picture is moved, scaled and mirrored, and its slope, up to `tilt` either way."""
        pixels = SIDE * FINE / 100
        self.scale = self.near(0.95, 0.15) * pixels
        self.slope = self.near(0, tilt)
        self.mirror = 1 if self.chance(0.5) else -1
        self.middle = self.near(50, 7) * pixels, self.near(50, 6) * pixels

    def near(self, value: float, spread: float) -> float:
        return value + spread * (2 * self.random() - 1)

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def pick(self, *colours: Colour) -> Colour:
        """One of the colours, a little changed."""
        red, green, blue = colours[int(self.random() * len(colours))]
        return tint((int(self.near(red, 14)), int(self.near(green, 14)), int(self.near(blue, 14))), 0)

    def at(self, points: Iterable[Point]) -> list[tuple[int, int]]:
        """The pixels of the canvas at these places, in whole numbers, so that no machine rounds a shape otherwise."""
        right, down = self.scale * self.mirror, self.scale
        lean, up = right * self.slope, down * self.slope  # the picture turns, and grows by a hair, as a whole
        left, top = self.middle[0] - 50 * (right + lean), self.middle[1] - 50 * (down - up)
        return [(round(left + right * x + lean * y), round(top + down * y - up * x)) for x, y in points]

    def shape(self, colour: Colour, *corners: Point) -> None:
        self.pen.polygon(self.at(corners), colour)

    def line(self, colour: Colour, width: float, *points: Point) -> None:
        self.pen.line(self.at(points), colour, round(width * self.scale))

    def dot(self, colour: Colour, radius: float, *places: Point) -> None:
        reach = round(radius * self.scale)
        for x, y in self.at(places):
            self.pen.ellipse((x - reach, y - reach, x + reach, y + reach), colour)

    def oval(self, colour: Colour, wide: float, high: float, *places: Point, slope: float = 0) -> None:
        """A filled ellipse around each place, which reaches `wide` and `high` to its sides and rises by `slope`."""
        along = 1 / math.sqrt(1 + slope * slope)
        a, b, c, d = along * wide, along * slope * high, along * slope * wide, along * high
        for x, y in places:
            self.pen.polygon(self.at([(x + a * u + b * v, y - c * u + d * v) for u, v in CIRCLE]), colour)

    def wash(self, start: float, end: float, colour: Colour, last: Colour) -> None:
        """All across the picture: `colour` at height `start`, changing to `last` at height `end` and below it."""
        (left, top), (right, top_right) = self.at([(-60, start), (160, start)])
        height, steps = (end - start) * self.scale, 8
        for step in range(steps):
            mixed = tuple((a * (steps - 1 - step) + b * step) // (steps - 1) for a, b in zip(colour, last, strict=True))
            down, until = round(height * step / steps), round(height * (step + 1) / steps)
            if step == steps - 1:
                until = 4 * SIDE * FINE  # to the lower edge, wherever the picture was moved
            corners = [(left, top + down), (right, top_right + down), (right, top_right + until), (left, top + until)]
            self.pen.polygon(corners, mixed)


def tint(colour: Colour, change: int) -> Colour:
    """The colour made lighter, or darker by a negative change."""
    red, green, blue = (max(0, min(255, part + change)) for part in colour)
    return red, green, blue


## Scenery. Several classes share each scene: a Net that only looks at the background cannot tell them apart.


def sky(b: Canvas, end: float = 100) -> None:
    above = b.pick((60, 130, 220), (100, 160, 230), (150, 176, 200), (60, 110, 190), (130, 170, 210))
    b.canvas.paste(above, (0, 0, SIDE * FINE, SIDE * FINE))
    b.wash(0, end, above, b.pick((205, 226, 244), (236, 226, 214), (250, 210, 160)))
    for _ in range(int(b.near(2, 2))):
        x, y = b.near(50, 50), b.near(18, 24)
        b.oval((214, 220, 232), 17, 5, (x, y + 2))
        b.oval((240, 242, 246), 12, 4.5, (x - 3, y), (x + 5, y - 2))


def meadow(b: Canvas, start: float) -> None:
    sky(b, start)
    hills = b.pick((70, 130, 90), (110, 140, 150), (60, 110, 80))
    for x in (-10, 40, 90):
        b.oval(hills, b.near(32, 12), b.near(12, 8), (b.near(x, 20), start + 2))
    b.wash(start, 130, b.pick((120, 180, 70), (160, 180, 80), (204, 184, 100)), (50, 100, 40))


def woods(b: Canvas, start: float) -> None:
    leaves = b.pick((60, 110, 60), (100, 130, 60), (150, 150, 60), (80, 130, 110))
    b.wash(-40, start, tint(leaves, 60), leaves)
    for _ in range(6):
        b.dot(tint(leaves, int(b.near(15, 34))), b.near(11, 4), (b.near(50, 60), b.near(12, 24)))
    for trunk in (-10, 20, 50, 80, 110):
        x = b.near(trunk, 12)
        b.line(tint(BROWN, int(b.near(0, 25))), b.near(5, 2), (x, -60), (x, start))
    b.wash(start, 130, tint(leaves, 24), tint(leaves, -30))


def road(b: Canvas) -> None:
    sky(b, 60)
    for x in range(-20, 121, 20):
        left, right, top = x - 2, x + b.near(16, 6), b.near(42, 14)
        house = b.pick((150, 130, 120), (180, 160, 150), (120, 124, 150), (80, 130, 80))
        b.shape(house, (left, 66), (left, top), (right, top), (right, 66))
    b.wash(64, 110, b.pick((130, 130, 134), (150, 146, 140), (100, 102, 110)), (74, 74, 78))
    for x in range(-30, 131, 30):
        b.line((230, 226, 206), 3, (x, 95), (x + 14, 95))


def home(b: Canvas) -> None:
    if b.chance(0.4):
        meadow(b, 40)
        return
    wall = b.pick((200, 190, 170), (150, 175, 200), (190, 160, 150), (130, 160, 140), (110, 100, 130), RUST, BLUE)
    b.wash(-40, 74, tint(wall, 24), wall)
    if b.chance(0.5):
        x = b.near(50, 45)
        b.shape(WHITE, (x - 14, -4), (x + 14, -4), (x + 14, 34), (x - 14, 34))
        b.shape((150, 196, 230), (x - 11, -1), (x + 11, -1), (x + 11, 31), (x - 11, 31))
    b.wash(74, 110, b.pick(BROWN, TAN, GREY, (150, 70, 70)), BROWN)


def water(b: Canvas, start: float) -> None:
    b.wash(start, 130, b.pick((80, 150, 190), (50, 120, 160), (90, 170, 180)), (20, 70, 120))
    for _ in range(9):
        x, y = b.near(50, 65), b.near((start + 110) / 2, (110 - start) / 2)
        b.line((170, 210, 226), 1.2, (x - 7, y), (x, y - 1), (x + 7, y))
