"""The language-driven loss against an independent slow version, and its behaviour at the edges."""

import math
from dataclasses import dataclass, replace

import pytest
import torch
import torch.nn.functional as F
from ivif_cli.core.language.loss import LanguageLoss, LanguageSettings, language_score
from ivif_cli.core.language.patches import PatchSettings, cut_patches, draw_patches, entropy
from torch import Tensor, nn

WIDTH = 6


class TinyEncoder(nn.Module):
    """A smooth stand-in for CLIP's image tower: two convolutions, a mean, a projection."""

    image_size = 12

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first = nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.second = nn.Conv2d(4, 5, 3, stride=2, padding=1)
        self.project = nn.Linear(5, WIDTH)
        self.gain = gain
        self.calls = 0
        self.requires_grad_(False)

    def image_features(self, luma: Tensor) -> list[Tensor]:
        first = torch.tanh(self.first(luma))
        return [first, torch.tanh(self.second(first))]

    def encode_images(self, luma: Tensor) -> Tensor:
        self.calls += 1
        return self.gain * self.project(self.image_features(luma)[-1].mean((2, 3)))


@dataclass
class Texts:
    ir: Tensor
    vis: Tensor
    fused: Tensor


def texts(gain: float = 1.0) -> Texts:
    generator = torch.Generator().manual_seed(5)
    return Texts(*(gain * torch.randn(3, WIDTH, generator=generator, dtype=torch.float64)))


def pictures(pairs: int = 3, size: int = 24) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(7)
    fused, ir, vis = torch.rand(3, pairs, 1, size, size, generator=generator, dtype=torch.float64)
    ir[0, :, : size // 2] = 0.5
    return fused, ir, vis


def build(gain: float = 1.0, text_gain: float = 1.0, **settings: object) -> LanguageLoss:
    chosen = replace(LanguageSettings(patches=PatchSettings(count=4, entropy_bits=6.0)), **settings)  # type: ignore[arg-type]
    return LanguageLoss(TinyEncoder(gain).double(), texts(text_gain), chosen).double()


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a)) / math.sqrt(sum(x * x for x in b))


def bits(patch: Tensor) -> float:
    levels = (patch.flatten() * 255).round().int().tolist()
    shares = [levels.count(level) / len(levels) for level in set(levels)]
    return -sum(share * math.log2(share) for share in shares)


def slow_loss(loss: LanguageLoss, fused: Tensor, ir: Tensor, vis: Tensor, patches: Tensor) -> dict[str, float]:
    """The formulas of the paper, one image and one patch at a time, in Python floats."""
    settings, size, encoder = loss.settings, loss.encoder.image_size, loss.encoder

    def embed(image: Tensor) -> list[float]:
        small = F.interpolate(image, (size, size), mode="bilinear", align_corners=False, antialias=True)
        vector = encoder.encode_images(small)[0].tolist()
        length = math.sqrt(sum(x * x for x in vector))
        return [x / length for x in vector]

    def minus(a: list[float], b: list[float]) -> list[float]:
        return [x - y for x, y in zip(a, b, strict=True)]

    words = {n: F.normalize(getattr(texts(), n), dim=0).tolist() for n in ("ir", "vis", "fused")}
    to_ir, to_vis = minus(words["fused"], words["ir"]), minus(words["fused"], words["vis"])
    sums = {"global": 0.0, "patch": 0.0, "phi": 0.0, "perceptual": 0.0}
    for n in range(len(fused)):
        f, a, b = (t[n : n + 1] for t in (fused, ir, vis))
        e_ir, e_vis, e_f = embed(a), embed(b), embed(f)

        def towards(e: list[float], e_ir: list[float] = e_ir, e_vis: list[float] = e_vis) -> float:
            return 1 - cosine(minus(e, e_vis), to_vis) / 2 - cosine(minus(e, e_ir), to_ir) / 2

        sums["global"] += towards(e_f)
        sums["phi"] += 0.5 * (1 - cosine(e_f, e_vis)) + 0.5 * (1 - cosine(e_f, e_ir))
        kept = []
        for p in range(patches.shape[1]):
            where = patches[n : n + 1, p : p + 1]
            flat = min(bits(cut_patches(s, where, 64, mode="nearest")) for s in (a, b))
            if flat > settings.patches.entropy_bits:
                kept.append(towards(embed(cut_patches(f, where, size))))
        sums["patch"] += sum(kept) / len(kept) if kept else 0.0
    means = {name: value / len(fused) for name, value in sums.items()}
    layers = zip(*(encoder.image_features(t) for t in (fused, ir, vis)), strict=True)
    errors = [((f - torch.maximum(a, b)) ** 2).mean().item() for f, a, b in layers]
    means["perceptual"] = sum(errors) / len(errors)
    return means


