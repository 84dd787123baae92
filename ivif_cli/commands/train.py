"""`ivif train`: train a fusion network by words."""

import contextlib
import importlib.util
import shlex
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ivif_cli.commands.console import INTERRUPTED, Console
from ivif_cli.core.errors import UsageError
from ivif_cli.interrupts import PAUSE, first_only_asks

if TYPE_CHECKING:
    from ivif_cli.core.data.pairing import Pair
    from ivif_cli.core.training.loop import Run
    from ivif_cli.core.training.recipe import Recipe


def train(
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Folder with ir/ and vis/, or CSV manifest; repeatable.")
    ] = None,
    dataset: Annotated[list[str] | None, typer.Option("--dataset", help="Named dataset; may be repeated.")] = None,
    data_root: Annotated[Path | None, typer.Option("--data-root", help="Where the named datasets lie.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The run's folder.")] = Path("runs/train"),
    config: Annotated[
        str | None, typer.Option("--config", "-c", help="Recipe: a TOML file, or base or fast, the bundled ones.")
    ] = None,
    print_config: Annotated[bool, typer.Option("--print-config", help="Print the whole recipe and leave.")] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any setting of the recipe; may be repeated."),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Length of the run.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Crops a step, over all processes.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.")] = None,
    network: Annotated[str | None, typer.Option(help="Shape of the network: base or fast.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    precision: Annotated[str | None, typer.Option(help="Of the network: auto, fp32, bf16 or fp16.")] = None,
    checkpoint_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = 200,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")] = False,
    init: Annotated[str | None, typer.Option(help="Weights to start from: a file or a bundled name.")] = None,
    teacher: Annotated[str | None, typer.Option(help="Weights to learn from (distillation): a file or a name.")] = None,
    language: Annotated[str | None, typer.Option(help="off, or the factor of the language-driven loss.")] = None,
    prompts: Annotated[Path | None, typer.Option(help="Embedded prompts, from ivif embed-prompts.")] = None,
    prompt_set: Annotated[str | None, typer.Option(help="Name of the set in it; the first by default.")] = None,
    clip: Annotated[str | None, typer.Option(help="Image-language encoder: compact, or a name of open_clip.")] = None,
    clip_pretrained: Annotated[str | None, typer.Option(help="open_clip's tag of its weights.")] = None,
    clip_weights: Annotated[Path | None, typer.Option(help="A local file of its weights.")] = None,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write TensorBoard's event files too.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and notes.")] = False,
) -> None:
    """Train a fusion network on pairs of infrared and visible images, towards an objective said in words.

    Leaves model.safetensors, checkpoints/, metrics.jsonl and samples/ in --out. Options override the recipe.
    """
    from ivif_cli.core.training.recipe import find_recipe, load_recipe, parse_setting, to_table, to_toml

    try:
        factor = None if language is None else 0.0 if language == "off" else float(language)
    except ValueError:
        raise UsageError(f"--language {language}: expected off or a number") from None
    named: dict[str, Any] = {"steps": steps, "batch_size": batch_size, "seed": seed, "network": network}
    named |= {"precision": precision, "language": factor}
    named |= {"clip": clip, "clip_pretrained": clip_pretrained}
    settings = dict(parse_setting(text) for text in set_ or ())
    recipe = load_recipe(find_recipe(config), settings | {n: value for n, value in named.items() if value is not None})
    console = Console(quiet=quiet)
    if print_config:
        console.result(to_toml(to_table(recipe)).rstrip())
        return
    if tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise UsageError("--tensorboard needs a package that is not installed", "pip install 'ivif-cli[tensorboard]'")
    from ivif_cli.core.data.find_pairs import find_many
    from ivif_cli.core.processes import world
    from ivif_cli.core.training.lumas import check_pairs
    from ivif_cli.core.training.setup import Sources

    pairs, complaints = find_many(data or [], dataset or [], data_root)
    for complaint in complaints:
        console.warn(complaint)
    if not resume:
        refuse_begun(out)
    if world()[0] == 0:
        check_pairs(pairs)
    files = Sources(clip_weights, prompts, prompt_set, init, teacher)
    how = {"checkpoint_every": checkpoint_every, "tensorboard": tensorboard}
    start(recipe, pairs, out, files, console, device, resume, how)


def refuse_begun(out: Path) -> None:
    """UsageError where a folder holds checkpoints or the finished model of an earlier run."""
    if any((out / "checkpoints").glob("*.safetensors")):
        raise UsageError(f"{out} holds a run already", "add --resume to go on with it, or choose another --out")
    if (out / "model.safetensors").exists():
        raise UsageError(f"{out} holds the model.safetensors of an earlier run", "choose another --out, or move it")


def start(
    recipe: "Recipe", pairs: list["Pair"], out: Path, files: Any, console: Console, device: str, resume: bool, how: Any
) -> None:
    """Join the other processes, build the run, train, and say what came of it."""
    import torch

    from ivif_cli.core.training.loop import train as train_loop
    from ivif_cli.core.training.processes import joined
    from ivif_cli.core.training.setup import build_run

    torch.set_flush_denormal(True)
    with joined(device) as processes, first_only_asks(PAUSE) as stop:
        run = replace(build_run(recipe, pairs, out, files, processes.device), stop=stop, **how)
        if not processes.first:
            console = Console(quiet=True)
        describe(run, recipe, processes.device, console)
        begun = f"{'goes on with' if resume else 'writes into'} {out}"
        console.note(f"{begun}; Ctrl-C saves a checkpoint, and the same command with --resume goes on from the last")
        with contextlib.closing(Progress(recipe.steps, console)) as progress:
            run = replace(run, report=progress.step, validated=progress.metrics)
            state = train_loop(recipe, run, processes, resume=resume)
    if state.step < recipe.steps:
        console.note(f"stopped after step {state.step}, a checkpoint is saved; --resume goes on")
        raise typer.Exit(INTERRUPTED)
    if processes.first:
        model = out / "model.safetensors"
        console.result(str(model))
        pair = ["--ir", str(pairs[0].ir), "--vis", str(pairs[0].vis)]
        console.note(f"next: {shlex.join(['ivif', 'fuse', *pair, '-o', 'fused.png', '-m', str(model)])}")


def describe(run: "Run", recipe: "Recipe", device: object, console: Console) -> None:
    """Print once what the run amounts to."""
    parameters = sum(p.numel() for p in run.network.parameters())
    console.note(f"network {recipe.network}, {parameters:,} parameters, on {device}")
    console.note(f"{len(run.train)} pairs to train on, {len(run.held_out)} to validate on")
    words = next(iter(run.goals.goals.values())).encoder if run.encoder is not None else "off"
    known = f"{len(run.goals.sentences)} sentences and {len(run.goals.goals)} goals"
    console.note(f"language-driven loss: {words}; {known}")
    console.note(f"{recipe.steps} steps of {recipe.batch_size} crops")


class Progress:
    """A bar with the loss on a terminal, a line now and then elsewhere; validations as lines."""

    def __init__(self, steps: int, console: Console) -> None:
        from tqdm import tqdm

        self._console, self._steps = console, steps
        self._bar = tqdm(total=steps, desc="train", unit="step", disable=True if console.quiet else None)
        self._began: tuple[int, float] | None = None

    def close(self) -> None:
        """End the bar."""
        self._bar.close()

    def step(self, step: int, values: dict[str, float]) -> None:
        """Show a step, and the time left by the mean pace since the first step seen."""
        if self._began is None or step == self._began[0]:
            self._began = (step, time.monotonic())
        parts = {name.partition(".")[2][:10]: f"{value:.3f}" for name, value in values.items() if "." in name}
        if not self._bar.disable:
            self._bar.n = step
            self._bar.set_postfix({"loss": f"{values['total']:.3f}", **parts, "img/s": f"{values['images_s']:.1f}"})
        elif step == 1 or step % max(1, self._steps // 40) == 0:
            told = " ".join(f"{name} {value}" for name, value in parts.items())
            first, began = self._began
            seconds = (time.monotonic() - began) / max(step - first, 1) * (self._steps - step)
            left = "?" if step == first else f"{seconds / 60:.0f} min" if seconds > 90 else f"{seconds:.0f} s"
            pace = f"{values['images_s']:.1f} images/s, {left} left"
            self._console.note(f"step {step}/{self._steps} loss {values['total']:.4f} {told} {pace}")

    def metrics(self, step: int, values: dict[str, float]) -> None:
        """Show a validation."""
        self._bar.clear()
        told = " ".join(f"{name} {value:.3f}" for name, value in values.items())
        self._console.note(f"step {step} validation {told}")
