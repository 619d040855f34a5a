"""The scenery behind the drawings.

Several classes share each scene: a Net that only looks at the background cannot tell them apart.
"""

from cifar_core.data.drawings.canvas import BLUE, BROWN, FINE, GREY, RUST, TAN, WHITE, Canvas, tint
from cifar_core.data.image_set import SIDE


def sky(canvas: Canvas, end: float = 100) -> None:
    above = canvas.pick((60, 130, 220), (100, 160, 230), (150, 176, 200), (60, 110, 190), (130, 170, 210))
    canvas.image.paste(above, (0, 0, SIDE * FINE, SIDE * FINE))
    canvas.vertical_gradient(0, end, above, canvas.pick((205, 226, 244), (236, 226, 214), (250, 210, 160)))
    for _ in range(int(canvas.jitter(2, 2))):
        x, y = canvas.jitter(50, 50), canvas.jitter(18, 24)
        canvas.oval((214, 220, 232), 17, 5, (x, y + 2))
        canvas.oval((240, 242, 246), 12, 4.5, (x - 3, y), (x + 5, y - 2))


def meadow(canvas: Canvas, start: float) -> None:
    sky(canvas, start)
    hills = canvas.pick((70, 130, 90), (110, 140, 150), (60, 110, 80))
    for x in (-10, 40, 90):
        canvas.oval(hills, canvas.jitter(32, 12), canvas.jitter(12, 8), (canvas.jitter(x, 20), start + 2))
    canvas.vertical_gradient(start, 130, canvas.pick((120, 180, 70), (160, 180, 80), (204, 184, 100)), (50, 100, 40))


def woods(canvas: Canvas, start: float) -> None:
    leaves = canvas.pick((60, 110, 60), (100, 130, 60), (150, 150, 60), (80, 130, 110))
    canvas.vertical_gradient(-40, start, tint(leaves, 60), leaves)
    for _ in range(6):
        canvas.dot(
            tint(leaves, int(canvas.jitter(15, 34))),
            canvas.jitter(11, 4),
            (canvas.jitter(50, 60), canvas.jitter(12, 24)),
        )
    for trunk in (-10, 20, 50, 80, 110):
        x = canvas.jitter(trunk, 12)
        canvas.line(tint(BROWN, int(canvas.jitter(0, 25))), canvas.jitter(5, 2), (x, -60), (x, start))
    canvas.vertical_gradient(start, 130, tint(leaves, 24), tint(leaves, -30))


def road(canvas: Canvas) -> None:
    sky(canvas, 60)
    for x in range(-20, 121, 20):
        left, right, top = x - 2, x + canvas.jitter(16, 6), canvas.jitter(42, 14)
        house = canvas.pick((150, 130, 120), (180, 160, 150), (120, 124, 150), (80, 130, 80))
        canvas.shape(house, (left, 66), (left, top), (right, top), (right, 66))
    canvas.vertical_gradient(64, 110, canvas.pick((130, 130, 134), (150, 146, 140), (100, 102, 110)), (74, 74, 78))
    for x in range(-30, 131, 30):
        canvas.line((230, 226, 206), 3, (x, 95), (x + 14, 95))


def home(canvas: Canvas) -> None:
    if canvas.chance(0.4):
        meadow(canvas, 40)
        return
    wall = canvas.pick((200, 190, 170), (150, 175, 200), (190, 160, 150), (130, 160, 140), (110, 100, 130), RUST, BLUE)
    canvas.vertical_gradient(-40, 74, tint(wall, 24), wall)
    if canvas.chance(0.5):
        x = canvas.jitter(50, 45)
        canvas.shape(WHITE, (x - 14, -4), (x + 14, -4), (x + 14, 34), (x - 14, 34))
        canvas.shape((150, 196, 230), (x - 11, -1), (x + 11, -1), (x + 11, 31), (x - 11, 31))
    canvas.vertical_gradient(74, 110, canvas.pick(BROWN, TAN, GREY, (150, 70, 70)), BROWN)


def water(canvas: Canvas, start: float) -> None:
    canvas.vertical_gradient(start, 130, canvas.pick((80, 150, 190), (50, 120, 160), (90, 170, 180)), (20, 70, 120))
    for _ in range(9):
        x, y = canvas.jitter(50, 65), canvas.jitter((start + 110) / 2, (110 - start) / 2)
        canvas.line((170, 210, 226), 1.2, (x - 7, y), (x, y - 1), (x + 7, y))
