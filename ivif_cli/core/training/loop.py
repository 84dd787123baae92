"""Training of a fusion network, in one loop.

    one device        ivif train --data DIR --out runs/a
    several, one host torchrun --nproc-per-node 4 -m ivif_cli train --data DIR --out runs/a
    several hosts     torchrun --nnodes 2 --nproc-per-node 4 --rdzv-backend c10d --rdzv-endpoint HOST:29500 \
                          -m ivif_cli train --data DIR --out runs/a     (the same line on each; --out on a shared disk)

Every random number comes from (seed, step, index of the sample), the batch size counts over all processes, and each
part of the loss is a mean over pairs: a resumed run, or one split over processes, does what one unbroken one does.
"""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ivif_cli import __version__
from ivif_cli.core.errors import TrainingError
from ivif_cli.core.language.directions import ImageEncoder
from ivif_cli.core.network import FusionNetwork, load_network, save_network
from ivif_cli.core.objective.patches import draw_patches
from ivif_cli.core.objective.total import objective
from ivif_cli.core.objective.words import LanguageLoss, autocast, chosen_precision
from ivif_cli.core.read_ahead import pool_of, read_ahead
from ivif_cli.core.training.checkpoint import RunState, latest_checkpoint, restore, save_checkpoint
from ivif_cli.core.training.crops import Batch, draw_batch
from ivif_cli.core.training.goals import GoalBank, conditions
from ivif_cli.core.training.guard import check_loss, stopped
from ivif_cli.core.training.log import MetricsLog
from ivif_cli.core.training.lumas import LumaStore
from ivif_cli.core.training.processes import Processes
from ivif_cli.core.training.recipe import Recipe, to_table
from ivif_cli.core.training.trim import pairs_to_trim_on, trim
from ivif_cli.core.training.validation import spread_evenly, validate, write_grid

Report = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Run:
    """What a run is made of, besides its recipe.

    Attributes:
        network: freshly built or initialised, on the run's device.
        train, held_out: pairs to draw from and to validate on.
        out: the run's folder.
        goals: what goals are drawn from.
        encoder: the language-image encoder, on the device; None trains without the language-driven loss.
        teacher: a trained network to learn from.
        metadata: text for the weights' metadata, equal in a resumed run (data hash, encoder, prompts, ...).
        checkpoint_every: steps between checkpoints.
        report: called with (step, values) after each step.
        validated: called with (step, metrics) after each validation.
        tensorboard: write TensorBoard's event files too.
        stop: asked after each step; true saves a checkpoint and ends the loop.
    """

    network: FusionNetwork
    train: LumaStore
    held_out: LumaStore
    out: Path
    goals: GoalBank
    encoder: ImageEncoder | None = None
    teacher: FusionNetwork | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    checkpoint_every: int = 200
    report: Report = lambda step, values: None
    validated: Report = lambda step, values: None
    stop: Callable[[], bool] = lambda: False
    tensorboard: bool = False


def learning_rate(recipe: Recipe, step: int) -> float:
    """Learning rate of a step (0 is the first): linear warm-up, then the recipe's schedule."""
    settings = recipe.optimiser
    done = step / recipe.steps
    shape = 1.0
    if settings.schedule == "cosine":
        shape = settings.floor + (1 - settings.floor) * 0.5 * (1 + math.cos(math.pi * done))
    return settings.learning_rate * shape * min(1.0, (step + 1) / max(settings.warmup, 1))


