"""The compact CLIP's tables and model card, written from a report and from what the weights say about themselves."""

import json
from collections.abc import Mapping

from ivif_cli.core.training.clip_report import GOOD_METHODS, ClipReport


def as_markdown(report: ClipReport) -> str:
    """The tables, and which bars are missed, as Markdown."""
    parts = [_modality_table(report), _claim_table(report)]
    if report.methods:
        good = ", ".join(GOOD_METHODS)
        parts += [
            _method_table(report),
            f"T_f closer to a good fusion (mean of {good}) than to either source: {report.objective:.0%} of pairs.",
        ]
    missed = report.missed()
    parts.append(f"Bars missed: {'; '.join(missed)}." if missed else "All bars reached.")
    return "\n\n".join(parts)


def _modality_table(report: ClipReport) -> str:
    lines = ["| dataset | pictures | modality, picture alone | modality, within the pair |"]
    lines.append("| --- | ---: | ---: | ---: |")
    lines += [f"| {r.dataset} | {r.pictures} | {r.alone:.1%} | {r.in_pair:.1%} |" for r in report.modality]
    return "\n".join(lines)


def _claim_table(report: ClipReport) -> str:
    lines = ["| claim | recall | specificity | balanced | holds for | fails for |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: |")
    lines += [
        f"| {s.claim} | {s.recall:.1%} | {s.specificity:.1%} | {s.balanced:.1%} | {s.holding} | {s.failing} |"
        for s in report.claims
    ]
    return "\n".join(lines)


def _method_table(report: ClipReport) -> str:
    lines = ["| TNO, method | pairs | LDS | cos(T_f, fused) | T_f closer than to both sources |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    lines += [
        f"| {m.method} | {m.pairs} | {m.language_score:.3f} | {m.cosine:.3f} | {m.closer:.0%} |" for m in report.methods
    ]
    return "\n".join(lines)


def model_card(report: ClipReport, metadata: Mapping[str, str]) -> str:
    """The model card: what the model is, what it was trained on, how well it does, what it is not.

    Args:
        report: its tables on pictures it never saw.
        metadata: of its weights file (`steps`, `recipe`, `trained_on`).
    """
    recipe = json.loads(metadata.get("recipe", "{}"))
    settings = ", ".join(f"{key} {value}" for key, value in recipe.items())
    return CARD.format(
        sha256=report.sha256,
        steps=metadata.get("steps", "?"),
        origin=f" after {metadata['started_from']}" if metadata.get("started_from") else "",
        trained_on=metadata.get("trained_on", "?"),
        settings=settings,
        tables=as_markdown(report),
    )


CARD = """# compact CLIP

A small contrastive language-image model in open_clip's own architecture (`CLIP`, a `ModifiedResNet` image tower and a
word-level text tower). It is the encoder that `ivif train` and `ivif embed-prompts` use unless another one is named.

* Configuration: `ivif_cli/core/language/compact_clip.json`; weights: `compact-clip.safetensors`, fp16.
* sha256: `{sha256}`
* Input: grey pictures, 96x96, repeated to three channels, CLIP's usual mean and standard deviation.

## Trained on

{trained_on}, cut into windows of 80 pixels a side up to the whole picture, infrared and visible apart and never a fused
picture. Captions come from a small grammar: modality (given), quality (degradations applied to the crop, or exposure
measured on it), background detail and object saliency (measured on the crop), day or night (given). No scene group is
on both sides of the validation split, and none is in the test sets below. {steps} steps{origin}; settings: {settings}.
These settings are stored in the weights file; the repository's recipe may have gone on since.

The training pairs are published for research, with citation, by their authors (RoadScene, MSRS, M3FD, FMB); see their
pages for the terms. The pictures themselves are not part of this repository.

## How well it reads pictures it never saw

Zero-shot, by cosine to one plain probe text a claim. Modality: whole pictures. Other claims: crops of test pairs with
drawn degradations; crops on which a measure is not clear-cut are left out for that claim. Recall where a claim holds,
specificity where it fails, balanced accuracy is their mean. LDS is the mean cosine between image and text directions.
Reprint with `python tools/report_compact_clip.py`.

{tables}

## What it is not

It knows the words of its grammar and nothing else: no object classes, no scenes, no colours, no other languages. An
unknown word in a prompt is named in a warning. "Detailed", "salient", "dark" and the like mean what the measures in
`ivif_cli/core/language/attributes.py` say. It saw roads and streets; on other scenes, detectors and old recordings
it is less sure, above all of the modality. It is no judge of image quality beyond these claims, and is not meant for
recognising people. For open vocabulary use a full CLIP (`--clip ViT-B-32 --clip-pretrained openai`).
"""
