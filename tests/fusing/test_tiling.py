"""Tiles cover the image once, know their context, and agree with the whole image."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ivif_cli.core.data.images import read_image
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.fusing.tiling import choose_tile, plan_tiles, sample_thumbnail
from ivif_cli.core.network import LoadedNetwork, build_network
from ivif_cli.core.network.fusion import THUMBNAIL
from tests.made_up import enlivened


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 700),
    st.integers(1, 700),
    st.integers(64, 400),
    st.integers(0, 60),
    st.sampled_from([1, 2, 4, 8, 16]),
)
def test_cores_cover_every_pixel_once_and_have_their_halo(h: int, w: int, side: int, halo: int, stride: int) -> None:
    covered = np.zeros((h, w), int)
    for tile in plan_tiles(h, w, side, halo=halo, stride=stride):
        covered[tile.core] += 1
        for core, outer, inner, length in zip(tile.core, tile.window, tile.inner, (h, w), strict=True):
            assert outer.start % stride == 0 and (outer.stop % stride == 0 or outer.stop == length)
            assert core.start - outer.start >= halo or outer.start == 0
            assert outer.stop - core.stop >= halo or outer.stop == length
            assert core.stop - core.start <= side + stride
            assert range(length)[outer][inner] == range(length)[core]
    assert (covered == 1).all()


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 500), st.integers(1, 200), st.integers(64, 200), st.booleans(), st.integers(0, 2**31))
def test_tiled_equals_whole(lively: LoadedNetwork, h: int, w: int, side: int, deep: bool, seed: int) -> None:
    kind = np.uint16 if deep else np.uint8
    levels = np.random.default_rng(seed).integers(0, np.iinfo(kind).max + 1, (2, h, w), dtype=kind)
    goal = ("default", "bright", "faded")[seed % 3]
    whole = Fuser(lively, device="cpu", tile=0).fuse_luma(*levels, goal).astype(int)
    tiled = Fuser(lively, device="cpu", tile=side).fuse_luma(*levels, goal).astype(int)
    assert np.abs(whole - tiled).max() <= (257 if deep else 1)
    assert np.mean(whole != tiled) < 0.05


def test_descriptors_matter_so_that_the_agreement_is_not_empty(lively: LoadedNetwork) -> None:
    rng = np.random.default_rng(3)
    ir, vis = rng.integers(0, 256, (2, 160, 160), dtype=np.uint8)
    fuser = Fuser(lively, device="cpu", tile=0)
    alone = fuser.fuse_luma(ir[:80, :80] // 4, vis[:80, :80] // 4).astype(int)
    ir[:80, :80] //= 4
    vis[:80, :80] //= 4
    assert np.abs(fuser.fuse_luma(ir, vis)[:40, :40].astype(int) - alone[:40, :40]).max() > 1


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 500), st.integers(1, 500), st.booleans())
def test_the_thumbnail_is_the_networks_own(lively: LoadedNetwork, h: int, w: int, deep: bool) -> None:
    kind = np.uint16 if deep else np.uint8
    image = np.random.default_rng(h * 1000 + w).integers(0, np.iinfo(kind).max + 1, (h, w), dtype=kind)
    luma = torch.from_numpy(image.astype(np.float32) / np.iinfo(kind).max)[None, None]
    assert np.abs(sample_thumbnail(image, THUMBNAIL) - lively.network.thumbnail(luma)[0, 0].numpy()).max() < 1e-5


@pytest.mark.parametrize("name", ["base", "fast"])
def test_the_halo_holds_everything_a_pixel_depends_on(name: str) -> None:
    torch.manual_seed(0)
    network = enlivened(build_network(name, channels=4, goal=16))
    side = 2 * (network.halo + network.stride)
    ir, vis = torch.rand(2, 1, 1, 64, side + 1)
    with torch.inference_mode():
        descriptors = network.describe(network.thumbnail(ir), network.thumbnail(vis), torch.randn(1, 16))
        before = network(ir, vis, descriptors)
        vis[..., network.halo + network.stride :] = 1 - vis[..., network.halo + network.stride :]
        changed = (network(ir, vis, descriptors) - before).abs()[0, 0].amax(dim=0) > 0
    assert changed.any()
    assert not changed[: network.stride].any()


@pytest.mark.parametrize("model", ["base", "fast"])
def test_small_tiles_of_real_pairs_agree_with_the_whole(shared_data: Path, model: str) -> None:
    for name in ("TNO/{}/05.png", "MSRS/{}/00004N.png"):
        ir, vis = (read_image(shared_data / "test" / name.format(kind)) for kind in ("ir", "vi"))
        whole, tiled = (Fuser(model, device="cpu", tile=tile).fuse(ir, vis).astype(int) for tile in (0, 96))
        assert np.abs(whole - tiled).max() <= 1


def test_the_tile_follows_the_budget() -> None:
    plan = {"halo": 56, "stride": 8, "bytes_per_pixel": 300.0}
    assert choose_tile(480, 640, **plan, budget=1e9) is None
    side = choose_tile(8000, 8000, **plan, budget=300e6)
    assert side is not None and side % 8 == 0
    assert 0.7 * 300e6 < (side + 112) ** 2 * 300 <= 300e6
    assert choose_tile(8000, 8000, **plan, budget=0) == 64


def test_out_of_memory_halves_the_tile(lively: LoadedNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    ir, vis = rng.integers(0, 256, (2, 300, 500), dtype=np.uint8)
    fuser = Fuser(lively, device="cpu", tile=0)
    expected = fuser.fuse_luma(ir, vis)
    encode = fuser.engine.network.encode
    sizes: list[int] = []

    def small_only(a: torch.Tensor, b: torch.Tensor) -> object:
        sizes.append(a.shape[-1])
        if a.shape[-1] > 450:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return encode(a, b)

    monkeypatch.setattr(fuser.engine.network, "encode", small_only)
    assert np.abs(fuser.fuse_luma(ir, vis).astype(int) - expected).max() <= 1
    assert sizes[0] == 500 and sizes[-1] <= 450
