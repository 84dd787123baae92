"""How well a compact CLIP reads pictures it never saw: zero-shot accuracy, the objective text, published methods."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ivif_cli.core.data.datasets import open_dataset
from ivif_cli.core.data.luma import to_luma
from ivif_cli.core.data.pairing import match_outputs
from ivif_cli.core.data.sources import read_infrared, read_visible
from ivif_cli.core.fusing.baselines import BASELINES
from ivif_cli.core.language.claims import CLAIMS
from ivif_cli.core.language.directions import direction_loss
from ivif_cli.core.language.encoder import Encoder
from ivif_cli.core.language.goal import DEFAULT, Goal, Texts, embed_texts
from tools.compact_clip.crops import Crop, Sample, changed, cut_pair, finish
from tools.compact_clip.labelled import KINDS, Reading, labelled_pairs
from tools.compact_clip.scenes import Scene
from tools.compact_clip.sentences import Confusion, read_sentences, score_sentences
from tools.compact_clip.zero_shot import PROBES, Score, score_claims

SETS = ("TNO", "RoadScene", "MSRS", "M3FD")
GOOD_METHODS = ("SeAFusion", "U2Fusion", "IFCNN")
BARS = {"modality": 0.95, "claim": 0.90, "objective": 0.80, "graded": 0.90}
LOOSER = {"TNO": 0.90}
"""Bars of the modality of single sets, where another one than for all."""


@dataclass(frozen=True)
class ModalityRow:
    """Whole sources of one dataset: share of pictures told right alone, and share of pairs put in the right order."""

    dataset: str
    pictures: int
    alone: float
    in_pair: float


@dataclass(frozen=True)
class MethodRow:
    """One fusion method: means over its pairs, and the share of pairs where T_f is closer to it than to a source."""

    method: str
    pairs: int
    language_score: float
    cosine: float
    closer: float


@dataclass(frozen=True)
class ClipReport:
    """All tables of a model."""

    encoder: str
    sha256: str
    modality: list[ModalityRow]
    claims: list[Score]
    methods: list[MethodRow] = field(default_factory=list)
    objective: float = float("nan")
    graded: dict[str, float] = field(default_factory=dict)
    sentences: Confusion | None = None
    labelled: list[Reading] = field(default_factory=list)

    def missed(self) -> list[str]:
        """The bars that are not reached, in words."""
        found = []
        for row in self.modality:
            bar = LOOSER.get(row.dataset, BARS["modality"])
            if row.alone < bar:
                found.append(f"modality on {row.dataset} {row.alone:.1%} < {bar:.0%}")
        for score in self.claims:
            if score.claim not in ("infrared", "visible") and score.balanced < BARS["claim"]:
                found.append(f"{score.claim} {score.balanced:.1%} < {BARS['claim']:.0%}")
        for claim, order in self.graded.items():
            if order < BARS["graded"]:
                found.append(f"order of {claim} {order:.2f} < {BARS['graded']:.2f}")
        if self.objective < BARS["objective"]:
            found.append(f"objective {self.objective:.1%} < {BARS['objective']:.0%}")
        return found + (self.sentences.missed() if self.sentences else [])


def read_test_scenes(name: str, root: Path) -> list[Scene]:
    """The pairs of a named dataset as luma in memory."""
    return [
        Scene(pair.name, name, pair.name, None, read_infrared(pair.ir).grey(), to_luma(read_visible(pair.vis)))
        for pair in open_dataset(name, root).pairs
    ]


def embed_lumas(encoder: Encoder, lumas: Sequence[np.ndarray], batch: int = 64) -> Tensor:
    """Embeddings N x D of luma pictures (uint8, or float in [0, 1]) of any sizes."""
    rows = []
    for luma in lumas:
        scaled = luma.astype(np.float32) / (255.0 if luma.dtype == np.uint8 else 1.0)
        rows.append(encoder.resized(torch.from_numpy(scaled)[None, None]))
    stack = torch.cat(rows)
    with torch.no_grad():
        return torch.cat([encoder.encode_images(stack[i : i + batch]) for i in range(0, len(rows), batch)])


def modality_row(encoder: Encoder, name: str, scenes: Sequence[Scene]) -> ModalityRow:
    """Infrared or visible, asked of the whole sources of one dataset."""
    infrared, visible = encoder.encode_texts([PROBES["infrared"], PROBES["visible"]])
    ir = embed_lumas(encoder, [scene.ir for scene in scenes]) @ (infrared - visible)
    vis = embed_lumas(encoder, [scene.vis for scene in scenes]) @ (infrared - visible)
    alone = torch.cat([ir > 0, vis < 0]).float().mean()
    return ModalityRow(name, 2 * len(scenes), float(alone), float((ir > vis).float().mean()))


def held_out_samples(scenes: Sequence[Scene], size: int, crops: int = 4, seed: int = 0) -> list[Sample]:
    """Crops of every scene, every other as recorded, the rest with one drawn change or degradation; truth measured."""
    rng = np.random.default_rng(seed)
    samples = []
    for scene in scenes:
        for number in range(crops):
            ir, vis, enlargement = cut_pair(scene, size, rng)
            if enlargement > 1.3 or min(ir.std(), vis.std()) < 0.02:
                continue
            for luma, infrared in ((ir, 1.0), (vis, 0.0)):
                crop = Crop(luma, infrared, None)
                samples.append(finish(changed(crop, rng) if number % 2 else crop, rng))
    return samples


def claim_scores(encoder: Encoder, images: Tensor, samples: Sequence[Sample]) -> list[Score]:
    """Zero-shot scores of every probed claim, from the samples' embeddings."""
    texts = encoder.encode_texts([PROBES[claim] for claim in CLAIMS])
    return score_claims(images, texts, [s.truth for s in samples])


