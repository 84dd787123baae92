"""Draw the demo pair: a night street as an infrared and a visible camera would see it, 640 x 480, from a seed.

    python tools/draw_demo_scene.py [FOLDER]

Writes demo_ir.png (grey) and demo_vis.png (colour). What one band shows the other does not: people, engines and tyres
are warm; brick, road markings and the lettering of signs exist in the visible band alone.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

HEIGHT, WIDTH, HORIZON = 480, 640, 210
PEOPLE = ((120, 300, 62), (175, 292, 54), (415, 268, 40), (560, 330, 84))
CARS = ((250, 300, 110), (470, 262, 62))


def _texture(rng: np.random.Generator, scale: float, strength: float) -> np.ndarray:
    """Smooth noise of a given grain (pixels), zero mean, HxW float32."""
    noise = cv2.GaussianBlur(rng.standard_normal((HEIGHT, WIDTH)).astype(np.float32), (0, 0), scale)
    return noise / noise.std() * strength


def _visible_background(rng: np.random.Generator) -> np.ndarray:
    """Sky, brick houses, pavement and a marked road; HxWx3 BGR float32 in grey levels."""
    rows = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None]
    grey = np.where(np.arange(HEIGHT)[:, None] < HORIZON, 18 + 30 * rows, 46 + 24 * rows) * np.ones((1, WIDTH))
    picture = np.repeat(grey[..., None].astype(np.float32), 3, axis=2) * np.float32([1.15, 1.0, 0.95])
    for left, right, top in ((0, 150, 60), (150, 270, 100), (380, 500, 40), (500, 640, 85)):
        _draw_house(picture, rng, left, right, top)
    for x in range(40, WIDTH, 120):
        cv2.fillConvexPoly(picture, np.int32([[x, 470], [x + 46, 470], [x + 30, 440], [x - 8, 440]]), (150, 160, 165))
    cv2.line(picture, (0, 395), (WIDTH, 352), (120, 128, 130), 3, cv2.LINE_AA)
    return picture + (_texture(rng, 1.2, 3.0) + _texture(rng, 5.0, 4.0))[..., None]


def _draw_house(picture: np.ndarray, rng: np.random.Generator, left: int, right: int, top: int) -> None:
    picture[top : HORIZON + 60, left:right] = (44, 52, 66)
    for row, y in enumerate(range(top, HORIZON + 60, 8)):
        cv2.line(picture, (left, y), (right - 1, y), (34, 38, 48), 1)
        for x in range(left + 8 * (row % 2), right, 16):
            cv2.line(picture, (x, y), (x, min(y + 8, HORIZON + 59)), (34, 38, 48), 1)
    for y in range(top + 16, HORIZON + 10, 44):
        for x in range(left + 14, right - 24, 38):
            lit = rng.random() < 0.35
            cv2.rectangle(picture, (x, y), (x + 18, y + 26), (90, 190, 235) if lit else (30, 28, 26), -1)
            cv2.line(picture, (x + 9, y), (x + 9, y + 26), (25, 25, 28), 1)


def _draw_signs(picture: np.ndarray) -> None:
    for text, corner, size, colour in (
        ("HOTEL", (168, 128), 0.75, (60, 60, 200)),
        ("EXIT 7", (300, 150), 0.7, (70, 130, 40)),
        ("BAKERY", (512, 190), 0.7, (140, 90, 40)),
    ):
        (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 2)
        x, y = corner
        cv2.rectangle(picture, (x - 6, y - height - 7), (x + width + 6, y + 8), colour, -1)
        cv2.putText(picture, text, corner, cv2.FONT_HERSHEY_SIMPLEX, size, (225, 230, 232), 2, cv2.LINE_AA)


def _person(canvas: np.ndarray, x: int, y: int, size: int, level: tuple[float, ...]) -> None:
    """A standing figure: head, trunk, arms, legs; (x, y) is the hip, `size` its height in pixels."""
    unit = size / 10
    cv2.circle(canvas, (x, int(y - 4.6 * unit)), max(2, int(0.9 * unit)), level, -1, cv2.LINE_AA)
    cv2.ellipse(canvas, (x, int(y - 1.8 * unit)), (int(1.3 * unit), int(2.2 * unit)), 0, 0, 360, level, -1, cv2.LINE_AA)
    for side in (-1, 1):
        thick = max(2, int(0.8 * unit))
        foot = (int(x + side * unit), int(y + 4.4 * unit))
        cv2.line(canvas, (x, y), foot, level, thick, cv2.LINE_AA)
        hand = (int(x + side * 2.0 * unit), int(y + 0.2 * unit))
        cv2.line(canvas, (x, int(y - 3 * unit)), hand, level, max(1, thick // 2), cv2.LINE_AA)


def _car(canvas: np.ndarray, x: int, y: int, width: int, body: tuple[float, ...], glass: tuple[float, ...]) -> None:
    height = width // 3
    cv2.rectangle(canvas, (x, y), (x + width, y + height), body, -1)
    roof = [
        [x + width // 6, y],
        [x + width // 3, y - height // 2],
        [x + 3 * width // 4, y - height // 2],
        [x + width, y],
    ]
    cv2.fillConvexPoly(canvas, np.int32(roof), glass, cv2.LINE_AA)


def draw_visible(rng: np.random.Generator) -> np.ndarray:
    """HxWx3 BGR uint8."""
    picture = np.clip(_visible_background(rng), 0, 255).astype(np.uint8)
    _draw_signs(picture)
    for x, y, size in PEOPLE:
        _person(picture, x, y, size, (46, 44, 44))
    for x, y, width in CARS:
        _car(picture, x, y, width, (70, 48, 40), (40, 38, 36))
        cv2.circle(picture, (x + 4, y + width // 8), width // 16, (200, 240, 250), -1, cv2.LINE_AA)
    picture = picture.astype(np.float32)
    glow = cv2.GaussianBlur(np.clip(picture - 170, 0, None), (0, 0), 14) * 2.2
    noise = rng.standard_normal(picture.shape).astype(np.float32) * 2.5
    return np.clip(picture + glow + noise, 0, 255).astype(np.uint8)


def draw_infrared(rng: np.random.Generator) -> np.ndarray:
    """HxW uint8, warm is bright."""
    picture = np.full((HEIGHT, WIDTH), 40, np.float32)
    picture[HORIZON:] = 66
    picture[:HORIZON] = np.linspace(22, 40, HORIZON)[:, None]
    for left, right, top, level in ((0, 150, 60, 70), (150, 270, 100, 62), (380, 500, 40, 75), (500, 640, 85, 66)):
        picture[top : HORIZON + 60, left:right] = level
    for x, y, width in CARS:
        _car(picture, x, y, width, (88,), (58,))
        cv2.ellipse(
            picture, (x + width // 6, y + width // 8), (width // 6, width // 9), 0, 0, 360, 200, -1, cv2.LINE_AA
        )
        for wheel in (x + width // 5, x + 4 * width // 5):
            cv2.circle(picture, (wheel, y + width // 3), width // 12, 165, -1, cv2.LINE_AA)
    picture = cv2.GaussianBlur(picture, (0, 0), 2.0)
    for x, y, size in PEOPLE:
        _person(picture, x, y, size, (218,))
        cv2.circle(picture, (x, int(y - 0.46 * size)), max(2, size // 13), 245, -1, cv2.LINE_AA)
    picture = cv2.GaussianBlur(picture, (0, 0), 1.0) + _texture(rng, 8.0, 3.0)
    return np.clip(picture + rng.standard_normal(picture.shape) * 1.5, 0, 255).astype(np.uint8)


def main() -> None:
    """Write the pair into the folder named on the command line (default: examples)."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "examples")
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    cv2.imwrite(str(folder / "demo_vis.png"), draw_visible(rng))
    cv2.imwrite(str(folder / "demo_ir.png"), draw_infrared(rng))
    print(folder / "demo_ir.png", folder / "demo_vis.png")


if __name__ == "__main__":
    main()