def test_agrees_with_the_formulas_one_patch_at_a_time() -> None:
    loss = build()
    fused, ir, vis = pictures()
    patches = draw_patches(3, loss.settings.patches, torch.Generator().manual_seed(1)).double()
    parts = loss(fused, ir, vis, patches=patches)
    expected = slow_loss(loss, fused, ir, vis, patches)
    for name, value in expected.items():
        assert parts[name].item() == pytest.approx(value, abs=5e-5), name
    total = 2 * expected["global"] + 10 * expected["patch"] + 6 * expected["phi"] + 10 * expected["perceptual"]
    assert parts["total"].item() == pytest.approx(total, abs=1e-3)
    assert 0 < parts["kept"].item() < 1, "the flat half of the first source must drop some patches"


def test_gradient_is_that_of_the_value() -> None:
    loss = build()
    fused, ir, vis = pictures(pairs=1, size=12)
    patches = draw_patches(1, loss.settings.patches, torch.Generator().manual_seed(2)).double()
    fused.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda f: loss(f, ir, vis, patches=patches)["total"], (fused,), atol=1e-5)


def test_needs_two_forwards_of_the_encoder_whatever_the_number_of_patches() -> None:
    loss = build()
    loss(*pictures(), torch.Generator().manual_seed(1))
    assert loss.encoder.calls == 2


@pytest.mark.parametrize("source", ["ir", "vis", "both"])
def test_fused_equal_to_a_source_gives_finite_values_and_gradients(source: str) -> None:
    loss = build()
    fused, ir, vis = pictures()
    if source == "both":
        vis = ir.clone()
    fused = (vis if source == "vis" else ir).clone().requires_grad_(True)
    parts = loss(fused, ir, vis, torch.Generator().manual_seed(1))
    parts["total"].backward()
    assert all(torch.isfinite(part) for part in parts.values())
    assert torch.isfinite(fused.grad).all()


def test_length_of_embeddings_does_not_matter() -> None:
    patches = draw_patches(3, PatchSettings(count=4), torch.Generator().manual_seed(1))
    plain = build()(*pictures(), patches=patches)
    scaled = build(gain=37.0, text_gain=0.01)(*pictures(), patches=patches)
    for name in ("global", "patch", "phi"):
        assert scaled[name].item() == pytest.approx(plain[name].item(), abs=1e-9)


def test_order_of_pairs_does_not_matter() -> None:
    loss = build()
    patches = draw_patches(3, loss.settings.patches, torch.Generator().manual_seed(1)).double()
    order = torch.tensor([2, 0, 1])
    one = loss(*pictures(), patches=patches)
    other = loss(*(t[order] for t in pictures()), patches=patches[order])
    for name in one:
        assert other[name].item() == pytest.approx(one[name].item(), abs=1e-12)


def test_batch_is_the_mean_of_its_pairs() -> None:
    """What makes several processes with a share of the batch each equal to one with the whole."""
    loss = build()
    patches = draw_patches(3, loss.settings.patches, torch.Generator().manual_seed(1)).double()
    joint = loss(*pictures(), patches=patches)
    apart = [loss(*(t[n : n + 1] for t in pictures()), patches=patches[n : n + 1]) for n in range(3)]
    for name in joint:
        assert joint[name].item() == pytest.approx(sum(parts[name].item() for parts in apart) / 3, abs=1e-12)