GRADED = {"bright": "brightness", "contrast": "contrast", "detailed": "detail", "salient": "saliency"}
"""Claim -> the axis that orders pictures by what is measured on them, before noise is added: noise is no detail."""


def graded_orders(encoder: Encoder, images: Tensor, samples: Sequence[Sample]) -> dict[str, float]:
    """Claim -> Spearman correlation of the cosine to its probe text with what is measured on the picture."""
    texts = encoder.encode_texts([PROBES[claim] for claim in GRADED])
    orders = {}
    for column, (claim, axis) in enumerate(GRADED.items()):
        values = torch.tensor([sample.positions[axis] for sample in samples])
        ranks = torch.stack([order.argsort().argsort().double() for order in (images @ texts[column], values)])
        orders[claim] = float(torch.corrcoef(ranks)[0, 1])
    return orders


def labelled_reading(encoder: Encoder, scenes: Sequence[Scene], labels: Path, kind: str) -> Reading:
    """What the texts "an image with bright KIND" and "... dim KIND" tell of labelled things, as they are and dimmed."""
    pairs = labelled_pairs(scenes, labels, kind, encoder.image_size)
    bright, dim = encoder.encode_texts([f"an image with {light} {kind}" for light in ("bright", "dim")])
    before, after = (embed_lumas(encoder, side) @ (bright - dim) for side in zip(*pairs, strict=True))
    told = (before > 0, after < 0, after < before)
    return Reading(kind, len(pairs), *(float(share.float().mean()) for share in told))


@dataclass(frozen=True)
class MethodScores:
    """Per pair of one method: language score, cos(T_f, fused), and how far that lies above the closer source."""

    language: Tensor
    cosine: Tensor
    lead: Tensor


def method_scores(encoder: Encoder, goal: Goal, scenes: Sequence[Scene], fused: Sequence[np.ndarray]) -> MethodScores:
    """Score one method's pictures, in the order of the scenes."""
    ir = embed_lumas(encoder, [scene.ir for scene in scenes])
    vis = embed_lumas(encoder, [scene.vis for scene in scenes])
    out = embed_lumas(encoder, fused)
    wanted, *directions = (torch.from_numpy(x) for x in (goal.fused, goal.ir_direction, goal.vis_direction))
    cosine = out @ wanted
    lead = cosine - torch.maximum(ir @ wanted, vis @ wanted)
    return MethodScores(1 - direction_loss(out, ir, vis, *directions), cosine, lead)


