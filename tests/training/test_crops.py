"""Training crops: deterministic, shared by the pair, worth learning from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ivif_cli.core.data.find_pairs import read_manifest
from ivif_cli.core.data.images import write_image
from ivif_cli.core.data.pairing import Pair, pair_folders
from ivif_cli.core.errors import InputError, PairingError
from ivif_cli.core.training.crops import CropSettings, draw_batch, draw_sample
from ivif_cli.core.training.lumas import LumaPair, LumaStore
from ivif_cli.core.training.split import data_hash, scene_groups, split_pairs

PLAIN = CropSettings(
    size=64,
    native=1.0,
    flip=0,
    upside_down=0,
    blur=0,
    grain=0,
    tones=0,
    noise=0,
    affine=0,
    scene=0,
    min_side=64,
    max_side=64,
)


def small(luma: torch.Tensor) -> torch.Tensor:
    return F.interpolate(luma, (16, 16), mode="bilinear", align_corners=False)


def position(height: int = 200, width: int = 240) -> np.ndarray:
    """A picture whose grey levels tell where a pixel was."""
    return (np.add.outer(np.arange(height), np.arange(width)) % 251 + 2).astype(np.uint8)


def pair(ir: np.ndarray, vis: np.ndarray) -> LumaPair:
    thumbs = (small(torch.from_numpy(x)[None, None].float() / 255)[0, 0].numpy() for x in (ir, vis))
    return LumaPair(ir, vis, *thumbs)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ir", "vi"):
        (tmp_path / name).mkdir()
        for index in range(6):
            write_image(tmp_path / name / f"s{index}.png", position(80 + index, 90))
    return tmp_path


@pytest.fixture
def store(folder: Path) -> LumaStore:
    return LumaStore(pair_folders(folder / "ir", folder / "vi").pairs, small)


def test_same_key_gives_the_same_samples_whoever_draws_them(store: LumaStore) -> None:
    settings = CropSettings(size=48, min_side=32, max_side=70)
    joint = draw_batch(store, settings, 3, 7, range(4))
    half = draw_batch(store, settings, 3, 7, range(2, 4))
    assert joint.names[2:] == half.names
    for name in ("ir", "vis", "ir_input", "vis_input", "ir_thumb", "vis_thumb"):
        assert torch.equal(getattr(joint, name)[2:], getattr(half, name))
    other = draw_batch(store, settings, 3, 8, range(4))
    assert not torch.equal(joint.ir, other.ir)


def test_shapes_and_ranges(store: LumaStore) -> None:
    batch = draw_batch(store, CropSettings(size=48, min_side=32, max_side=70, affine=1.0), 0, 0, range(8))
    assert batch.ir.shape == batch.vis_input.shape == (8, 1, 48, 48)
    assert batch.ir_thumb.shape == (8, 1, 16, 16)
    for clean in (batch.ir, batch.vis, batch.ir_thumb, batch.vis_thumb):
        assert clean.dtype == torch.float32
        assert clean.min() >= 0
        assert clean.max() <= 1


def test_both_sources_show_the_same_place() -> None:
    """Same picture in both: they stay the same through cut, resize, warp, blur and flips."""
    settings = replace(CropSettings(size=64), tones=0, noise=0, affine=1.0, blur=0, grain=0)
    for seed in range(10):
        ir, vis, *_ = draw_sample(pair(position(), position()), settings, generator(seed))
        np.testing.assert_array_equal(ir, vis)


def test_native_crops_keep_the_grey_levels() -> None:
    ir, *_ = draw_sample(pair(position(), position()), PLAIN, generator())
    assert set(np.unique(np.rint(ir * 255))) <= set(range(2, 253))
    np.testing.assert_allclose(ir * 255, np.rint(ir * 255), atol=1e-4)


def test_noise_is_on_the_input_only() -> None:
    ir, _, noisy, *_ = draw_sample(pair(position(), position()), replace(PLAIN, noise=0.03), generator())
    assert (noisy - ir).std() == pytest.approx(0.03, rel=0.1)


def test_thumbnails_are_of_the_whole_image_with_the_same_flip() -> None:
    whole = pair(position(), position())
    *_, thumb, _ = draw_sample(whole, PLAIN, generator())
    np.testing.assert_array_equal(thumb, whole.ir_thumb)
    *_, thumb, _ = draw_sample(whole, replace(PLAIN, flip=1.0), generator())
    np.testing.assert_array_equal(thumb, whole.ir_thumb[:, ::-1])


def test_tones_change_crop_and_thumbnail_by_one_curve() -> None:
    settings = replace(PLAIN, tones=1.0, size=200, min_side=200, max_side=200)
    square = position()[:, :200]
    ir, *_, thumb, _ = draw_sample(pair(square, square), settings, generator(3))
    again = small(torch.from_numpy(ir)[None, None])[0, 0].numpy()
    assert not np.allclose(ir * 255, square)
    np.testing.assert_allclose(thumb.mean(), again.mean(), atol=0.02)


def test_flat_and_black_places_are_drawn_again() -> None:
    ir, vis = position(), position()
    ir[:, :120], vis[:, :120] = 90, 90
    ir[:, 120:150] = 0
    shown = [draw_sample(pair(ir, vis), PLAIN, generator(seed))[0] for seed in range(20)]
    assert sum((crop == 0).mean() > 0.05 for crop in shown) <= 1
    assert all(crop.std() > 0.04 for crop in shown)


def test_small_pictures_are_magnified() -> None:
    ir, *_ = draw_sample(pair(position(40, 30), position(40, 30)), PLAIN, generator())
    assert ir.shape == (64, 64)


def test_memory_stays_within_its_budget(folder: Path) -> None:
    store = LumaStore(pair_folders(folder / "ir", folder / "vi").pairs, small, budget=40_000)
    for index in (0, 1, 2, 3, 0):
        assert store[index].ir.shape == (80 + index, 90)
    assert len(store._kept) == 2


def test_balance_draws_small_folders_more_often(tmp_path: Path) -> None:
    def chosen(balance: float) -> float:
        pairs = [Pair(str(i), tmp_path / ("a" if i < 9 else "b") / "x.png", tmp_path) for i in range(10)]
        store, rng = LumaStore(pairs, small, balance=balance), generator()
        return sum(store.choose(rng) == 9 for _ in range(4000)) / 4000

    assert chosen(1.0) == pytest.approx(0.1, abs=0.02)
    assert chosen(0.5) == pytest.approx(0.25, abs=0.03)
    assert chosen(0.0) == pytest.approx(0.5, abs=0.03)


def test_unequal_sizes_are_named(tmp_path: Path) -> None:
    for name, width in (("ir", 40), ("vi", 50)):
        (tmp_path / name).mkdir()
        write_image(tmp_path / name / "a.png", position(40, width))
    store = LumaStore(pair_folders(tmp_path / "ir", tmp_path / "vi").pairs, small)
    with pytest.raises(PairingError, match="40 x 40 and 50 x 40"):
        store[0]


def test_scenes_of_the_manifest_stay_together(folder: Path) -> None:
    rows = [f"ir/s{i}.png,g{i // 2}" for i in range(6)]
    (folder / "manifest.csv").write_text("ir,scene_group\n" + "\n".join(rows) + "\n")
    pairs = pair_folders(folder / "ir", folder / "vi").pairs
    assert scene_groups(pairs) == ["g0", "g0", "g1", "g1", "g2", "g2"]
    train, held = split_pairs(pairs, 0.34)
    assert (len(train), len(held)) == (4, 2)
    assert len(set(scene_groups(held))) == 1


def test_split_depends_on_names_alone(folder: Path) -> None:
    pairs = pair_folders(folder / "ir", folder / "vi").pairs
    train, held = split_pairs(pairs, 0.4)
    again = split_pairs(pairs[::-1], 0.4)
    assert set(held) == set(again[1])
    assert set(train) | set(held) == set(pairs)
    assert split_pairs(pairs[:1], 0.4) == (pairs[:1], ())
    assert split_pairs(pairs, 0.0) == (pairs, ())


def test_data_hash_tells_other_data(folder: Path) -> None:
    pairs = pair_folders(folder / "ir", folder / "vi").pairs
    first = data_hash(pairs)
    assert data_hash(pairs[::-1]) == first
    write_image(folder / "ir" / "s0.png", position(80, 90)[::-1].copy(), overwrite=True)
    assert data_hash(pairs) != first


def test_a_part_of_the_picture_stands_for_the_whole_and_holds_the_crop() -> None:
    rows = np.repeat(np.arange(200, dtype=np.uint8)[:, None], 240, axis=1)
    for seed in range(20):
        ir, *_, thumb, _ = draw_sample(pair(rows, rows), replace(PLAIN, scene=1.0, min_scene=0.4), generator(seed))
        assert thumb.shape == (16, 16)
        assert thumb.min() * 255 <= ir.min() * 255 + 8 and thumb.max() * 255 >= ir.max() * 255 - 8
        assert (thumb.max() - thumb.min()) * 255 >= 0.4 * 200 * 15 / 16 - 2


def test_grain_is_in_the_sources_the_loss_sees() -> None:
    flat = np.full((200, 240), 128, np.uint8)
    settings = replace(PLAIN, grain=1.0, max_grain=0.05, min_deviation=0)
    ir, vis, noisy, *_ = draw_sample(pair(flat, flat), settings, generator())
    assert 0 < ir.std() < 0.06 and not np.array_equal(ir, vis)
    np.testing.assert_array_equal(ir, noisy)


def test_groups_are_read_as_the_manifest_is(folder: Path) -> None:
    rows = [f"ir/s{i}.png,vi/s{i}.png,g{i // 2}" for i in range(6)]
    manifest = folder / "manifest.csv"
    manifest.write_text("ir,vis,scene_group\n" + "\n".join(rows), encoding="utf-8-sig")
    pairs = read_manifest(manifest)[0].pairs
    assert scene_groups(pairs) == ["g0", "g0", "g1", "g1", "g2", "g2"]
    manifest.write_bytes("ir,vis,scene_group\nir/s0.png,vi/s0.png,Straße".encode("latin-1"))
    with pytest.raises(InputError, match="cannot read the manifest"):
        scene_groups(pairs)
    manifest.write_text("of something else\n1\n")
    assert scene_groups(pairs) == [pair.name for pair in pairs]
