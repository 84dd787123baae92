"""The page of the field from outputs on this machine, and what it is for: a copy of one source cannot win it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ivif_cli.core.data.images import read_image
from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.data.pairing import match_outputs, pair_folders
from ivif_cli.core.fusing.baselines import BASELINES
from ivif_cli.core.metrics import Scene
from tools.field import main


def test_a_table_a_set_with_methods_copies_and_rules(tmp_path: Path, rng: np.random.Generator) -> None:
    for name in ("TNO", "MSRS"):
        folders = [
            tmp_path / "data" / name / "ir",
            tmp_path / "data" / name / "vi",
            tmp_path / "published" / name / "Ours",
        ]
        for folder in folders:
            folder.mkdir(parents=True)
            cv2.imwrite(str(folder / "01.png"), cv2.blur(rng.integers(0, 256, (48, 60), dtype=np.uint8), (5, 5)))
    page = tmp_path / "field.md"
    main(["--data", str(tmp_path / "data"), "--published", str(tmp_path / "published"), "-o", str(page)])
    tables = page.read_text().split("## ")[1:]
    assert [table.split(",")[0] for table in tables] == ["TNO", "MSRS"]
    for table in tables:
        rows = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")]
        assert rows[2:] == ["Ours", "infrared alone", "visible alone", "average", "maximum", "laplacian"]
        assert all(f"| {name} ↑" in table for name in ("VIF", "K", "K p10", "X"))
        assert "TD ↓" in table


def test_a_folder_without_sets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="holds none of the sets TNO"):
        main(["--data", str(tmp_path), "--published", str(tmp_path), "-o", str(tmp_path / "a.md")])


@pytest.mark.parametrize(
    ("name", "method"), [("RoadScene", "VDifFusion"), ("MSRS", "VDifFusion"), ("TNO", "SeAFusion")]
)
def test_copies_of_one_source_come_last_in_k_and_x(shared_data: Path, name: str, method: str) -> None:
    folder = shared_data / "test" / name
    every = pair_folders(folder / "ir", folder / "vi").pairs
    outputs = match_outputs(every, shared_data / "published" / name / method)
    means: dict[str, np.ndarray] = {}
    for pair in [pair for pair in every if pair.name in outputs][::7][:2]:
        ir, vis, fused = (to_luma(read_image(path)) for path in (pair.ir, pair.vis, outputs[pair.name]))
        scene = Scene(ir, vis)
        pictures = {"ir": ir, "vis": vis, method: fused, "laplacian": BASELINES["laplacian"](ir, vis)}
        for label, picture in pictures.items():
            scores = scene.score(picture, ("K", "X"))
            means[label] = means.get(label, 0) + np.array([scores["K"], scores["X"]])
    copies = np.maximum(means["ir"], means["vis"])
    assert (copies < means[method]).all(), means
    assert (copies < means["laplacian"]).all(), means