def test_flat_sources_leave_no_patch_and_no_error() -> None:
    loss = build()
    fused, ir, vis = pictures()
    fused.requires_grad_(True)
    parts = loss(fused, torch.full_like(ir, 0.3), vis, torch.Generator().manual_seed(1))
    assert parts["patch"].item() == 0
    assert parts["kept"].item() == 0
    parts["total"].backward()


def test_loss_filter_drops_patches_that_are_good_enough() -> None:
    everything = build(patches=PatchSettings(count=8, filter="none"))
    patches = draw_patches(3, everything.settings.patches, torch.Generator().manual_seed(1))
    mean = everything(*pictures(), patches=patches)["patch"].item()
    chosen = build(patches=PatchSettings(count=8, filter="loss", loss_floor=mean))(*pictures(), patches=patches)
    assert chosen["patch"].item() > mean
    assert 0 < chosen["kept"].item() < 1
    nothing = build(patches=PatchSettings(count=8, filter="loss", loss_floor=2.1))(*pictures(), patches=patches)
    assert nothing["patch"].item() == 0


def test_weight_zero_switches_a_part_off() -> None:
    loss = build(patch=0.0, perceptual=0.0)
    parts = loss(*pictures())
    assert parts["total"].item() == pytest.approx(2 * parts["global"].item() + 6 * parts["phi"].item())


def test_seeded_patches_repeat() -> None:
    values = [build()(*pictures(), torch.Generator().manual_seed(9))["patch"].item() for _ in range(2)]
    assert values[0] == values[1]


def test_undistorted_patch_is_the_picture_itself() -> None:
    settings = PatchSettings(count=1, min_side=1.0, max_side=1.0, rotation=0, shear=0, max_zoom=1.0)
    image = torch.rand(2, 1, 16, 16)
    patches = draw_patches(2, settings, torch.Generator().manual_seed(1))
    torch.testing.assert_close(cut_patches(image, patches, 16), image, atol=1e-5, rtol=0)


def test_patches_are_square_on_a_long_picture() -> None:
    settings = PatchSettings(count=1, min_side=1.0, max_side=1.0, rotation=0, shear=0, max_zoom=1.0)
    image = torch.rand(1, 1, 16, 32)
    patches = draw_patches(1, settings, torch.Generator().manual_seed(1))
    torch.testing.assert_close(cut_patches(image, patches, 16), image[..., 8:24], atol=1e-5, rtol=0)


def test_entropy_of_known_pictures() -> None:
    ramp = torch.arange(256).reshape(1, 1, 16, 16) / 255
    halves = (ramp > 0.5).float()
    assert entropy(torch.cat((ramp, halves, torch.zeros_like(ramp)))).tolist() == pytest.approx([8.0, 1.0, 0.0])


def test_language_score_is_one_minus_the_direction_loss() -> None:
    loss = build()
    fused, ir, vis = pictures()
    score = language_score(loss.encoder, texts(), fused, ir, vis)
    assert score.shape == (3,)
    assert 1 - score.mean().item() == pytest.approx(loss(fused, ir, vis)["global"].item(), abs=1e-6)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_cuda_agrees_with_cpu(precision: str) -> None:
    settings = LanguageSettings(patches=PatchSettings(count=4), precision=precision)
    patches = draw_patches(3, settings.patches, torch.Generator().manual_seed(1))
    values = []
    for device in ("cpu", "cuda"):
        chosen = settings if device == "cuda" else replace(settings, precision="fp32")
        loss = LanguageLoss(TinyEncoder(), texts(), chosen).float().to(device)
        values.append(loss(*(t.float().to(device) for t in pictures()), patches=patches)["total"].item())
    assert values[1] == pytest.approx(values[0], rel=1e-4 if precision == "fp32" else 5e-2)
