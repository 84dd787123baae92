"""Seconds per training step, split into data, network and language-driven loss, and the naive form of that loss.

    python benchmarks/train_step.py                    # CPU; and CUDA where there is a device
    python benchmarks/train_step.py --pairs 8 --patches 32 --encoder compact

The naive form does what a direct transcription of the formulas does: one forward of the image encoder a patch, and the
sources' embeddings computed again for every image and patch. Both forms run on the same crops in the same process, and
must agree. On CUDA the loss is also timed with ViT-B/32 (random weights), in float32 and in bf16.
"""

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ivif_cli.core.language.directions import direction_loss, fit, unit
from ivif_cli.core.language.encoder import Encoder, load_encoder
from ivif_cli.core.language.goal import named_goals
from ivif_cli.core.network import build_network
from ivif_cli.core.network.fusion import THUMBNAIL
from ivif_cli.core.objective.keeping import KeepingSettings, keeping_parts, wanted
from ivif_cli.core.objective.patches import PatchSettings, cut_patches, detailed, draw_patches
from ivif_cli.core.objective.total import Asked, weigh
from ivif_cli.core.objective.words import DEEP_SIDE, Directions, LanguageLoss, WordsSettings
from ivif_cli.core.training.crops import Batch, CropSettings, draw_sample
from ivif_cli.core.training.goals import GoalBank, GoalSettings, conditions
from ivif_cli.core.training.loop import FuseStep
from ivif_cli.core.training.lumas import LumaPair

BAR = 3.0