def _row(name: str, scores: MethodScores) -> MethodRow:
    closer = (scores.lead > 0).float().mean()
    return MethodRow(name, len(scores.lead), float(scores.language.mean()), float(scores.cosine.mean()), float(closer))


PIXEL_RULES: dict[str, Callable[[Scene], np.ndarray]] = {
    "(average)": lambda scene: BASELINES["average"](scene.ir, scene.vis),
    "(maximum)": lambda scene: BASELINES["maximum"](scene.ir, scene.vis),
    "(infrared)": lambda scene: scene.ir,
    "(visible)": lambda scene: scene.vis,
}


def published_outputs(published: Path, tno: Path) -> dict[str, dict[str, np.ndarray]]:
    """method -> pair name -> fused luma, for every folder of `published`."""
    pairs = open_dataset("TNO", tno).pairs
    return {
        folder.name: {name: to_luma(read_visible(path)) for name, path in match_outputs(pairs, folder).items()}
        for folder in sorted(published.iterdir())
        if folder.is_dir()
    }


def score_methods(
    encoder: Encoder, scenes: Sequence[Scene], outputs: Mapping[str, Mapping[str, np.ndarray]]
) -> tuple[list[MethodRow], float]:
    """Rows of all methods, best language score first, and the share of pairs whose good fusions lead (mean of them)."""
    goal = embed_texts(encoder, Texts(), DEFAULT)
    rows, leads = [], []
    for method, fused in outputs.items():
        chosen = [scene for scene in scenes if scene.name in fused]
        if not chosen:
            continue
        scores = method_scores(encoder, goal, chosen, [fused[scene.name] for scene in chosen])
        rows.append(_row(method, scores))
        if method in GOOD_METHODS:
            leads.append(scores.lead)
    common = [scene for scene in scenes if any(scene.name in fused for fused in outputs.values())]
    for rule, fuse in PIXEL_RULES.items() if common else ():
        rows.append(_row(rule, method_scores(encoder, goal, common, [fuse(scene) for scene in common])))
    rows.sort(key=lambda row: -row.language_score)
    objective = float((torch.stack(leads).mean(0) > 0).float().mean()) if leads else float("nan")
    return rows, objective


def make_report(
    encoder: Encoder,
    data: Path,
    published: Path | None = None,
    sentences: Path | None = None,
    labels: Path | None = None,
) -> ClipReport:
    """All tables.

    Args:
        encoder: the model.
        data: folder with the datasets of `SETS`.
        published: folder with one folder a method, of fused TNO pictures named like their pairs.
        sentences: file of held-out sentences.
        labels: folder with the label files of MSRS, `infrared/` and `visible/`.
    """
    by_set = {name: read_test_scenes(name, data) for name in SETS}
    every = [scene for scenes in by_set.values() for scene in scenes]
    modality = [modality_row(encoder, name, scenes) for name, scenes in by_set.items()]
    samples = held_out_samples(every, encoder.image_size)
    images = embed_lumas(encoder, [sample.luma for sample in samples])
    claims, graded = claim_scores(encoder, images, samples), graded_orders(encoder, images, samples)
    methods: list[MethodRow] = []
    objective = float("nan")
    if published is not None:
        methods, objective = score_methods(encoder, by_set["TNO"], published_outputs(published, data / "TNO"))
    confusion = score_sentences(encoder.text, read_sentences(sentences)) if sentences and encoder.text else None
    things = [labelled_reading(encoder, by_set["MSRS"], labels, kind) for kind in KINDS] if labels else []
    return ClipReport(encoder.name, encoder.sha256, modality, claims, methods, objective, graded, confusion, things)
