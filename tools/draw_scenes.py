"""Draw eight pairs, day and night, for the picture strips of the docs: what one band shows the other does not.

    python -m tools.draw_scenes out/scenes            # out/scenes/ir/NAME.png and out/scenes/vi/NAME.png
    python tools/strips.py --data out/scenes --model base --model fast -o docs/images/scenes.png

Real pictures are mostly not ours to redistribute; these are made from seeds. Each scene is hard in a way that real ones
are: smoke before a person, glare, haze, bright sky over warm walls, lettering that is cold, foliage that hides.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tools.draw_demo_scene import _car, _person

HEIGHT, WIDTH, HORIZON = 360, 480, 150


@dataclass
class Canvas:
    """Both bands of a scene while it is drawn: luma of the visible, infrared; H x W float32 in grey levels."""

    rng: np.random.Generator
    vis: np.ndarray
    ir: np.ndarray

    def texture(self, scale: float, strength: float) -> np.ndarray:
        """Smooth noise of a given grain [px] and standard deviation [grey levels]."""
        noise = cv2.GaussianBlur(self.rng.standard_normal((HEIGHT, WIDTH)).astype(np.float32), (0, 0), scale)
        return noise / noise.std() * strength

    def people(self, *places: tuple[int, int, int], seen: float, warm: float = 225.0) -> None:
        """Standing figures (x, y, height [px]): dark or bright in the visible band, warm in the infrared."""
        for x, y, size in places:
            _person(self.vis, x, y, size, (seen,))
            _person(self.ir, x, y, size, (warm,))

    def sign(self, text: str, place: tuple[int, int], level: float) -> None:
        """Lettering that only the visible band shows."""
        (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.7, 2)
        x, y = place
        cv2.rectangle(self.vis, (x - 6, y - height - 7), (x + width + 6, y + 8), level, -1)
        ink = 235.0 if level < 128 else 20.0
        letters = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.putText(letters, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 2, cv2.LINE_AA)
        self.vis += letters / np.float32(255) * (ink - self.vis)
        cv2.rectangle(self.ir, (x - 6, y - height - 7), (x + width + 6, y + 8), float(self.ir[y, x]) + 14, -1)

    def houses(self, wall: float, warmth: float, lit: float) -> None:
        """Brick fronts with windows; `lit` is the share of bright ones."""
        left = 0
        while left < WIDTH:
            right, top = left + int(self.rng.integers(70, 130)), int(self.rng.integers(25, 90))
            level = wall * float(self.rng.uniform(0.8, 1.15))
            self.vis[top : HORIZON + 40, left:right] = level
            self.ir[top : HORIZON + 40, left:right] = warmth * float(self.rng.uniform(0.9, 1.1))
            for y in range(top, HORIZON + 40, 7):
                cv2.line(self.vis, (left, y), (min(right, WIDTH) - 1, y), level * 0.8, 1)
            for y in range(top + 12, HORIZON + 10, 34):
                for x in range(left + 10, right - 22, 30):
                    bright = self.rng.random() < lit
                    cv2.rectangle(self.vis, (x, y), (x + 14, y + 20), 205.0 if bright else level * 0.45, -1)
                    cv2.rectangle(self.ir, (x, y), (x + 14, y + 20), warmth * 0.92, -1)
            left = right + int(self.rng.integers(0, 50))

    def cars(self, *places: tuple[int, int, int], body: float) -> None:
        """Cars (x, y, width [px]) with a warm bonnet and warm tyres."""
        for x, y, width in places:
            _car(self.vis, x, y, width, (body,), (body * 0.5,))
            _car(self.ir, x, y, width, (95.0,), (60.0,))
            cv2.ellipse(self.ir, (x + width // 6, y + width // 8), (width // 6, width // 9), 0, 0, 360, 205.0, -1)
            for wheel in (x + width // 5, x + 4 * width // 5):
                cv2.circle(self.vis, (wheel, y + width // 3), width // 12, 15.0, -1, cv2.LINE_AA)
                cv2.circle(self.ir, (wheel, y + width // 3), width // 12, 160.0, -1, cv2.LINE_AA)

    def foliage(self, rows: slice, level: float, spread: float, warmth: float) -> None:
        """Leaves: busy in the visible band, nearly even in the infrared."""
        leaves = self.texture(1.5, spread) + self.texture(7.0, spread)
        self.vis[rows] = (level + leaves)[rows]
        self.ir[rows] = (warmth + self.texture(9.0, 5.0))[rows]

    def smoke(self, centre: tuple[int, int], size: int, level: float) -> None:
        """A cloud that hides the visible band and is clear to the infrared."""
        cloud = np.zeros((HEIGHT, WIDTH), np.float32)
        cv2.circle(cloud, centre, size, 1.0, -1)
        cover = np.clip(cv2.GaussianBlur(cloud, (0, 0), size / 4) + self.texture(14.0, 0.12) * (cloud > 0), 0, 1)
        self.vis += cover * (level + self.texture(20.0, 10.0) - self.vis)

    def glare(self, *places: tuple[int, int]) -> None:
        """Head-lamps that burn out the visible band around them."""
        lamps = np.zeros((HEIGHT, WIDTH), np.float32)
        for place in places:
            cv2.circle(lamps, place, 6, 1.0, -1)
        for sigma, gain in ((4, 260), (18, 900), (50, 1500)):
            self.vis += cv2.GaussianBlur(lamps, (0, 0), sigma) * gain


def street(rng: np.random.Generator, sky: float, ground: float, cold: float, warm: float) -> Canvas:
    """Sky over ground in both bands."""
    vis, ir = np.full((2, HEIGHT, WIDTH), sky, np.float32)
    vis[HORIZON:] = np.linspace(ground * 0.8, ground * 1.1, HEIGHT - HORIZON)[:, None]
    ir[:HORIZON], ir[HORIZON:] = cold, warm
    canvas = Canvas(rng, vis, ir)
    canvas.vis[HORIZON:] += (canvas.texture(1.2, 4.0) + canvas.texture(6.0, 4.0))[HORIZON:]
    return canvas


def night_street(rng: np.random.Generator) -> Canvas:
    canvas = street(rng, 22, 50, 28, 70)
    canvas.houses(55, 78, lit=0.35)
    canvas.sign("HOTEL", (60, 110), 90)
    canvas.cars((210, 220, 80), body=35)
    canvas.people((110, 235, 60), (330, 225, 48), (420, 250, 80), seen=30)
    return canvas


def day_street(rng: np.random.Generator) -> Canvas:
    canvas = street(rng, 225, 130, 35, 120)
    canvas.houses(150, 140, lit=0.0)
    canvas.sign("STOP", (370, 150), 60)
    canvas.cars((60, 225, 100), body=190)
    canvas.people((250, 230, 62), (300, 235, 66), seen=70)
    return canvas


def smoke(rng: np.random.Generator) -> Canvas:
    canvas = street(rng, 165, 95, 60, 90)
    canvas.foliage(slice(60, HORIZON + 15), 75, 16, 95)
    canvas.people((240, 225, 90), (370, 215, 56), seen=60)
    canvas.smoke((235, 200), 90, 190)
    return canvas


def glare(rng: np.random.Generator) -> Canvas:
    canvas = street(rng, 14, 38, 25, 62)
    canvas.houses(40, 70, lit=0.15)
    canvas.cars((170, 215, 100), body=30)
    canvas.people((300, 235, 70), (130, 225, 52), seen=24)
    canvas.sign("EXIT 7", (340, 110), 60)
    canvas.glare((176, 228), (262, 228))
    return canvas


def forest(rng: np.random.Generator) -> Canvas:
    canvas = street(rng, 190, 90, 50, 85)
    canvas.foliage(slice(20, HEIGHT), 85, 20, 88)
    canvas.people((150, 240, 70), (330, 200, 40), seen=82)
    leaves = canvas.texture(1.5, 26.0) > 10
    canvas.vis[leaves] = 70
    return canvas


def haze(rng: np.random.Generator) -> Canvas:
    canvas = street(rng, 185, 150, 45, 95)
    canvas.houses(120, 105, lit=0.0)
    canvas.cars((300, 215, 70), body=70)
    canvas.people((120, 230, 66), (210, 220, 50), seen=60)
    distance = np.linspace(0.85, 0.35, HEIGHT, dtype=np.float32)[:, None]
    canvas.vis += distance * (188 - canvas.vis)
    return canvas


def warm_roofs(rng: np.random.Generator) -> Canvas:
    canvas = street(rng, 200, 120, 40, 80)
    canvas.foliage(slice(HORIZON - 20, HEIGHT), 95, 15, 75)
    for left, top in ((70, 170), (290, 200)):
        roof = np.int32([[left, top + 40], [left + 60, top], [left + 120, top + 40]])
        cv2.fillConvexPoly(canvas.vis, roof, 75.0, cv2.LINE_AA)
        cv2.fillConvexPoly(canvas.ir, roof, 215.0, cv2.LINE_AA)
        cv2.rectangle(canvas.vis, (left + 10, top + 40), (left + 110, top + 90), 165.0, -1)
        cv2.rectangle(canvas.ir, (left + 10, top + 40), (left + 110, top + 90), 130.0, -1)
    canvas.people((230, 290, 56), seen=70)
    return canvas


def harbour(rng: np.random.Generator) -> Canvas:
    canvas = street(rng, 90, 45, 30, 55)
    canvas.houses(70, 85, lit=0.25)
    rows = np.arange(HEIGHT - HORIZON - 40)[:, None]
    waves = 8 * np.sin(rows / 3.0 + canvas.texture(25.0, 2.0)[HORIZON + 40 :])
    canvas.vis[HORIZON + 40 :] = 48 + waves
    hull = np.int32([[150, 260], [330, 260], [300, 295], [180, 295]])
    cv2.fillConvexPoly(canvas.vis, hull, 100.0, cv2.LINE_AA)
    cv2.fillConvexPoly(canvas.ir, hull, 120.0, cv2.LINE_AA)
    cv2.rectangle(canvas.ir, (270, 235), (300, 260), 220.0, -1)
    cv2.rectangle(canvas.vis, (270, 235), (300, 260), 80.0, -1)
    canvas.people((215, 245, 40), seen=50)
    return canvas


SCENES: dict[str, Callable[[np.random.Generator], Canvas]] = {
    "1-night-street": night_street,
    "2-glare": glare,
    "3-harbour": harbour,
    "4-smoke": smoke,
    "5-forest": forest,
    "6-day-street": day_street,
    "7-haze": haze,
    "8-warm-roofs": warm_roofs,
}


def finished(canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
    """Both bands as cameras give them: the infrared softer, both with noise; H x W uint8."""
    ir = cv2.GaussianBlur(canvas.ir, (0, 0), 1.3) + canvas.texture(10.0, 2.5)
    bands = [ir + canvas.rng.standard_normal(ir.shape) * 1.5, canvas.vis + canvas.rng.standard_normal(ir.shape) * 2.0]
    return tuple(np.clip(band, 0, 255).astype(np.uint8) for band in bands)  # type: ignore[return-value]


def main() -> None:
    """Write every scene."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for kind in ("ir", "vi"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for seed, (name, draw) in enumerate(SCENES.items()):
        ir, vis = finished(draw(np.random.default_rng(seed)))
        cv2.imwrite(str(folder / "ir" / f"{name}.png"), ir)
        cv2.imwrite(str(folder / "vi" / f"{name}.png"), vis)
    print(folder)


if __name__ == "__main__":
    main()
