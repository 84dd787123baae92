"""Small made-up pairs and weights, and pictures of what a folder holds."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PAIRS = 10
SIZE = (56, 72)


@dataclass(frozen=True)
class Scene:
    """Folders of one harness run."""

    root: Path
    pairs: Path
    model: Path

    def fuse_arguments(self, output: Path, *more: str) -> list[str]:
        """`ivif fuse` of all pairs."""
        sources = ["--ir", str(self.pairs / "ir"), "--vis", str(self.pairs / "vi")]
        return ["fuse", *sources, "-o", str(output), "-m", str(self.model), "--device", "cpu", "--threads", "1", *more]

    def train_arguments(self, output: Path, *more: str, steps: int = 6) -> list[str]:
        """`ivif train` of a few steps without the language part, whose state is in no file."""
        settings = {
            "network": "fast",
            "batch_size": "1",
            "language": "0",
            "crops.size": "64",
            "crops.min_side": "32",
            "crops.max_side": "56",
            "validation.every": "4",
            "validation.pairs": "1",
            "optimiser.schedule": "constant",
            "goals.sentences": str(self.root / "sentences.txt"),
        }
        pinned = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        places = ["--data", str(self.pairs), "-o", str(output), "--steps", str(steps), "--checkpoint-every", "2"]
        return ["train", *places, "--device", "cpu", "-q", *pinned, *more]


def make_scene(root: Path) -> Scene:
    """Pairs with some texture, weights of a small network, and two sentences for the goals of training."""
    from ivif_cli.core.data.images import write_image
    from ivif_cli.core.network import save_network
    from tests.made_up import small_network

    rng = np.random.default_rng(7)
    for index in range(PAIRS):
        for folder, shape in (("ir", SIZE), ("vi", (*SIZE, 3))):
            noise = rng.integers(0, 90, shape)
            ramp = np.linspace(20, 150, SIZE[1]).astype(int)
            picture = (noise + (ramp if len(shape) == 2 else ramp[:, None])).astype(np.uint8)
            write_image(root / "pairs" / folder / f"{index:02d}.png", picture)
    (root / "sentences.txt").write_text("bright people\na plain dark picture\n")
    model = root / "small.safetensors"
    save_network(model, *small_network())
    return Scene(root, root / "pairs", model)


def snapshot(folder: Path, *, hidden: bool = False) -> dict[str, str]:
    """Relative name -> sha256 of every file under a folder; hidden ones, which are temporary, only where asked for."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (hidden or not path.name.startswith("."))
    }
