"""Export: the file computes what the network does, at any size; and it fuses without torch."""

import copy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from ivif_cli.core.errors import IvifError, OutputError, UsageError, WeightsError
from ivif_cli.core.export.export import OPSET, export_network
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.network import LoadedNetwork, load_network

onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
ort = pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
pytest.importorskip("onnxscript", reason="the extra `onnx` is not installed")

ROOT = Path(__file__).parents[2]
TNO = ROOT.parent / "shared" / "data" / "test" / "TNO"


@pytest.fixture(scope="module")
def exported(traced_once: LoadedNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fast network as ONNX."""
    path = tmp_path_factory.mktemp("onnx") / "fast.onnx"
    done = export_network(traced_once, path)
    assert done.difference < 0.5 and done.opset == OPSET
    return path


def pair(height: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (2, max(2, height // 8), max(2, width // 8)), dtype=np.uint8)
    ir, vis = (cv2.resize(x, (width, height), interpolation=cv2.INTER_CUBIC) for x in small)
    return ir, cv2.merge([vis, 255 - vis, vis // 2])


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (64, 64), (95, 131), (480, 641)])
def test_onnx_and_torch_agree_at_any_size(exported: Path, size: tuple[int, int]) -> None:
    ir, vis = pair(*size)
    found, expected = Fuser(exported, threads=1).fuse(ir, vis), Fuser("fast", device="cpu").fuse(ir, vis)
    assert found.shape == expected.shape and found.dtype == expected.dtype
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("goal", ["bright", "infrared"])
def test_onnx_and_torch_agree_for_another_goal(exported: Path, goal: str) -> None:
    ir, vis = pair(95, 131)
    onnx_fuser, torch_fuser = Fuser(exported, threads=1), Fuser("fast", device="cpu")
    assert onnx_fuser.goals == torch_fuser.goals
    found, expected = onnx_fuser.fuse(ir, vis, goal=goal), torch_fuser.fuse(ir, vis, goal=goal)
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert np.abs(found.astype(int) - onnx_fuser.fuse(ir, vis)).max() > 2
    turned = onnx_fuser.goal("dark", strength=0.5, dials={"contrast": 1.0})
    assert np.abs(onnx_fuser.look(ir, vis).fuse(turned).astype(int) - torch_fuser.fuse(ir, vis, goal=turned)).max() <= 1


def test_goals_travel_to_the_bit(exported: Path) -> None:
    carried, expected = Fuser(exported).engine.goals, load_network("fast").goals
    assert list(carried) == list(expected)
    for name, goal in expected.items():
        assert carried[name].texts == goal.texts and carried[name].sha256 == goal.sha256
        assert np.array_equal(carried[name].condition, goal.condition)


def test_sixteen_bits_stay_sixteen(exported: Path) -> None:
    ir, vis = pair(40, 50)
    found = Fuser(exported).fuse(ir.astype(np.uint16) * 257, vis)
    expected = Fuser("fast", device="cpu").fuse(ir.astype(np.uint16) * 257, vis)
    assert found.dtype == np.uint16
    assert np.abs(found.astype(int) - expected).max() <= 257


def test_tiles_agree_with_the_whole(exported: Path) -> None:
    ir, vis = pair(211, 190)
    whole, tiled = (Fuser(exported, tile=tile, threads=1).fuse(ir, vis) for tile in (0, 64))
    assert np.abs(whole.astype(int) - tiled).max() <= 1


def test_half_precision_stays_close_and_is_half_as_large(
    exported: Path, traced_once: LoadedNetwork, tmp_path: Path
) -> None:
    done = export_network(traced_once, tmp_path / "half.onnx", precision="fp16")
    assert done.mean_difference <= 1
    halves, wholes = ([*onnx.load(str(path)).graph.initializer] for path in (done.path, exported))
    assert {tensor.data_type for tensor in halves if len(tensor.dims) == 4} == {onnx.TensorProto.FLOAT16}
    sizes = [sum(len(tensor.raw_data) for tensor in tensors) for tensors in (halves, wholes)]
    assert sizes[0] < 0.51 * sizes[1]
    ir, vis = pair(95, 131)
    gap = np.abs(Fuser(done.path).fuse(ir, vis).astype(int) - Fuser("fast", device="cpu").fuse(ir, vis))
    assert gap.mean() <= 1


@pytest.mark.parametrize(("name", "precision"), [("x.pt2", "fp16"), ("x.onnx", "int4")])
def test_precisions_that_cannot_be_had_are_refused(tmp_path: Path, name: str, precision: str) -> None:
    with pytest.raises(UsageError):
        export_network(load_network("fast"), tmp_path / name, precision=precision)
    assert not list(tmp_path.iterdir())


def test_file_says_what_it_holds(exported: Path) -> None:
    model = onnx.load(str(exported))
    facts = {item.key: item.value for item in model.metadata_props}
    assert facts["model"] == "fast" and len(facts["weights_sha256"]) == 64
    assert model.opset_import[0].version == OPSET
    assert [value.name for value in model.graph.input] == ["ir", "vis", "ir_thumbnail", "vis_thumbnail", "goal"]


def test_fusing_with_onnx_does_not_import_torch(exported: Path, tmp_path: Path) -> None:
    ir, vis = pair(48, 64)
    ir = np.maximum(ir, 1)  # Black at the border would be covered, as what an earlier warp left.
    for name, image in (("ir.png", ir), ("vis.png", vis)):
        cv2.imwrite(str(tmp_path / name), image)
    code = (
        "import sys\nfrom ivif_cli.app import app\n"
        f"at, model = {str(tmp_path)!r}, {str(exported)!r}\n"
        "sys.argv = ['ivif', 'fuse', '--model', model]\n"
        "sys.argv += ['--ir', at + '/ir.png', '--vis', at + '/vis.png', '-o', at + '/f.png', '--goal', 'bright']\n"
        "app(standalone_mode=False)\n"
        "assert not {'torch', 'open_clip', 'onnx'} & set(sys.modules), 'heavy import'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = Fuser("fast", device="cpu").fuse(ir, vis, goal="bright")
    assert np.abs(cv2.imread(str(tmp_path / "f.png")).astype(int) - expected).max() <= 1


@pytest.mark.slow
def test_torch_export_computes_the_same(traced_once: LoadedNetwork, tmp_path: Path) -> None:
    stages: list[str] = []
    done = export_network(traced_once, tmp_path / "fast.pt2", on_stage=stages.append)
    assert ["tracing" in stages[0], "3 sizes" in stages[1]] == [True, True]
    assert done.difference < 0.01 and done.opset is None


@pytest.mark.slow
@pytest.mark.skipif(not TNO.is_dir(), reason="the TNO pairs (../shared/data) are not here")
@pytest.mark.parametrize("model", ["base", "fast"])
@pytest.mark.usefixtures("traced_once")
def test_onnx_and_torch_agree_on_the_tno_pairs(model: str, tmp_path: Path) -> None:
    export_network(load_network(model), tmp_path / "m.onnx")
    onnx_fuser, torch_fuser = Fuser(tmp_path / "m.onnx", threads=1), Fuser(model, device="cpu", threads=1)
    for file in sorted((TNO / "ir").iterdir())[::3]:
        vis = next((TNO / "vi").glob(f"{file.stem}.*"))
        images = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in (file, vis)]
        found, expected = (fuser.fuse_luma(*images).astype(int) for fuser in (onnx_fuser, torch_fuser))
        assert np.abs(found - expected).max() <= 1, file.name


def test_what_cannot_be_used_is_refused(exported: Path, tmp_path: Path) -> None:
    for name in ("a.tflite", "a.pt", "a"):
        with pytest.raises(UsageError, match=r"\.onnx .* or \.pt2"):
            export_network(load_network("fast"), tmp_path / name)
    with pytest.raises(OutputError, match="exists already"):
        export_network(load_network("fast"), exported)
    with pytest.raises(UsageError, match="does not exist"):
        Fuser(tmp_path / "none.onnx")
    with pytest.raises(UsageError, match="precision"):
        Fuser(exported, precision="bf16")
    with pytest.raises(UsageError, match="did you mean cuda"):
        Fuser(exported, device="cudda")
    with pytest.raises(UsageError, match="no device mps"):
        Fuser(exported, device="mps")
    (tmp_path / "bad.onnx").write_bytes(b"no graph")
    with pytest.raises(WeightsError, match="cannot load"):
        Fuser(tmp_path / "bad.onnx")


def test_a_file_that_computes_something_else_is_not_kept(traced_once: LoadedNetwork, tmp_path: Path) -> None:
    other = replace(traced_once, network=copy.deepcopy(traced_once.network))
    with torch.no_grad():
        other.network.tone.bias += 0.5
    with pytest.raises(IvifError, match=r"off by \d+\.\d+ grey levels; nothing was written"):
        export_network(other, tmp_path / "fast.onnx")
    assert list(tmp_path.iterdir()) == []


def test_foreign_onnx_file_is_refused(tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", [value], [result])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    onnx.save(model, str(tmp_path / "neg.onnx"))
    with pytest.raises(WeightsError, match="not a network that ivif export wrote"):
        Fuser(tmp_path / "neg.onnx")
