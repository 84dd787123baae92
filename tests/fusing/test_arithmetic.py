"""The same pictures by other arithmetic: half precision, compiled, on a GPU."""

import functools
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from ivif_cli.core.data.images import read_image
from ivif_cli.core.errors import DeviceError
from ivif_cli.core.fusing.fuser import Fuser
from tests.fusing.pictures import picture
from tests.made_up import lively_network


def some_pairs(shared_data: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for name in ("TNO/{}/01.png", "MSRS/{}/00004N.png", "M3FD/{}/00000.png"):
        yield tuple(read_image(shared_data / "test" / name.format(kind)) for kind in ("ir", "vi"))  # type: ignore[misc]


@pytest.mark.parametrize("model", ["base", "fast"])
def test_bfloat16_is_close_on_real_pairs_but_not_within_one_level_so_auto_is_fp32(
    shared_data: Path, model: str, device: str
) -> None:
    exact, reduced = Fuser(model, device=device, precision="fp32"), Fuser(model, device=device, precision="bf16")
    for ir, vis in some_pairs(shared_data):
        difference = np.abs(exact.fuse_luma(ir, vis).astype(int) - reduced.fuse_luma(ir, vis))
        assert difference.mean() < 0.3
        assert (difference > 4).mean() < 1e-3
    assert Fuser(model, device=device).engine.dtype == torch.float32


def require_equal(plain: Fuser, compiled: Fuser, height: int, width: int) -> None:
    ir, vis = picture(0, (height, width)), picture(1, (height, width))
    difference = np.abs(plain.fuse(ir, vis).astype(int) - compiled.fuse(ir, vis))
    assert difference.max() <= 1


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore")
def test_compiled_network_gives_the_same_pictures() -> None:
    from torch._inductor import config

    small = lively_network("fast")
    # Small kernels are compiled in half of the time of fused ones.
    with config.patch(realize_reads_threshold=0, realize_opcount_threshold=0):
        require_equal(Fuser(small, device="cpu"), Fuser(small, device="cpu", compile=True), 61, 83)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_network_is_traced_anew_for_another_size(monkeypatch: pytest.MonkeyPatch) -> None:
    # Machine code takes a minute a size to make; what follows from a size is decided before, where it is traced.
    traced = functools.partial(torch.compile, backend="eager")
    monkeypatch.setattr(torch, "compile", traced)
    small = lively_network("fast")
    plain, compiled = Fuser(small, device="cpu"), Fuser(small, device="cpu", compile=True)
    for size in ((64, 96), (61, 83)):
        require_equal(plain, compiled, *size)


@pytest.mark.filterwarnings("ignore")
def test_a_compiler_that_fails_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    fuser = Fuser("fast", device="cpu", compile=True)

    def failing(*inputs: object) -> None:
        raise torch._dynamo.exc.BackendCompilerFailed("inductor", RuntimeError("no compiler\nmore"), [])

    monkeypatch.setattr(fuser.engine.network, "encode", failing)
    with pytest.raises(DeviceError, match=r"torch\.compile does not work here: .*compiler") as caught:
        fuser.fuse(picture(0, (8, 8)), picture(1, (8, 8)))
    assert "\n" not in str(caught.value).split("go on")[0].strip()


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu(shared_data: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    for ir, vis in some_pairs(shared_data):
        on_cpu = Fuser("base", device="cpu").fuse(ir, vis).astype(int)
        assert np.abs(Fuser("base", device="cuda").fuse(ir, vis) - on_cpu).max() <= 1
