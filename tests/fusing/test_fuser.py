"""`Fuser`: arrays in, arrays of the same size and kind out."""

import doctest
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ivif_cli.core import device as devices
from ivif_cli.core.data.example import example_pair
from ivif_cli.core.data.luma import split, to_luma
from ivif_cli.core.errors import DeviceError, EncoderError, InputError, UsageError
from ivif_cli.core.fusing.fuser import Fuser
from ivif_cli.core.memory import available_memory
from ivif_cli.core.network import LoadedNetwork
from tests.fusing.pictures import picture
from tests.made_up import goals


@pytest.fixture
def fuser(lively: LoadedNetwork) -> Fuser:
    return Fuser(lively, device="cpu")


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.sampled_from([np.uint8, np.uint16]),
    st.sampled_from([np.uint8, np.uint16]),
    st.booleans(),
)
def test_size_channels_and_deeper_bits_are_kept(
    lively: LoadedNetwork, h: int, w: int, ir_kind: type, vis_kind: type, colour: bool
) -> None:
    vis = picture(1, (h, w, 3) if colour else (h, w), vis_kind)
    fused = Fuser(lively, device="cpu").fuse(picture(2, (h, w), ir_kind), vis)
    assert fused.shape == vis.shape
    assert fused.dtype == (np.uint16 if np.uint16 in (ir_kind, vis_kind) else np.uint8)


def test_inputs_are_not_touched(fuser: Fuser) -> None:
    ir, vis = picture(1, (20, 30)), picture(2, (20, 30, 3))
    kept = ir.copy(), vis.copy()
    fuser.fuse(ir, vis)
    assert np.array_equal(ir, kept[0]) and np.array_equal(vis, kept[1])


def test_read_only_and_strided_arrays_are_taken(fuser: Fuser) -> None:
    ir, vis = picture(1, (40, 60)), picture(2, (40, 60))
    expected = fuser.fuse(ir[::2, ::2].copy(), vis[:20, 30:].copy())
    ir.setflags(write=False)
    assert np.array_equal(fuser.fuse(ir[::2, ::2], vis[:20, 30:]), expected)


def test_colour_of_the_visible_image_is_kept(fuser: Fuser) -> None:
    rng = np.random.default_rng(4)
    grey = rng.integers(110, 140, (32, 32, 1))
    vis = (grey + rng.integers(-8, 9, (32, 32, 3))).astype(np.uint8)
    ir = rng.integers(110, 140, (32, 32), dtype=np.uint8)
    fused = fuser.fuse(ir, vis)
    unclipped = ((fused > 0) & (fused < 255)).all(axis=2)
    assert unclipped.mean() > 0.5
    assert np.abs(split(fused)[1] - split(vis)[1])[unclipped].max() <= 1
    assert np.abs(to_luma(fused).astype(int) - fuser.fuse_luma(ir, vis))[unclipped].max() <= 1


def test_sixteen_bits_agree_with_eight_and_are_finer(fuser: Fuser) -> None:
    ir, vis = picture(1, (40, 50)), picture(2, (40, 50))
    deep = fuser.fuse(ir.astype(np.uint16) * 257, vis.astype(np.uint16) * 257, ir_range="full")
    assert np.abs(deep / 257 - fuser.fuse(ir, vis)).max() <= 0.51
    assert len(np.unique(deep)) > 500


def test_the_result_may_go_into_the_visible_array(fuser: Fuser) -> None:
    ir, vis = picture(1, (300, 20)), picture(2, (300, 20, 3))
    expected = fuser.fuse(ir, vis)
    assert fuser.fuse(ir, vis, out=vis) is vis
    assert np.array_equal(vis, expected)


def test_a_batch_equals_its_images_one_by_one(fuser: Fuser) -> None:
    irs = [picture(seed, (33, 47)) for seed in range(3)]
    vises = [picture(9, (33, 47, 3)), picture(8, (33, 47)), picture(7, (33, 47), np.uint16)]
    for batched, ir, vis in zip(fuser.fuse_batch(irs, vises), irs, vises, strict=True):
        single = fuser.fuse(ir, vis)
        assert batched.shape == single.shape and batched.dtype == single.dtype
        assert np.abs(batched.astype(int) - single).max() <= 1
    mixed = fuser.fuse_batch([irs[0], picture(1, (5, 6))], [vises[0], picture(2, (5, 6))])
    assert [image.shape for image in mixed] == [(33, 47, 3), (5, 6)]


def test_the_examples_in_the_docstrings_run() -> None:
    from ivif_cli.core.fusing import fuser as module

    done = doctest.testmod(module)
    assert done.attempted >= 3 and done.failed == 0


