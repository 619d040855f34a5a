"""The drawing of each class: what makes a plane a plane, a cat a cat, at 32 by 32 pixels."""

from collections.abc import Callable

from cifar_core.data.canvas import (
    BLACK,
    BLUE,
    BROWN,
    CREAM,
    DARK,
    FURS,
    GREEN,
    GREY,
    NAVY,
    ORANGE,
    PAINTS,
    PINK,
    RED,
    RUST,
    TAN,
    TEAL,
    WHITE,
    YELLOW,
    Canvas,
    Colour,
    home,
    meadow,
    road,
    sky,
    tint,
    water,
    woods,
)

## The ten drawings, all of them looking to the right or at us; the brush mirrors them.


def plane(b: Canvas) -> None:
    b.place(tilt=0.3)
    sky(b)
    body, paint = b.pick(WHITE, WHITE, (206, 212, 220), CREAM), b.pick(*PAINTS)
    b.shape(tint(body, -70), (50, 46), (66, 46), (52, 22), (44, 22))
    b.shape(paint, (8, 49), (28, 44), (15, 18), (4, 18))
    b.oval(tint(body, -60), 46, 10, (50, 51))
    b.oval(body, 45, 8, (50, 49))
    b.shape(tint(body, -60), (5, 46), (24, 49), (9, 60), (0, 60))
    b.line(paint, 2.6, (12, 53), (90, 53))
    b.dot(NAVY, 1.6, *((x, 46) for x in range(28, 78, 6)))
    b.shape(NAVY, (82, 42), (88, 44), (92, 47), (83, 47))
    b.oval(DARK, 7, 3.6, (58, 63))
    b.shape(tint(body, -84), (40, 53), (64, 53), (36, 86), (25, 86))


def car(b: Canvas) -> None:
    road(b)
    paint, glass, back = b.pick(*PAINTS), b.pick((180, 214, 234), (60, 80, 100)), b.near(26, 9)
    b.oval((44, 44, 48), 48, 4, (51, 82))
    b.shape(paint, (6, 70), (4, 62), (9, 55), (back - 4, 53), (back + 9, 36), (62, 36), (76, 53), (91, 57), (96, 70))
    b.shape(tint(paint, -45), (5, 68), (96, 68), (95, 77), (6, 77))
    b.line(tint(paint, 45), 1.6, (9, 56), (90, 58))
    b.shape(glass, (back + 3, 52), (back + 11, 40), (46, 40), (46, 52))
    b.shape(glass, (50, 52), (50, 40), (60, 40), (70, 52))
    b.dot(BLACK, 10.5, (24, 76), (77, 76))
    b.dot((196, 198, 202), 5, (24, 76), (77, 76))
    b.dot((255, 240, 170), 3, (92, 61))
    b.dot(RED, 2.4, (7, 61))


def bird(b: Canvas) -> None:
    flies = b.chance(0.3)
    b.place(tilt=0.2 if flies else 0.06)
    if flies or b.chance(0.5):
        sky(b)
    else:
        woods(b, 100)
    feathers, belly = b.pick(RED, BLUE, YELLOW, BROWN, GREY, TEAL, DARK, TAN), b.pick(CREAM, WHITE, ORANGE)
    wing = tint(feathers, -45)
    if flies:
        b.shape(tint(wing, -20), (50, 52), (64, 50), (58, 14), (50, 6), (46, 24))
    else:
        b.line(BROWN, 5, (-40, 88), (40, 85), (150, 80))
        b.line(DARK, 2.2, (44, 70), (43, 85))
        b.line(DARK, 2.2, (53, 70), (54, 84))
    b.shape(wing, (30, 52), (2, 70), (8, 78), (38, 66))
    b.oval(feathers, 25, 16, (47, 56), slope=0.35)
    b.oval(belly, 18, 9, (53, 62), slope=0.45)
    b.dot(feathers, 12.5, (68, 38))
    b.shape(ORANGE, (78, 33), (94, 40), (78, 44))
    b.dot(WHITE, 4, (72, 36))
    b.dot(BLACK, 2.6, (73, 36))
    if flies:
        b.shape(wing, (34, 58), (56, 54), (42, 18), (24, 2), (14, 8), (18, 32))
    else:
        b.oval(wing, 18, 9, (38, 56), slope=0.3)
        b.shape(wing, (40, 64), (20, 60), (12, 70))