def textured(seed: int, size: int = 480) -> np.ndarray:
    """A made-up scene of many grey levels at all scales, uint8, so that the patch filter keeps its patches."""
    rng = np.random.default_rng(seed)
    layers = [np.kron(rng.random((size // k, size // k)), np.ones((k, k))) for k in (2, 8, 40, 120)]
    return (np.mean(layers, 0) * 480 - 120).clip(0, 255).astype(np.uint8)


def draw(pairs: int, size: int) -> list[list[np.ndarray]]:
    """The data part: crops with all their changes, as the training loop draws them."""
    settings = CropSettings(size=size, scene=0.0)
    thumb = np.full((THUMBNAIL, THUMBNAIL), 0.5, np.float32)
    scenes = [LumaPair(textured(2 * i), textured(2 * i + 1), thumb, thumb) for i in range(2)]
    return [draw_sample(scenes[i % 2], settings, np.random.default_rng(i)) for i in range(pairs)]


def naive(loss: LanguageLoss, fused: list[Tensor], batch: Batch, goals: list[Directions], patches: Tensor) -> Tensor:
    """The language-driven loss, one goal, one image and one patch at a time."""
    weights, size = loss.settings, loss.encoder.image_size
    total, wholes, cuts = batch.ir.new_zeros(()), [], []

    def embedded(image: Tensor) -> Tensor:
        return unit(loss.encoder.encode_images(fit(image, size)))

    for pictures, goal in zip(fused, goals, strict=True):
        for n in range(len(batch.ir)):
            one, a, b = (x[n : n + 1] for x in (pictures, batch.ir, batch.vis))
            words = goal.ir[n], goal.vis[n]
            whole, at_ir, at_vis = embedded(one), embedded(a), embedded(b)
            parts = [weights.whole * direction_loss(whole, at_ir, at_vis, *words).squeeze()]
            parts.append(weights.phi * (1 - ((whole * at_ir).sum() + (whole * at_vis).sum()) / 2))
            kept = []
            for p in range(patches.shape[1]):
                where = patches[n : n + 1, p : p + 1]
                if detailed(a, b, where, weights.patches.entropy_bits).item():
                    patch, start_ir, start_vis = (embedded(cut_patches(x, where, size)) for x in (one, a, b))
                    kept.append(direction_loss(patch, start_ir, start_vis, *words).squeeze())
                    cuts.append((patch, n))
            if kept:
                parts.append(weights.patch * torch.stack(kept).mean())
            deep = [loss.encoder.image_features(fit(x, DEEP_SIDE)) for x in (one, a, b)]
            errors = [(f - torch.maximum(x, y)).square().mean() for f, x, y in zip(*deep, strict=True)]
            wholes.append(whole)
            total = total + sum(parts) + weights.perceptual * torch.stack(errors).mean()
    return total / len(wholes) + weights.step * steps(wholes, cuts, goals)


def steps(wholes: list[Tensor], cuts: list[tuple[Tensor, int]], goals: list[Directions]) -> Tensor:
    """The comparison of two goals of one pair, one picture and one patch at a time."""
    asked = unit(goals[1].fused - goals[0].fused)
    half, patches = len(wholes) // 2, len(cuts) // 2
    moved = [1 - (unit(wholes[half + n] - wholes[n]) * asked[n]).sum() for n in range(half)]
    parts = [torch.stack(moved).mean()]
    if patches:
        pairs = zip(cuts[:patches], cuts[patches:], strict=True)
        parts.append(
            torch.stack([1 - (unit(after - before) * asked[n]).sum() for (before, n), (after, _) in pairs]).mean()
        )
    return torch.stack(parts).mean()


def seconds(work: Callable[[], object], device: torch.device, repeats: int) -> float:
    """Shortest wall time of a call, after one to warm up: what other work on the machine disturbs least."""
    times = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - began)
    return min(times[1:])


def drawn_batch(pairs: int, size: int, device: torch.device) -> Batch:
    """The samples as the training loop gets them."""
    columns = zip(*draw(pairs, size), strict=True)
    return Batch(("",) * pairs, *(torch.from_numpy(np.stack(column))[:, None] for column in columns)).to(device)


def language(encoder: Encoder, patches: int, precision: str) -> LanguageLoss:
    """The loss with the patch filter on; the made-up scenes pass it."""
    return LanguageLoss(encoder, WordsSettings(patches=PatchSettings(count=patches), precision=precision))


def two_goals(encoder: Encoder, pairs: int, device: torch.device) -> list[Asked]:
    """Two goals a pair, as a run draws them."""
    bank = GoalBank(named_goals(encoder), np.zeros((0, 1), np.float32), GoalSettings())
    return bank.draw(0, 0, range(pairs), device)


def starts(batch: Batch) -> list[Tensor]:
    """Two pictures a pair to take the loss of."""
    return [(batch.ir + batch.vis) / 2, 0.3 * batch.ir + 0.7 * batch.vis]


def backward(loss: Callable[[list[Tensor]], Tensor], pictures: list[Tensor]) -> float:
    """Value of a loss, after its gradient with respect to the fused images."""
    value = loss([picture.clone().requires_grad_(True) for picture in pictures])
    value.backward()
    return value.item()


def report_split(arguments: argparse.Namespace, encoder: Encoder, device: torch.device) -> float:
    """Print the split of a step and the ratio to the naive form; returns the ratio."""
    pairs, size, repeats = arguments.pairs, arguments.size, arguments.repeats
    batch, asked = drawn_batch(pairs, size, device), two_goals(encoder, pairs, device)
    loss = language(encoder, arguments.patches, "fp32").to(device)
    patches = draw_patches(pairs, loss.settings.patches, torch.Generator().manual_seed(0)).to(device)
    goals, given = [each.directions for each in asked], conditions(asked)
    network = build_network("base", goal=given[0].shape[1]).to(device).train()
    keeping, fused = KeepingSettings(), starts(batch)

    def network_part() -> None:
        network.zero_grad(set_to_none=True)
        kept = wanted(batch.ir, batch.vis, (batch.ir_thumb, batch.vis_thumb), keeping)
        for picture, each in zip(FuseStep(network)(batch, given), asked, strict=True):
            terms = keeping_parts(picture, kept, each.default, keeping, each.lean)
            weigh(terms, vars(keeping), picture.mean()).backward(retain_graph=True)

    def ours(pictures: list[Tensor]) -> Tensor:
        return loss(pictures, batch.ir, batch.vis, goals, patches)["total"]

    def transcribed(pictures: list[Tensor]) -> Tensor:
        return naive(loss, pictures, batch, goals, patches)

    gap = abs(backward(ours, fused) - backward(transcribed, fused))
    kept = loss(fused, batch.ir, batch.vis, goals, patches)["kept"].item()
    rows = {
        "data": seconds(lambda: draw(pairs, size), torch.device("cpu"), repeats),
        "network and keeping terms": seconds(network_part, device, repeats),
        "language-driven loss": seconds(lambda: backward(ours, fused), device, repeats),
        "language-driven loss, naive": seconds(lambda: backward(transcribed, fused), device, max(1, repeats // 2)),
    }
    print(f"\n{device}: {pairs} pairs of {size} px for two goals, {arguments.patches} patches each "
          f"({kept:.0%} kept), {encoder.name}")  # fmt: skip
    for name, value in rows.items():
        print(f"  {name:<30}{value:9.4f} s")
    ratio = rows["language-driven loss, naive"] / rows["language-driven loss"]
    print(f"  naive over ours               {ratio:9.2f} x   (values differ by {gap:.1e})")
    return ratio


def report_precisions(arguments: argparse.Namespace, encoder: Encoder, device: torch.device) -> None:
    """Print the time of the loss in float32 and in bf16."""
    batch = drawn_batch(arguments.pairs, arguments.size, device)
    goals = [each.directions for each in two_goals(encoder, arguments.pairs, device)]
    patches = draw_patches(arguments.pairs, PatchSettings(count=arguments.patches), torch.Generator().manual_seed(0))
    times = {}
    for precision in ("fp32", "bf16"):
        loss = language(encoder, arguments.patches, precision).to(device)
        times[precision] = seconds(
            lambda loss=loss: backward(lambda f: loss(f, batch.ir, batch.vis, goals, patches)["total"], starts(batch)),
            device,
            arguments.repeats,
        )
    ratio = times["fp32"] / times["bf16"]
    print(f"  {encoder.name}: fp32 {times['fp32']:.4f} s, bf16 {times['bf16']:.4f} s, {ratio:.2f} x")


def random_vit() -> Encoder:
    """ViT-B/32 with random weights: for timing only."""
    import open_clip

    model = open_clip.create_model("ViT-B-32", pretrained=None)
    return Encoder(model, open_clip.get_tokenizer("ViT-B-32"), name="ViT-B-32 (random weights)", sha256="")


def main() -> int:
    """Run and print; status 3 where the CPU ratio misses its bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--patches", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--encoder", default="compact")
    parser.add_argument("--vit", action="store_true", help="time ViT-B/32 with random weights on the CPU too")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    ratio = report_split(arguments, load_encoder(arguments.encoder), torch.device("cpu"))
    if arguments.vit:
        report_split(arguments, random_vit(), torch.device("cpu"))
    if torch.cuda.is_available():
        device, large = torch.device("cuda"), replace_pairs(arguments)
        for encoder in (load_encoder(arguments.encoder, device=device), random_vit().to(device)):
            report_split(large, encoder, device)
            report_precisions(large, encoder, device)
    print(f"\nbar on the CPU: {BAR:.0f} x, {'met' if ratio >= BAR else 'MISSED'}")
    return 0 if ratio >= BAR else 3


def replace_pairs(arguments: argparse.Namespace) -> argparse.Namespace:
    """The same arguments with the paper's batch: 16 pairs of 224 px, 32 patches."""
    return argparse.Namespace(**{**vars(arguments), "pairs": 16, "size": 224, "patches": 32})


if __name__ == "__main__":
    sys.exit(main())