def train(recipe: Recipe, run: Run, processes: Processes, *, resume: bool = False) -> RunState:
    """Train, from the start or from the latest checkpoint in `run.out`.

    Leaves `model.safetensors` (at every validation and at the end), `checkpoints/`, `metrics.jsonl` and `samples/` in
    `run.out`. Interrupted by `run.stop`, it ends with a checkpoint and `state.step < recipe.steps`.

    Raises:
        TrainingError: a NaN or diverging loss, or a checkpoint that does not belong to the recipe.
        OutputError: a file cannot be written.
    """
    device, samples = processes.device, processes.share(recipe.batch_size)
    pairs_to_trim_on(run.network, run.train, recipe.trim)  # told before the first step, not after the last
    state = start_state(recipe, run.network, device)
    if resume:
        path = latest_checkpoint(run.out)
        if path is None:
            raise TrainingError(f"nothing to resume: no checkpoint in {run.out / 'checkpoints'}")
        restore(path, state, to_table(recipe), run.metadata)
        if state.step > recipe.steps:
            done = f"the run in {run.out} has done {state.step} steps, more than the {recipe.steps} asked for"
            raise TrainingError(done, "give as many or more")
    fuse: nn.Module = FuseStep(run.network)
    if processes.world > 1:
        fuse = DistributedDataParallel(fuse, [device] if device.type == "cuda" else None)
    words = LanguageLoss(run.encoder, recipe.words).to(device) if run.encoder is not None and recipe.language else None
    log = MetricsLog(run.out, state.step, active=processes.first, tensorboard=run.tensorboard)
    began = time.perf_counter() - state.hours * 3600

    def draw(step: int) -> Batch:
        return draw_batch(run.train, recipe.crops, recipe.seed, step, samples)

    with pool_of(1, "crops") as pool:
        tick = time.perf_counter()
        for _, drawn in read_ahead(pool, draw, range(state.step, recipe.steps), lambda: 2):
            batch = drawn.result().to(device)
            parts = train_step(recipe, run, state, fuse, batch, samples, words)
            means = processes.mean(torch.stack([part.detach().float() for part in parts.values()])).tolist()
            values = dict(zip(parts, means, strict=True))
            state.typical = check_loss(values, state.typical, recipe.diverged, state.step + 1, batch.names, run.out)
            apply_gradients(recipe, state, batch.names, run.out)
            values["lr"] = learning_rate(recipe, state.step - 1)
            values["images_s"] = recipe.batch_size / (time.perf_counter() - tick)
            state.hours = (time.perf_counter() - began) / 3600
            log.write(state.step, "train", values)
            run.report(state.step, values)
            stopping = processes.any(run.stop())
            if processes.first:
                _judge_and_save(recipe, run, state, log, device, stopping)
            processes.wait()
            if stopping:
                break
            tick = time.perf_counter()
    if resume and state.step == recipe.steps and processes.first and not finished(run.out, recipe):
        _judge_and_save(recipe, run, state, log, device, False)
    log.close()
    processes.wait()
    return state


def finished(out: Path, recipe: Recipe, data_sha256: str | None = None) -> bool:
    """Whether a folder holds the weights of a recipe's last step (of these data, where a hash of them is given)."""
    path = out / "model.safetensors"
    if not path.is_file():
        return False
    facts = load_network(path).metadata
    data = data_sha256 is None or facts.get("data_sha256") == data_sha256
    return data and facts.get("step") == str(recipe.steps) and json.loads(facts.get("recipe", "{}")) == to_table(recipe)


def start_state(recipe: Recipe, network: FusionNetwork, device: torch.device) -> RunState:
    """Optimiser, running mean and scaler of a fresh run."""
    settings = recipe.optimiser
    betas = (settings.beta1, settings.beta2)
    optimiser = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, betas=betas, weight_decay=settings.weight_decay
    )
    ema = {name: value.detach().clone() for name, value in network.state_dict().items()} if settings.ema else {}
    half = device.type == "cuda" and chosen_precision(device, recipe.precision) == "fp16"
    return RunState(network, ema, optimiser, torch.amp.GradScaler(device.type, enabled=half))


class FuseStep(nn.Module):
    """The network for several goals as one forward, which is what DDP needs to see."""

    def __init__(self, network: FusionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Batch, wanted: Sequence[Tensor], *, noisy: bool = True) -> list[Tensor]:
        """Fuse a batch of crops for each condition (N x G); what does not depend on the goal is computed once."""
        network = self.network
        inputs = (batch.ir_input, batch.vis_input) if noisy else (batch.ir, batch.vis)
        encoded, glanced = network.encode(*inputs), network.glance(batch.ir_thumb, batch.vis_thumb)
        return [network.decode(encoded, network.aim(glanced, condition)).float() for condition in wanted]