def cat(b: Canvas) -> None:
    home(b)
    fur = b.pick(*FURS)
    dark, light, eyes = tint(fur, -40), tint(fur, 50), b.pick((150, 210, 80), (240, 200, 60), (120, 190, 230))
    b.line(dark, 8, (70, 98), (88, 92), (92, 76), (86, 66))
    b.oval(fur, 27, 34, (50, 94))
    b.oval(light, 14, 14, (50, 74))
    b.line(dark, 1.8, (50, 88), (50, 120))
    for side in (-1, 1):
        b.shape(fur, (50 + side * 27, 40), (50 + side * 25, 6), (50 + side * 4, 24))
        b.shape(PINK, (50 + side * 22, 28), (50 + side * 22, 13), (50 + side * 11, 24))
    b.oval(fur, 28, 23, (50, 42))
    if b.chance(0.6):
        for x in (43, 50, 57):
            b.line(dark, 2.6, (x, 21), (x * 0.7 + 15, 31))
        b.line(dark, 2.6, (23, 44), (31, 45))
        b.line(dark, 2.6, (77, 44), (69, 45))
    b.oval(light, 12, 9, (50, 54))
    b.oval(eyes, 6, 5.4, (38, 41), (62, 41))
    b.oval(BLACK, 2, 5, (38, 41), (62, 41))
    for y in (49, 59):
        b.line(tint(light, 30), 1.2, (14, y), (40, 54))
        b.line(tint(light, 30), 1.2, (86, y), (60, 54))
    b.shape((200, 80, 90), (45, 49), (55, 49), (50, 54))
    b.line(DARK, 1.4, (43, 59), (50, 56), (57, 59))


def legs(b: Canvas, colour: Colour, width: float, *ways: tuple[float, float, float]) -> None:
    """Legs that taper from the hip over the knee to the foot, whose three x each of the `ways` gives."""
    for hip, knee, foot in ways:
        half = width / 2
        front = [(hip + width, 56), (knee + half, 78), (foot + half, 97)]
        b.shape(colour, *front, (foot - half, 97), (knee - half, 78), (hip - width, 56))


def deer(b: Canvas) -> None:
    if b.chance(0.7):
        woods(b, 66)
    else:
        meadow(b, 52)
    fur, step = b.pick(RUST, BROWN, TAN, (160, 110, 70)), b.near(0, 4)
    dark = tint(fur, -40)
    legs(b, dark, 3.6, (28, 30 + step, 27), (56, 64 - step, 64))
    b.oval(WHITE, 4, 6, (18, 51))
    legs(b, fur, 4, (22, 18 - step, 20), (54, 53 + step, 53))
    b.oval(fur, 23, 11, (40, 55))
    b.oval(CREAM, 15, 3.6, (41, 63))
    b.shape(fur, (46, 48), (61, 60), (76, 34), (66, 27))
    for x in (63, 76):
        b.line(CREAM, 2.4, (70, 26), (x, 15), (x * 1.6 - 42, 0))
        b.line(CREAM, 2, (x - 7, 8), (x, 15), (x + 8, 5))
    b.oval(dark, 7, 2.8, (62, 27), slope=-0.3)
    b.oval(fur, 11, 6, (76, 31), slope=-0.35)
    b.dot(BLACK, 2.4, (85, 34))
    b.dot(BLACK, 1.8, (75, 28))


def dog(b: Canvas) -> None:
    home(b)
    fur = b.pick(*FURS)
    ears, light = b.pick(tint(fur, -50), BROWN, DARK), tint(fur, 50)
    b.oval(fur, 30, 34, (50, 100))
    b.oval(light, 15, 22, (50, 94))
    b.oval(b.pick(RED, BLUE, GREEN), 19, 6, (50, 72))
    b.oval(fur, 23, 26, (50, 38))
    if b.chance(0.4):
        b.oval(ears, 9, 9, (60, 32))
    b.oval(ears, 9, 23, (23, 38), slope=-0.25)
    b.oval(ears, 9, 23, (77, 38), slope=0.25)
    b.dot(BLACK, 3.8, (40, 33), (60, 33))
    b.dot(WHITE, 1.3, (41, 32), (61, 32))
    b.oval(light, 15, 14, (50, 52))
    if b.chance(0.8):
        b.oval((232, 90, 110), 6, 10, (50, 66))
    b.oval(light, 15, 9.5, (50, 51))
    b.oval(BLACK, 7, 5, (50, 45))
    b.line(DARK, 1.6, (40, 59), (50, 56), (60, 59))
    b.line(DARK, 1.6, (50, 48), (50, 57))


def frog(b: Canvas) -> None:
    water(b, -40)
    leaf = b.pick((40, 120, 70), (60, 140, 60), (110, 160, 90))
    b.oval(leaf, 58, 20, (50, 84))
    b.oval(tint(leaf, 20), 56, 17, (50, 82))
    skin = b.pick((110, 185, 50), (80, 170, 60), (150, 195, 60), (60, 150, 60), (150, 150, 60), (190, 170, 60))
    dark, light = tint(skin, -40), tint(skin, 60)
    b.oval(dark, 13, 17, (18, 70), slope=0.5)
    b.oval(dark, 13, 17, (82, 70), slope=-0.5)
    b.oval(dark, 11, 4, (12, 86), (88, 86))
    b.oval(skin, 32, 24, (50, 62))
    b.oval(light, 22, 14, (50, 72))
    b.dot(skin, 12, (30, 36), (70, 36))
    b.dot((255, 244, 170), 8, (30, 34), (70, 34))
    b.oval(BLACK, 5.4, 4, (30, 34), (70, 34))
    b.line(skin, 7, (30, 70), (33, 88))
    b.line(skin, 7, (70, 70), (67, 88))
    b.oval(skin, 9, 3.5, (32, 89), (68, 89))
    b.dot(dark, 1.4, (46, 48), (54, 48))
    b.line(DARK, 2.2, (22, 54), (34, 61), (50, 63), (66, 61), (78, 54))


