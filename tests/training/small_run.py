"""A run small enough for tests: synthetic pairs, a tiny image-language encoder, six steps.

As a script, one of the processes of a run: it trains and leaves gradients of the first step and the final weights.
"""

import sys
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ivif_cli.core.data.datasets import open_folder
from ivif_cli.core.data.images import write_image
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.language import encoder as encoders
from ivif_cli.core.training.loop import Run, train
from ivif_cli.core.training.processes import Processes, joined
from ivif_cli.core.training.recipe import Recipe, load_recipe
from ivif_cli.core.training.setup import Sources, build_run

SMALL: dict[str, object] = {
    "network": "fast",
    "steps": 6,
    "batch_size": 2,
    "crops.size": 64,
    "crops.min_side": 32,
    "crops.max_side": 60,
    "validation.every": 0,
    "validation.pairs": 1,
    "words.patches.count": 3,
    "words.patches.entropy_bits": 4.0,
    "optimiser.learning_rate": 1e-3,
    # The compact CLIP takes seconds over the three thousand sentences that are bundled.
    "goals.sentences": str(Path(__file__).with_name("sentences.txt")),
}
ALONE = Processes(0, 1, torch.device("cpu"))


class TinyEncoder(nn.Module):
    """A smooth stand-in for CLIP: a filter bank for pictures, and for every text a random vector of its own."""

    image_size = 16
    name, sha256 = "tiny", "0" * 64

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.kernels = nn.Parameter(torch.randn(4, 1, 4, 4, generator=generator) / 4, requires_grad=False)
        self.project = nn.Parameter(torch.randn(16, 6, generator=generator), requires_grad=False)

    def image_features(self, luma: Tensor) -> list[Tensor]:
        return [torch.tanh(F.conv2d(luma, self.kernels, stride=4))]

    def encode_images(self, luma: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(self.image_features(luma)[0], 2).flatten(1) @ self.project

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        seeds = [zlib.crc32(text.encode()) for text in texts]
        rows = [torch.randn(6, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        return F.normalize(torch.stack(rows), dim=1)


def write_pairs(folder: Path, count: int = 4) -> list[Pair]:
    """Pairs of textured pictures with a warm square, 72 x 80."""
    rng = np.random.default_rng(1)
    for name in ("ir", "vi"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for index in range(count):
        vis = rng.integers(20, 200, (72, 80)).astype(np.uint8)
        ir = rng.integers(1, 120, (72, 80)).astype(np.uint8)
        ir[20:40, 10 * index : 10 * index + 20] += 100
        write_image(folder / "ir" / f"{index}.png", ir, overwrite=True)
        write_image(folder / "vi" / f"{index}.png", vis, overwrite=True)
    return list(open_folder(folder).pairs)


def small_recipe(**changes: object) -> Recipe:
    return load_recipe(None, {**SMALL, **changes})


def small_run(
    recipe: Recipe,
    pairs: list[Pair],
    out: Path,
    *,
    encoder: nn.Module | None = None,
    init: str | None = None,
    **changes: object,
) -> Run:
    """A run with the tiny encoder (or another one) in CLIP's place."""
    with mock.patch.object(encoders, "load_encoder", return_value=encoder or TinyEncoder()):
        run = build_run(recipe, pairs, out, Sources(init=init), torch.device("cpu"))
    return replace(run, **changes)  # type: ignore[arg-type]


def in_double() -> None:
    """Compute in float64 from here on: rounding then tips no threshold of the objective, whatever the machine."""
    made = torch.from_numpy
    torch.set_default_dtype(torch.float64)
    Tensor.float = Tensor.double  # type: ignore[method-assign]
    torch.from_numpy = lambda array: made(array).double() if array.dtype == np.float32 else made(array)


def main(data: str, out: str) -> None:
    """One process of several, as torchrun would start it."""
    torch.set_num_threads(1)
    in_double()
    with joined("cpu") as processes:
        recipe = small_recipe(batch_size=4, **{"optimiser.learning_rate": 1e-4})
        run = small_run(recipe, list(open_folder(Path(data)).pairs), Path(out))
        gradients: dict[str, Tensor] = {}

        def keep(step: int, values: dict[str, float]) -> None:
            if step == 1:
                gradients.update({n: p.grad.clone() for n, p in run.network.named_parameters() if p.grad is not None})

        state = train(recipe, replace(run, report=keep), processes)
        if processes.first:
            torch.save({"gradients": gradients, "weights": state.network.state_dict()}, Path(out) / "end.pt")


if __name__ == "__main__":
    main(*sys.argv[1:])