def test_what_cannot_be_fused_is_named(fuser: Fuser) -> None:
    grey = picture(1, (4, 5))
    with pytest.raises(InputError, match=r"5 x 4 pixels, visible 6 x 4.*--resize"):
        fuser.fuse(grey, picture(1, (4, 6)))
    with pytest.raises(InputError, match="float64"):
        fuser.fuse(grey, grey.astype(float))
    with pytest.raises(InputError, match="empty"):
        fuser.fuse(grey[:0], grey[:0])
    with pytest.raises(InputError, match="shape"):
        fuser.fuse(grey, np.zeros((4, 5, 2), np.uint8))


def test_unknown_names_get_the_nearest(lively: LoadedNetwork) -> None:
    with pytest.raises(UsageError, match="did you mean cuda"):
        Fuser(lively, device="cudda")
    with pytest.raises(UsageError, match="did you mean bf16"):
        Fuser(lively, device="cpu", precision="bf61")
    with pytest.raises(UsageError, match="did you mean base"):
        Fuser("bas", device="cpu")
    with pytest.raises(UsageError, match="tile"):
        Fuser(lively, device="cpu", tile=3)
    with pytest.raises(UsageError, match="fp16"):
        Fuser(lively, device="cpu", precision="fp16")


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="no CUDA"):
        devices.choose_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(DeviceError, match="cuda:1"):
        devices.choose_device("cuda:2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert devices.choose_device("auto") == torch.device("cuda", 1)


@pytest.mark.parametrize(("machine", "container", "expected"), [("8 kB", "max", 8192), ("8 kB", "5000", 4000)])
def test_available_memory_is_the_smaller_of_machine_and_container(
    monkeypatch: pytest.MonkeyPatch, machine: str, container: str, expected: int
) -> None:
    files = {
        "/proc/meminfo": f"MemTotal: 99 kB\nMemAvailable: {machine}\n",
        "/sys/fs/cgroup/memory.max": container,
        "/sys/fs/cgroup/memory.current": "1000",
    }
    monkeypatch.setattr(Path, "read_text", lambda path: files[str(path)])
    assert available_memory() == expected


def test_a_network_that_is_handed_in_is_left_as_it_was(lively: LoadedNetwork) -> None:
    before = lively.network.encode, lively.network.decode
    fuser = Fuser(lively, device="cpu", compile=True)
    assert (lively.network.encode, lively.network.decode) == before
    assert fuser.engine.network is not lively.network


def test_a_batch_that_does_not_fit_is_fused_one_by_one(fuser: Fuser, monkeypatch: pytest.MonkeyPatch) -> None:
    irs, vises = ([picture(seed, (40, 50)) for seed in seeds] for seeds in ((1, 2, 3), (4, 5, 6)))
    expected = [fuser.fuse(ir, vis) for ir, vis in zip(irs, vises, strict=True)]
    encode = fuser.engine.network.encode

    def one_at_a_time(ir: torch.Tensor, vis: torch.Tensor) -> object:
        if len(ir) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return encode(ir, vis)

    monkeypatch.setattr(fuser.engine.network, "encode", one_at_a_time)
    for found, wanted in zip(fuser.fuse_batch(irs, vises), expected, strict=True):
        assert np.array_equal(found, wanted)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def test_the_goal_is_a_name_a_goal_or_nothing(fuser: Fuser) -> None:
    ir, vis = picture(1, (40, 50)), picture(2, (40, 50, 3))
    assert fuser.goals == tuple(goals())
    default, bright = fuser.fuse(ir, vis), fuser.fuse(ir, vis, goal="bright")
    assert np.array_equal(fuser.fuse(ir, vis, goal="default"), default)
    assert np.array_equal(fuser.fuse(ir, vis, goal=goals()["bright"]), bright)
    assert np.array_equal(fuser.fuse(ir, vis, goal="A bright image."), bright)
    assert apart(default, bright) > 1
    none, half, double = (fuser.fuse(ir, vis, goal=fuser.goal("bright", strength=s)) for s in (0, 0.5, 2))
    assert apart(none, default) < 0.01
    assert min(apart(half, default), apart(half, bright), apart(double, bright)) > 0.5, "each strength its own picture"
    turned = fuser.fuse(ir, vis, goal=fuser.goal(dials={"contrast": 1.0}))
    assert apart(turned, default) > 0.5


def test_what_cannot_be_wanted_is_refused(fuser: Fuser) -> None:
    ir, vis = picture(1, (8, 8)), picture(2, (8, 8))
    with pytest.raises(UsageError, match="empty"):
        fuser.fuse(ir, vis, goal=" ")
    with pytest.raises(EncoderError, match="cdcdcdcdcdcd"):
        fuser.fuse(ir, vis, goal=replace(goals()["bright"], sha256="cd" * 32))


@pytest.mark.parametrize("tile", [0, 64])
@pytest.mark.parametrize("shape", [(90, 70), (90, 70, 3), (1, 1)])
def test_a_look_gives_what_fuse_gives_to_the_bit(lively: LoadedNetwork, tile: int, shape: tuple[int, ...]) -> None:
    fuser = Fuser(lively, device="cpu", tile=tile)
    ir, vis = picture(1, shape[:2], np.uint16), picture(2, shape)
    look = fuser.look(ir, vis)
    found = [look.fuse(goal) for goal in ("bright", "dark", None, "bright")]
    for fused, goal in zip(found, ("bright", "dark", None, "bright"), strict=True):
        assert np.array_equal(fused, fuser.fuse(ir, vis, goal=goal))
    assert shape == (1, 1) or apart(found[0], found[1]) > 1


def test_a_look_encodes_once_and_checks_its_pair(fuser: Fuser, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    encode = fuser.engine.encode
    monkeypatch.setattr(fuser.engine, "encode", lambda *pair: calls.append(1) or encode(*pair))
    look = fuser.look(picture(1, (40, 50)), picture(2, (40, 50)))
    for goal in ("bright", "dark", None):
        look.fuse(goal)
    assert len(calls) == 1
    with pytest.raises(InputError, match="--resize"):
        fuser.look(picture(1, (4, 5)), picture(2, (4, 6)))


def test_a_look_that_does_not_fit_goes_on_in_tiles(fuser: Fuser, monkeypatch: pytest.MonkeyPatch) -> None:
    ir, vis = picture(1, (480, 70)), picture(2, (480, 70))
    expected = fuser.fuse(ir, vis, goal="bright")
    encode = fuser.engine.network.encode

    def small_only(a: torch.Tensor, b: torch.Tensor) -> object:
        if a.shape[-2] > 470:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return encode(a, b)

    monkeypatch.setattr(fuser.engine.network, "encode", small_only)
    assert np.abs(fuser.look(ir, vis).fuse("bright").astype(int) - expected).max() <= 1


def test_a_batch_is_fused_for_its_goal(fuser: Fuser) -> None:
    irs, vises = ([picture(seed, (33, 47)) for seed in seeds] for seeds in ((1, 2), (3, 4)))
    for fused, ir, vis in zip(fuser.fuse_batch(irs, vises, "dark"), irs, vises, strict=True):
        assert np.abs(fused.astype(int) - fuser.fuse(ir, vis, goal="dark")).max() <= 1
        assert apart(fused, fuser.fuse(ir, vis)) > 1


@pytest.mark.parametrize("name", ["base", "fast"])
def test_a_stronger_wish_goes_further_with_the_bundled_weights(name: str) -> None:
    fuser, (ir, vis) = Fuser(name, device="cpu"), example_pair()
    default, half, bright = (fuser.fuse(ir, vis, goal=fuser.goal("bright", strength=s)) for s in (0, 0.5, 1))
    assert 0 < apart(half, default) < apart(bright, default)


def test_an_array_for_the_result_has_to_be_like_it(fuser: Fuser) -> None:
    ir, vis = picture(1, (20, 24)), picture(2, (20, 24, 3))
    for out in (np.empty((20, 24, 3), np.uint16), np.empty((20, 24), np.uint8)):
        with pytest.raises(InputError, match="out is"):
            fuser.fuse(ir, vis, out=out)


def test_channels_in_the_other_order_come_back_so(fuser: Fuser) -> None:
    ir, vis = picture(1, (20, 24)), picture(2, (20, 24, 3))
    wanted = fuser.fuse(ir, vis)[..., ::-1]
    given = np.ascontiguousarray(vis[..., ::-1])
    assert np.array_equal(fuser.look(ir, given, order="RGB").fuse(), wanted)
    for count in (1, 2):
        batch = fuser.fuse_batch([ir] * count, [given] * count, order="RGB")
        assert len(batch) == count and all(np.array_equal(one, wanted) for one in batch)
    with pytest.raises(InputError, match="are no pairs"):
        fuser.fuse_batch([ir], [vis, vis])


def test_a_range_that_is_none_is_refused_and_numbers_are_one(fuser: Fuser) -> None:
    ir, vis = picture(1, (20, 24), np.uint16), picture(2, (20, 24))
    assert np.array_equal(fuser.fuse(ir, vis, ir_range=(0, 60000)), fuser.fuse(ir, vis, ir_range="0,60000"))
    with pytest.raises(UsageError, match="is no range"):
        fuser.fuse(ir, vis, ir_range=0.5)
