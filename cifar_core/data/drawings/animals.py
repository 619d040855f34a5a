"""What makes a cat a cat at 32 by 32 pixels. All drawings look to the right or at us; the canvas mirrors them."""

from cifar_core.data.drawings.canvas import (
    BLACK,
    BLUE,
    BROWN,
    CREAM,
    DARK,
    FUR_COLOURS,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    RED,
    RUST,
    TAN,
    TEAL,
    WHITE,
    YELLOW,
    Canvas,
    Colour,
    tint,
)
from cifar_core.data.drawings.scenery import home, meadow, sky, water, woods


def bird(canvas: Canvas) -> None:
    flies = canvas.chance(0.3)
    canvas.place(tilt=0.2 if flies else 0.06)
    if flies or canvas.chance(0.5):
        sky(canvas)
    else:
        woods(canvas, 100)
    feathers, belly = (
        canvas.pick(RED, BLUE, YELLOW, BROWN, GREY, TEAL, DARK, TAN),
        canvas.pick(CREAM, WHITE, ORANGE),
    )
    wing = tint(feathers, -45)
    if flies:
        canvas.shape(tint(wing, -20), (50, 52), (64, 50), (58, 14), (50, 6), (46, 24))
    else:
        canvas.line(BROWN, 5, (-40, 88), (40, 85), (150, 80))
        canvas.line(DARK, 2.2, (44, 70), (43, 85))
        canvas.line(DARK, 2.2, (53, 70), (54, 84))
    canvas.shape(wing, (30, 52), (2, 70), (8, 78), (38, 66))
    canvas.oval(feathers, 25, 16, (47, 56), slope=0.35)
    canvas.oval(belly, 18, 9, (53, 62), slope=0.45)
    canvas.dot(feathers, 12.5, (68, 38))
    canvas.shape(ORANGE, (78, 33), (94, 40), (78, 44))
    canvas.dot(WHITE, 4, (72, 36))
    canvas.dot(BLACK, 2.6, (73, 36))
    if flies:
        canvas.shape(wing, (34, 58), (56, 54), (42, 18), (24, 2), (14, 8), (18, 32))
    else:
        canvas.oval(wing, 18, 9, (38, 56), slope=0.3)
        canvas.shape(wing, (40, 64), (20, 60), (12, 70))


def cat(canvas: Canvas) -> None:
    home(canvas)
    fur = canvas.pick(*FUR_COLOURS)
    dark, light, eyes = (
        tint(fur, -40),
        tint(fur, 50),
        canvas.pick((150, 210, 80), (240, 200, 60), (120, 190, 230)),
    )
    canvas.line(dark, 8, (70, 98), (88, 92), (92, 76), (86, 66))
    canvas.oval(fur, 27, 34, (50, 94))
    canvas.oval(light, 14, 14, (50, 74))
    canvas.line(dark, 1.8, (50, 88), (50, 120))
    for side in (-1, 1):
        canvas.shape(fur, (50 + side * 27, 40), (50 + side * 25, 6), (50 + side * 4, 24))
        canvas.shape(PINK, (50 + side * 22, 28), (50 + side * 22, 13), (50 + side * 11, 24))
    canvas.oval(fur, 28, 23, (50, 42))
    if canvas.chance(0.6):
        for x in (43, 50, 57):
            canvas.line(dark, 2.6, (x, 21), (x * 0.7 + 15, 31))
        canvas.line(dark, 2.6, (23, 44), (31, 45))
        canvas.line(dark, 2.6, (77, 44), (69, 45))
    canvas.oval(light, 12, 9, (50, 54))
    canvas.oval(eyes, 6, 5.4, (38, 41), (62, 41))
    canvas.oval(BLACK, 2, 5, (38, 41), (62, 41))
    for y in (49, 59):
        canvas.line(tint(light, 30), 1.2, (14, y), (40, 54))
        canvas.line(tint(light, 30), 1.2, (86, y), (60, 54))
    canvas.shape((200, 80, 90), (45, 49), (55, 49), (50, 54))
    canvas.line(DARK, 1.4, (43, 59), (50, 56), (57, 59))


def legs(canvas: Canvas, colour: Colour, width: float, *ways: tuple[float, float, float]) -> None:
    """Draw legs that taper from the hip over the knee to the foot; each of `ways` gives their three x."""
    for hip, knee, foot in ways:
        half = width / 2
        front = [(hip + width, 56), (knee + half, 78), (foot + half, 97)]
        canvas.shape(colour, *front, (foot - half, 97), (knee - half, 78), (hip - width, 56))


