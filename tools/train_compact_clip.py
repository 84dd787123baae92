"""Train the compact CLIP on infrared and visible crops.

    python tools/train_compact_clip.py --data ../shared/data/train --out runs/compact-clip

Resumes by itself where the folder holds a checkpoint. The folder's `manifest.csv` gives source, stem, scene_group,
night and the two files (`ir`, `vi`). `--export` writes the configuration and fp16 weights of the checkpoint.
"""

import argparse
import csv
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import cv2
import torch

from ivif_cli.core.data.images import read_image
from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.training.captioned_crops import Scene
from ivif_cli.core.training.contrastive import ContrastiveRecipe, Trainer, model_config, run
from ivif_cli.core.weights import write_weights

REPOSITORY = Path(__file__).resolve().parents[1]
CONFIG = REPOSITORY / "ivif_cli/core/language/compact_clip.json"
WEIGHTS = REPOSITORY / "weights/compact-clip.safetensors"
NIGHT = {"y": True, "n": False}


def read_scenes(root: Path) -> list[Scene]:
    """All pairs of the manifest as luma; M3FD's frame, which its warping leaves black, is cut off."""
    scenes = []
    with (root / "manifest.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            ir, vis = (to_luma(read_image(root / row[key])) for key in ("ir", "vi"))
            if row["source"] == "M3FD":
                ir, vis = (luma[40:-40, 60:-60] for luma in (ir, vis))
            night = NIGHT.get(row["night"])
            scenes.append(Scene(row["stem"], row["source"], row["scene_group"], night, ir, vis))
    return scenes


def export(trainer: Trainer, started_from: str, weights: Path) -> None:
    """Write the weights as fp16 safetensors, and the open_clip configuration."""
    CONFIG.write_text(json.dumps(model_config(trainer.recipe), indent=1) + "\n")
    tensors = {
        name: value.half().contiguous() if value.is_floating_point() else value
        for name, value in trainer.model.state_dict().items()
        if name != "logit_bias"
    }
    counts = Counter(scene.source for scene in [*trainer.training, *trainer.held_out])
    metadata = {
        "model": "compact_clip",
        "steps": str(trainer.step),
        "trained_on": ", ".join(f"{count} pairs of {source}" for source, count in sorted(counts.items())),
        "started_from": started_from,
        "validation_pairs": str(len(trainer.held_out)),
        "recipe": json.dumps(asdict(trainer.recipe)),
    }
    sha256 = write_weights(weights, tensors, metadata)
    print(f'core/weights.py: "{weights.name}": "{sha256}",')


def started_from(checkpoint: Path | None) -> str:
    """How long the run whose model was taken had been, in words; empty for a run from nothing."""
    if checkpoint is None:
        return ""
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")
    return f"a run of {state['step']} steps at learning rate {state['recipe']['learning_rate']}"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"))
    parser.add_argument("--out", type=Path, default=Path("runs/compact-clip"))
    parser.add_argument("--steps", type=int, default=ContrastiveRecipe.steps)
    parser.add_argument("--seed", type=int, default=ContrastiveRecipe.seed)
    parser.add_argument("--init", type=Path, help="checkpoint of another run to take the model from")
    parser.add_argument("--learning-rate", type=float, default=ContrastiveRecipe.learning_rate)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="weights file to write")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--export", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)
    recipe = ContrastiveRecipe(steps=arguments.steps, seed=arguments.seed, learning_rate=arguments.learning_rate)
    trainer = Trainer(recipe, read_scenes(arguments.data))
    arguments.out.mkdir(parents=True, exist_ok=True)
    checkpoint = arguments.out / "checkpoint.pt"
    if checkpoint.exists():
        trainer.load(checkpoint)
    elif arguments.init:
        trainer.start_from(arguments.init)
    if not arguments.export:
        log = (arguments.out / "metrics.jsonl").open("a")

        def report(line: dict) -> None:
            print(json.dumps(line), file=log, flush=True)
            print(json.dumps(line), flush=True)

        for _ in run(trainer, checkpoint, report=report):
            pass
    export(trainer, started_from(arguments.init), arguments.weights)


if __name__ == "__main__":
    main()