def train_step(
    recipe: Recipe, run: Run, state: RunState, fuse: nn.Module, batch: Batch, samples: range, words: LanguageLoss | None
) -> dict[str, Tensor]:
    """Forward and backward of one step; gradients are left in the parameters. Returns the parts of the objective."""
    state.network.train()
    state.optimiser.zero_grad(set_to_none=True)
    asked = run.goals.draw(recipe.seed, state.step, samples, batch.ir.device)
    wanted = conditions(asked)
    if run.goals.settings.shuffled:
        wanted = [condition.roll(1, dims=0) for condition in wanted]
    taught = None
    with autocast(batch.ir.device, recipe.precision):
        fused = fuse(batch, wanted)
        if run.teacher is not None:
            with torch.no_grad():
                taught = FuseStep(run.teacher)(batch, wanted, noisy=False)
    patches = None
    if words is not None and recipe.words.patch:
        generator = torch.Generator().manual_seed((recipe.seed << 32) + state.step)
        patches = draw_patches(recipe.batch_size, recipe.words.patches, generator)[samples.start : samples.stop]
    parts = objective(
        fused,
        batch.ir,
        batch.vis,
        (batch.ir_thumb, batch.vis_thumb),
        asked,
        words=words,
        factor=recipe.language,
        keeping=recipe.keeping,
        patches=patches,
        taught=taught,
        teacher=recipe.teacher,
    )
    state.scaler.scale(parts["total"]).backward()
    return parts


def apply_gradients(recipe: Recipe, state: RunState, names: tuple[str, ...], out: Path) -> None:
    """Clip, step the optimiser, move the running mean, count the step.

    Raises:
        TrainingError: a gradient that is not finite (outside fp16, where the scaler skips the step).
    """
    for group in state.optimiser.param_groups:
        group["lr"] = learning_rate(recipe, state.step)
    state.scaler.unscale_(state.optimiser)
    limit = recipe.optimiser.clip or float("inf")
    norm = nn.utils.clip_grad_norm_(state.network.parameters(), limit)
    if not state.scaler.is_enabled() and not norm.isfinite():
        raise stopped("the gradient is not finite", state.step + 1, names, out)
    state.scaler.step(state.optimiser)
    state.scaler.update()
    state.step += 1
    # Early on the mean follows quickly, so that it forgets the fresh weights.
    decay = min(recipe.optimiser.ema, state.step / (state.step + 10))
    current = state.network.state_dict()
    with torch.no_grad():
        for name, value in state.ema.items():
            value.lerp_(current[name].to(value), 1 - decay)


def _judge_and_save(
    recipe: Recipe, run: Run, state: RunState, log: MetricsLog, device: torch.device, stopping: bool
) -> None:
    """Validate where that is due, then save a checkpoint where that is due."""
    last = state.step == recipe.steps
    if last or _due(state.step, recipe.validation.every):
        metrics = _validate(recipe, run, state, device)
        log.write(state.step, "validation", metrics)
        run.validated(state.step, metrics)
    if last or stopping or _due(state.step, run.checkpoint_every):
        save_checkpoint(run.out, state, to_table(recipe), run.metadata)


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _validate(recipe: Recipe, run: Run, state: RunState, device: torch.device) -> dict[str, float]:
    """Judge the averaged weights (or the weights where there is no mean), balance and trim them at the end, save."""
    current = {name: value.clone() for name, value in run.network.state_dict().items()}
    run.network.load_state_dict(state.ema or current)
    if state.step == recipe.steps:
        run.network.rebalance(**vars(recipe.balance))
        trim(run.network, run.train, run.goals.goals, recipe.trim)
    indices = spread_evenly(len(run.held_out), recipe.validation.pairs)
    metrics, fused = validate(run.network, run.held_out, indices, device, run.goals.goals, run.encoder)
    write_grid(run.out / "samples" / f"step-{state.step:08d}.png", run.held_out, indices, fused, recipe.validation.grid)
    facts = {"ivif": __version__, "step": str(state.step), "hours": f"{state.hours:.3f}"}
    facts |= {"recipe": json.dumps(to_table(recipe)), "validation": json.dumps({**metrics, "pairs": len(indices)})}
    save_network(run.out / "model.safetensors", run.network, {**run.metadata, **facts}, run.goals.goals)
    run.network.load_state_dict(current)
    return metrics
