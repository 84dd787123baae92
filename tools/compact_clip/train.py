"""Train the compact CLIP: the image tower, then the text tower, then one file.

    python -m tools.compact_clip.train --data ../shared/data/train --words ../shared/data/words --out runs/compact-clip

With `--init FILE` the towers start from that file, whose space the new one keeps, instead of from fresh weights; with
`--steps 0` its image tower stays as it is, and with `--fresh-text` its text tower is left out. With `--space FILE` both
start from fresh weights and share that file's space, whose axes and anchors are fixed: goals and fusion weights bound
to it stay valid. The image tower resumes by itself where the folder holds a checkpoint. The folder's `manifest.csv`
gives source, stem, scene_group, night and the two files (`ir`, `vi`).
"""

import argparse
import json
from pathlib import Path

import cv2
import torch

from ivif_cli.core.language.text_tower import SPACE, text_tower_from
from ivif_cli.core.weights import file_sha256, read_weights
from tools.compact_clip.export import export
from tools.compact_clip.image_tower import ImageRecipe, Trainer, run
from tools.compact_clip.scenes import described, read_scenes
from tools.compact_clip.text_training import TextRecipe, new_tower, read_word_table, train_text

WEIGHTS = Path(__file__).resolve().parents[2] / "weights/compact-clip.safetensors"
LEG = "Then another leg of {}, with the settings above."
FRESH = "One unbroken run from fresh weights."
RENEWED = "The text tower: one unbroken run from fresh weights, with the settings above."


def space_of(file: Path | None) -> str | None:
    """The space of a weights file: what its metadata say, or its own sha256; None without a file."""
    return read_weights(file)[1].get(SPACE, file_sha256(file)) if file else None


def arguments_of() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/train"))
    parser.add_argument("--words", type=Path, default=Path("../shared/data/words"))
    parser.add_argument("--out", type=Path, default=Path("runs/compact-clip"))
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="weights file to write")
    parser.add_argument("--init", type=Path, help="weights file to start from")
    parser.add_argument("--space", type=Path, help="weights file whose space fresh towers share")
    parser.add_argument("--steps", type=int, default=ImageRecipe.steps, help="of the image tower")
    parser.add_argument("--text-steps", type=int, default=TextRecipe.steps)
    parser.add_argument("--text-seed", type=int, default=TextRecipe.seed)
    parser.add_argument("--fresh-text", action="store_true", help="leave out the text tower of --init")
    parser.add_argument("--calibrate", action="store_true", help="shift the image tower's noise and sharpness as well")
    parser.add_argument("--compiled", action="store_true", help="compile the tower: two minutes, then a third faster")
    return parser.parse_args()


def main() -> None:
    """Train what is not trained yet, and export."""
    arguments = arguments_of()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    log = (arguments.out / "metrics.jsonl").open("a")

    def report(line: dict[str, float]) -> None:
        for stream in (log, None):
            print(json.dumps(line), file=stream, flush=True)

    scenes = read_scenes(arguments.data)
    trainer = Trainer(ImageRecipe(steps=arguments.steps), scenes, compiled=arguments.compiled)
    before, facts = read_weights(arguments.init) if arguments.init else ({}, {})
    if before:
        trainer.start_from(before)
    checkpoint = arguments.out / "image.pt"
    if checkpoint.exists():
        trainer.load(checkpoint)
    for _ in run(trainer, checkpoint, report=report):
        pass
    history = facts.get("history", FRESH)
    if before and arguments.fresh_text:
        of_images = LEG.format("the image tower") if arguments.steps else ""
        history = " ".join(filter(None, (history.partition(" The text tower")[0], of_images, RENEWED)))
    elif before and (arguments.steps or arguments.text_steps):
        history = f"{history} {LEG.format('both towers' if arguments.steps else 'the text tower')}"
    if arguments.calibrate:
        shifts = ", ".join(f"{axis} by {shift:+.2f}" for axis, shift in trainer.calibrate().items())
        history += f" Then the readings were shifted, as shares of an embedding's length: {shifts}; by training scenes."
    table = read_word_table(arguments.words)
    recipe = TextRecipe(steps=arguments.text_steps, seed=arguments.text_seed)
    kept = before and not arguments.fresh_text
    tower = text_tower_from(before) if kept else new_tower(*table, recipe)
    if recipe.steps:
        tower = train_text(tower, recipe, report)
    space = space_of(arguments.init or arguments.space)
    of_image = trainer.recipe if arguments.steps or not before else ImageRecipe(**json.loads(facts["image_recipe"]))
    of_text = recipe if arguments.text_steps or not before else TextRecipe(**json.loads(facts["text_recipe"]))
    trained = (trainer.tower.state_dict(), tower, table, (of_image, of_text), described(scenes))
    sha256 = export(arguments.weights, *trained, history, space)
    print(f'core/weights.py: "{arguments.weights.name}": "{sha256}",')


if __name__ == "__main__":
    main()
