"""From a recipe and a list of pairs to a run that can start: networks, encoder, prompts, stores, and what is known."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.errors import UsageError
from ivif_cli.core.language.directions import ImageEncoder
from ivif_cli.core.language.goal import DEFAULT, NAMED, TextEncoder, Texts, named_goals
from ivif_cli.core.network import FusionNetwork, build_network, load_network
from ivif_cli.core.training.goals import SENTENCES, GoalBank, embed_sentences, read_sentences
from ivif_cli.core.training.loop import Run
from ivif_cli.core.training.lumas import LumaStore
from ivif_cli.core.training.recipe import BalanceSettings, Recipe
from ivif_cli.core.training.split import data_hash, split_pairs


@dataclass(frozen=True)
class Sources:
    """Files a run begins with, each optional.

    Attributes:
        clip_weights: weights of the image-language encoder.
        prompts: embedded prompts, from `ivif embed-prompts`.
        prompt_set: name of one of them; the first by default.
        init: weights to start from.
        teacher: weights or bundled name of the network to learn from.
    """

    clip_weights: Path | None = None
    prompts: Path | None = None
    prompt_set: str | None = None
    init: str | None = None
    teacher: str | None = None


def build_run(recipe: Recipe, pairs: Sequence[Pair], out: Path, sources: Sources, device: torch.device) -> Run:
    """Build everything a run needs.

    Args:
        recipe: the recipe.
        pairs: all pairs; some scenes of them are held out.
        out: the run's folder.
        sources: files to begin with.
        device: where the networks go.

    Raises:
        UsageError: `init` is of another shape than the recipe's network.
        EncoderError: no such encoder, or prompts embedded by another one.
        WeightsError: damaged weights.
    """
    encoder, goals = load_language(recipe, sources, device)
    torch.manual_seed(recipe.seed)
    changes = {"mixer": recipe.mixer} if recipe.mixer else {}
    network = build_network(recipe.network, goal=2 * len(goals.goals[DEFAULT].fused), **changes)
    metadata = {"data_sha256": data_hash(pairs), "pairs": str(len(pairs)), "sentences": str(len(goals.sentences))}
    if sources.init:
        start = load_network(sources.init)
        shape = start.network.config_dict()
        if shape != network.config_dict():
            hint = "choose the same --network and mixer as it was trained with"
            raise UsageError(f"{sources.init} is a network of another shape: {shape}", hint)
        network.load_state_dict(start.network.state_dict())
        metadata["init_sha256"] = start.sha256
        if recipe.balance != BalanceSettings():  # which the end of the run does, and once is enough
            unbalance(network, json.loads(start.metadata.get("recipe", "{}")))
    network.start_from(torch.from_numpy(goals.goals[DEFAULT].condition[0]))
    teacher = None
    if sources.teacher:
        loaded = load_network(sources.teacher)
        teacher, metadata["teacher_sha256"] = loaded.network.to(device).requires_grad_(False), loaded.sha256
    train, held_out = split_pairs(pairs, recipe.validation.share)
    drawn = LumaStore(train, network.thumbnail, balance=recipe.crops.balance)
    judged = LumaStore(held_out or train, network.thumbnail)
    return Run(network.to(device), drawn, judged, out, goals, encoder, teacher, metadata)


def unbalance(network: FusionNetwork, used: Mapping[str, Any]) -> None:
    """Take back what a run of the recipe `used` (as nested plain values) balanced its network by at its end."""
    before = BalanceSettings(**used.get("balance", {}))
    network.rebalance(**{name: -value for name, value in vars(before).items()})


def load_language(recipe: Recipe, sources: Sources, device: torch.device) -> tuple[ImageEncoder | None, GoalBank]:
    """The image encoder of a recipe (None where its language-driven loss is off), and what its run draws goals from.

    With the loss off, the compact CLIP's text tower alone embeds the goals: open_clip is not imported.

    Raises:
        EncoderError: no such encoder, or prompts embedded by another one.
        UsageError: the sentences cannot be read.
    """
    from ivif_cli.core.language.prompts import load_goal
    from ivif_cli.core.language.text_tower import load_text_tower

    images = None
    if recipe.language or recipe.clip != "compact" or sources.clip_weights:
        from ivif_cli.core.language.encoder import load_encoder

        tag = recipe.clip_pretrained or None
        images = load_encoder(recipe.clip, pretrained=tag, weights=sources.clip_weights, device=device)
    texts_by: TextEncoder = load_text_tower() if images is None else images
    texts = Texts(recipe.ir_text, recipe.vis_text, recipe.fused_text)
    goals = named_goals(texts_by, {**NAMED, DEFAULT: texts.fused}, texts)
    if sources.prompts:
        goals[DEFAULT] = load_goal(sources.prompts, encoder=texts_by, name=sources.prompt_set)
    path = Path(recipe.goals.sentences) if recipe.goals.sentences else SENTENCES
    bank = GoalBank(goals, embed_sentences(texts_by, read_sentences(path)), recipe.goals)
    return images if recipe.language else None, bank