def horse(b: Canvas) -> None:
    if b.chance(0.75):
        meadow(b, b.near(48, 8))
    else:
        woods(b, 62)
    fur, mane = b.pick(RUST, BROWN, TAN, (212, 210, 206), CREAM, (66, 60, 64)), b.pick(BLACK, BROWN, CREAM)
    dark, step = tint(fur, -34), b.near(2, 8)
    legs(b, dark, 5.6, (26, 30 - step, 27 - step), (56, 62 + step, 60 + step))
    b.line(mane, 8, (16, 44), (6, 52), (4, 80))
    legs(b, fur, 6, (20, 18 + step, 14 + step), (54, 56 - step, 56 - step))
    b.oval(fur, 25, 13, (38, 52))
    b.dot(fur, 13.5, (25, 50), (53, 51))
    b.shape(fur, (42, 42), (60, 62), (67, 50), (82, 28), (72, 14))
    b.line(mane, 7, (44, 41), (60, 28), (68, 14), (76, 12))
    b.shape(dark, (70, 16), (72, 3), (79, 15))
    b.oval(fur, 15, 7, (81, 24), slope=-0.8)
    b.oval(dark, 5, 4.6, (89, 32), slope=-0.8)
    b.dot(BLACK, 2.2, (78, 20))


def ship(b: Canvas) -> None:
    level = b.near(62, 4)
    sky(b, level)
    water(b, level)
    hull, paint = b.pick(RED, NAVY, DARK, BLUE, WHITE, GREEN, BROWN), b.pick(*PAINTS)
    if b.chance(0.4):
        b.line(BROWN, 2.6, (48, 68), (48, 2))
        b.shape(b.pick(WHITE, CREAM, RED), (51, 6), (51, 60), (86, 60))
        b.shape(b.pick(WHITE, CREAM), (45, 12), (45, 60), (18, 60))
        b.shape(paint, (48, 2), (58, 5), (48, 8))
    else:
        b.line(DARK, 1.8, (78, 62), (78, 24))
        for x in (41, 60):
            b.line(paint, 10, (x, 46), (x, 22))
            b.line(BLACK, 10, (x, 27), (x, 20))
            b.oval((196, 196, 202), 9, 4.4, (x - 9, 13), slope=-0.3)
        b.shape(WHITE, (20, 64), (22, 50), (28, 50), (30, 42), (70, 42), (72, 52), (82, 52), (82, 64))
        b.dot(NAVY, 2, *((x, 48) for x in range(33, 70, 7)))
    b.shape(hull, (4, 62), (97, 58), (84, 82), (14, 82))
    b.shape(tint(hull, 60), (4, 62), (97, 58), (95, 62), (5, 66))
    b.shape(tint(hull, -40), (11, 76), (87, 76), (84, 82), (14, 82))
    b.dot(CREAM, 2, *((x, 71) for x in range(22, 80, 11)))
    b.line(WHITE, 2, (4, 84), (30, 82), (60, 84), (96, 82))


def truck(b: Canvas) -> None:
    road(b)
    load, paint, stripe, top = b.pick(*PAINTS), b.pick(*PAINTS), b.pick(*PAINTS), b.near(22, 5)
    b.oval((44, 44, 48), 48, 4, (50, 84))
    b.shape(DARK, (5, 68), (94, 68), (94, 76), (5, 76))
    b.shape(load, (3, top), (62, top), (62, 70), (3, 70))
    b.shape(tint(load, 40), (3, top), (62, top), (62, top + 4), (3, top + 4))
    b.shape(tint(load, -45), (3, 64), (62, 64), (62, 70), (3, 70))
    b.shape(stripe, (3, 46), (62, 38), (62, 46), (3, 54))
    b.shape(paint, (65, 75), (65, 32), (82, 32), (91, 51), (97, 54), (97, 75))
    b.shape((180, 214, 234), (71, 49), (71, 37), (80, 37), (86, 49))
    b.shape(tint(paint, -45), (65, 67), (97, 67), (97, 75), (65, 75))
    b.dot(BLACK, 9.5, (18, 77), (39, 77), (80, 77))
    b.dot((196, 198, 202), 4.4, (18, 77), (39, 77), (80, 77))
    b.dot((255, 240, 170), 2.8, (94, 60))


DRAWINGS: tuple[Callable[[Canvas], None], ...] = (plane, car, bird, cat, deer, dog, frog, horse, ship, truck)
"""the drawing of each class, in the order of CLASSES"""