def deer(canvas: Canvas) -> None:
    if canvas.chance(0.7):
        woods(canvas, 66)
    else:
        meadow(canvas, 52)
    fur, step = canvas.pick(RUST, BROWN, TAN, (160, 110, 70)), canvas.jitter(0, 4)
    dark = tint(fur, -40)
    legs(canvas, dark, 3.6, (28, 30 + step, 27), (56, 64 - step, 64))
    canvas.oval(WHITE, 4, 6, (18, 51))
    legs(canvas, fur, 4, (22, 18 - step, 20), (54, 53 + step, 53))
    canvas.oval(fur, 23, 11, (40, 55))
    canvas.oval(CREAM, 15, 3.6, (41, 63))
    canvas.shape(fur, (46, 48), (61, 60), (76, 34), (66, 27))
    for x in (63, 76):
        canvas.line(CREAM, 2.4, (70, 26), (x, 15), (x * 1.6 - 42, 0))
        canvas.line(CREAM, 2, (x - 7, 8), (x, 15), (x + 8, 5))
    canvas.oval(dark, 7, 2.8, (62, 27), slope=-0.3)
    canvas.oval(fur, 11, 6, (76, 31), slope=-0.35)
    canvas.dot(BLACK, 2.4, (85, 34))
    canvas.dot(BLACK, 1.8, (75, 28))


def dog(canvas: Canvas) -> None:
    home(canvas)
    fur = canvas.pick(*FUR_COLOURS)
    ears, light = canvas.pick(tint(fur, -50), BROWN, DARK), tint(fur, 50)
    canvas.oval(fur, 30, 34, (50, 100))
    canvas.oval(light, 15, 22, (50, 94))
    canvas.oval(canvas.pick(RED, BLUE, GREEN), 19, 6, (50, 72))
    canvas.oval(fur, 23, 26, (50, 38))
    if canvas.chance(0.4):
        canvas.oval(ears, 9, 9, (60, 32))
    canvas.oval(ears, 9, 23, (23, 38), slope=-0.25)
    canvas.oval(ears, 9, 23, (77, 38), slope=0.25)
    canvas.dot(BLACK, 3.8, (40, 33), (60, 33))
    canvas.dot(WHITE, 1.3, (41, 32), (61, 32))
    canvas.oval(light, 15, 14, (50, 52))
    if canvas.chance(0.8):
        canvas.oval((232, 90, 110), 6, 10, (50, 66))
    canvas.oval(light, 15, 9.5, (50, 51))
    canvas.oval(BLACK, 7, 5, (50, 45))
    canvas.line(DARK, 1.6, (40, 59), (50, 56), (60, 59))
    canvas.line(DARK, 1.6, (50, 48), (50, 57))


def frog(canvas: Canvas) -> None:
    water(canvas, -40)
    leaf = canvas.pick((40, 120, 70), (60, 140, 60), (110, 160, 90))
    canvas.oval(leaf, 58, 20, (50, 84))
    canvas.oval(tint(leaf, 20), 56, 17, (50, 82))
    skin = canvas.pick((110, 185, 50), (80, 170, 60), (150, 195, 60), (60, 150, 60), (150, 150, 60), (190, 170, 60))
    dark, light = tint(skin, -40), tint(skin, 60)
    canvas.oval(dark, 13, 17, (18, 70), slope=0.5)
    canvas.oval(dark, 13, 17, (82, 70), slope=-0.5)
    canvas.oval(dark, 11, 4, (12, 86), (88, 86))
    canvas.oval(skin, 32, 24, (50, 62))
    canvas.oval(light, 22, 14, (50, 72))
    canvas.dot(skin, 12, (30, 36), (70, 36))
    canvas.dot((255, 244, 170), 8, (30, 34), (70, 34))
    canvas.oval(BLACK, 5.4, 4, (30, 34), (70, 34))
    canvas.line(skin, 7, (30, 70), (33, 88))
    canvas.line(skin, 7, (70, 70), (67, 88))
    canvas.oval(skin, 9, 3.5, (32, 89), (68, 89))
    canvas.dot(dark, 1.4, (46, 48), (54, 48))
    canvas.line(DARK, 2.2, (22, 54), (34, 61), (50, 63), (66, 61), (78, 54))


def horse(canvas: Canvas) -> None:
    if canvas.chance(0.75):
        meadow(canvas, canvas.jitter(48, 8))
    else:
        woods(canvas, 62)
    fur, mane = (
        canvas.pick(RUST, BROWN, TAN, (212, 210, 206), CREAM, (66, 60, 64)),
        canvas.pick(BLACK, BROWN, CREAM),
    )
    dark, step = tint(fur, -34), canvas.jitter(2, 8)
    legs(canvas, dark, 5.6, (26, 30 - step, 27 - step), (56, 62 + step, 60 + step))
    canvas.line(mane, 8, (16, 44), (6, 52), (4, 80))
    legs(canvas, fur, 6, (20, 18 + step, 14 + step), (54, 56 - step, 56 - step))
    canvas.oval(fur, 25, 13, (38, 52))
    canvas.dot(fur, 13.5, (25, 50), (53, 51))
    canvas.shape(fur, (42, 42), (60, 62), (67, 50), (82, 28), (72, 14))
    canvas.line(mane, 7, (44, 41), (60, 28), (68, 14), (76, 12))
    canvas.shape(dark, (70, 16), (72, 3), (79, 15))
    canvas.oval(fur, 15, 7, (81, 24), slope=-0.8)
    canvas.oval(dark, 5, 4.6, (89, 32), slope=-0.8)
    canvas.dot(BLACK, 2.2, (78, 20))
