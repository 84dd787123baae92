"""Three made-up scenes without any file, each metric against its definition in `plain`."""

import numpy as np
import pytest

from ivif_cli.core.metrics import SIX, evaluate_pair
from tests.metrics import plain

Triple = tuple[np.ndarray, np.ndarray, np.ndarray]


def _scene(name: str) -> Triple:
    """Waves and a warm target by day; points of light by night; hard stripes with grain; uint8, 104 x 120."""
    y, x = np.mgrid[:104, :120].astype(float)
    grain = (y * 7919 + x * 104_729 + (y * x) % 251 * 31) % 17 - 8
    warm = 150 * np.exp(-((x - 70) ** 2 + (y - 40) ** 2) / 90)
    if name == "day":
        ir, vis = 60 + warm + grain / 4, 130 + 50 * np.sin(x / 5) * np.cos(y / 9) + y / 3
    elif name == "night":
        ir, vis = 40 + warm + 20 * np.sin((x + y) / 7) + grain / 2, 12 + 240 * ((x % 30 < 3) & (y % 34 < 4))
    else:
        ir, vis = 80 + 60 * (x % 24 < 12) + grain, 100 + 90 * (y % 20 < 9) + grain / 2
    fused = 0.55 * ir + 0.5 * vis + 10 * np.sin(x / 3)
    return tuple(np.clip(picture.round(), 0, 255).astype(np.uint8) for picture in (ir, vis, fused))  # type: ignore[return-value]


def _expected(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray) -> dict[str, float]:
    return {
        "EN": plain.entropy(fused),
        "SD": float(fused.std()),
        "SF": plain.spatial_frequency(fused),
        "MI": plain.information(ir, fused) + plain.information(vis, fused),
        "VIF": plain.vif(ir, fused) + plain.vif(vis, fused),
        "Qabf": plain.qabf(ir, vis, fused),
        "K_ir": plain.kept(ir, vis, fused),
        "K_vis": plain.kept(vis, ir, fused),
        "TD": plain.daylight_tone(vis, fused),
    }


@pytest.mark.parametrize("name", ["day", "night", "stripes"])
def test_a_made_up_scene_has_the_values_of_the_definitions(name: str) -> None:
    triple = _scene(name)
    expected = _expected(*(picture.astype(float) for picture in triple))
    tolerance = {"VIF": 1e-7, "K_ir": 1e-6, "K_vis": 1e-6, "TD": 1e-6}
    found = evaluate_pair(*triple, list(expected))
    for metric, value in expected.items():
        assert found[metric] == pytest.approx(value, rel=0, abs=tolerance.get(metric, 1e-10)), metric


@pytest.mark.parametrize("name", ["day", "night", "stripes"])
def test_the_torch_path_has_the_values_of_the_definitions(name: str) -> None:
    pytest.importorskip("torch")
    from ivif_cli.core.metrics.on_device import evaluate_on_device

    triple = _scene(name)
    expected = _expected(*(picture.astype(float) for picture in triple))
    found = evaluate_on_device(*(picture[None] for picture in triple), device="cpu")
    for metric in SIX:
        tolerance = 1e-7 if metric == "VIF" else 1e-9
        assert found[metric][0] == pytest.approx(expected[metric], rel=0, abs=tolerance), metric
