"""What makes a plane a plane at 32 by 32 pixels. All drawings look to the right; the canvas mirrors them."""

from cifar_core.data.drawings.canvas import (
    BLACK,
    BLUE,
    BROWN,
    CREAM,
    DARK,
    GREEN,
    NAVY,
    PAINT_COLOURS,
    RED,
    WHITE,
    Canvas,
    tint,
)
from cifar_core.data.drawings.scenery import road, sky, water


def plane(canvas: Canvas) -> None:
    canvas.place(tilt=0.3)
    sky(canvas)
    body, paint = canvas.pick(WHITE, WHITE, (206, 212, 220), CREAM), canvas.pick(*PAINT_COLOURS)
    canvas.shape(tint(body, -70), (50, 46), (66, 46), (52, 22), (44, 22))
    canvas.shape(paint, (8, 49), (28, 44), (15, 18), (4, 18))
    canvas.oval(tint(body, -60), 46, 10, (50, 51))
    canvas.oval(body, 45, 8, (50, 49))
    canvas.shape(tint(body, -60), (5, 46), (24, 49), (9, 60), (0, 60))
    canvas.line(paint, 2.6, (12, 53), (90, 53))
    canvas.dot(NAVY, 1.6, *((x, 46) for x in range(28, 78, 6)))
    canvas.shape(NAVY, (82, 42), (88, 44), (92, 47), (83, 47))
    canvas.oval(DARK, 7, 3.6, (58, 63))
    canvas.shape(tint(body, -84), (40, 53), (64, 53), (36, 86), (25, 86))


def car(canvas: Canvas) -> None:
    road(canvas)
    paint, glass, back = (
        canvas.pick(*PAINT_COLOURS),
        canvas.pick((180, 214, 234), (60, 80, 100)),
        canvas.jitter(26, 9),
    )
    canvas.oval((44, 44, 48), 48, 4, (51, 82))
    canvas.shape(
        paint, (6, 70), (4, 62), (9, 55), (back - 4, 53), (back + 9, 36), (62, 36), (76, 53), (91, 57), (96, 70)
    )
    canvas.shape(tint(paint, -45), (5, 68), (96, 68), (95, 77), (6, 77))
    canvas.line(tint(paint, 45), 1.6, (9, 56), (90, 58))
    canvas.shape(glass, (back + 3, 52), (back + 11, 40), (46, 40), (46, 52))
    canvas.shape(glass, (50, 52), (50, 40), (60, 40), (70, 52))
    canvas.dot(BLACK, 10.5, (24, 76), (77, 76))
    canvas.dot((196, 198, 202), 5, (24, 76), (77, 76))
    canvas.dot((255, 240, 170), 3, (92, 61))
    canvas.dot(RED, 2.4, (7, 61))


def ship(canvas: Canvas) -> None:
    level = canvas.jitter(62, 4)
    sky(canvas, level)
    water(canvas, level)
    hull, paint = canvas.pick(RED, NAVY, DARK, BLUE, WHITE, GREEN, BROWN), canvas.pick(*PAINT_COLOURS)
    if canvas.chance(0.4):
        canvas.line(BROWN, 2.6, (48, 68), (48, 2))
        canvas.shape(canvas.pick(WHITE, CREAM, RED), (51, 6), (51, 60), (86, 60))
        canvas.shape(canvas.pick(WHITE, CREAM), (45, 12), (45, 60), (18, 60))
        canvas.shape(paint, (48, 2), (58, 5), (48, 8))
    else:
        canvas.line(DARK, 1.8, (78, 62), (78, 24))
        for x in (41, 60):
            canvas.line(paint, 10, (x, 46), (x, 22))
            canvas.line(BLACK, 10, (x, 27), (x, 20))
            canvas.oval((196, 196, 202), 9, 4.4, (x - 9, 13), slope=-0.3)
        canvas.shape(WHITE, (20, 64), (22, 50), (28, 50), (30, 42), (70, 42), (72, 52), (82, 52), (82, 64))
        canvas.dot(NAVY, 2, *((x, 48) for x in range(33, 70, 7)))
    canvas.shape(hull, (4, 62), (97, 58), (84, 82), (14, 82))
    canvas.shape(tint(hull, 60), (4, 62), (97, 58), (95, 62), (5, 66))
    canvas.shape(tint(hull, -40), (11, 76), (87, 76), (84, 82), (14, 82))
    canvas.dot(CREAM, 2, *((x, 71) for x in range(22, 80, 11)))
    canvas.line(WHITE, 2, (4, 84), (30, 82), (60, 84), (96, 82))


def truck(canvas: Canvas) -> None:
    road(canvas)
    load, paint, stripe, top = (
        canvas.pick(*PAINT_COLOURS),
        canvas.pick(*PAINT_COLOURS),
        canvas.pick(*PAINT_COLOURS),
        canvas.jitter(22, 5),
    )
    canvas.oval((44, 44, 48), 48, 4, (50, 84))
    canvas.shape(DARK, (5, 68), (94, 68), (94, 76), (5, 76))
    canvas.shape(load, (3, top), (62, top), (62, 70), (3, 70))
    canvas.shape(tint(load, 40), (3, top), (62, top), (62, top + 4), (3, top + 4))
    canvas.shape(tint(load, -45), (3, 64), (62, 64), (62, 70), (3, 70))
    canvas.shape(stripe, (3, 46), (62, 38), (62, 46), (3, 54))
    canvas.shape(paint, (65, 75), (65, 32), (82, 32), (91, 51), (97, 54), (97, 75))
    canvas.shape((180, 214, 234), (71, 49), (71, 37), (80, 37), (86, 49))
    canvas.shape(tint(paint, -45), (65, 67), (97, 67), (97, 75), (65, 75))
    canvas.dot(BLACK, 9.5, (18, 77), (39, 77), (80, 77))
    canvas.dot((196, 198, 202), 4.4, (18, 77), (39, 77), (80, 77))
    canvas.dot((255, 240, 170), 2.8, (94, 60))
