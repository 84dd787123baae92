"""The compact CLIP's tables and model card, written from a report and from what the weights say about themselves."""

import json
from collections.abc import Mapping

from tools.compact_clip.report import GOOD_METHODS, ClipReport
from tools.compact_clip.sentences import Confusion


def as_markdown(report: ClipReport) -> str:
    """The tables, and which bars are missed, as Markdown."""
    parts = [_modality_table(report), _claim_table(report)]
    parts += [_graded_table(report)] if report.graded else []
    parts += [_labelled_table(report)] if report.labelled else []
    if report.methods:
        good = ", ".join(GOOD_METHODS)
        parts += [
            _method_table(report),
            f"T_f closer to a good fusion (mean of {good}) than to either source: {report.objective:.0%} of pairs.",
        ]
    parts += [_sentence_table(report.sentences)] if report.sentences else []
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


def _graded_table(report: ClipReport) -> str:
    lines = ["| graded claim | Spearman with what is measured |", "| --- | ---: |"]
    return "\n".join(lines + [f"| {claim} | {order:.3f} |" for claim, order in report.graded.items()])


def _labelled_table(report: ClipReport) -> str:
    lines = ["| MSRS, labelled things that stand out | crops | read bright | dimmed, read dim | dimmed, read dimmer |"]
    lines.append("| --- | ---: | ---: | ---: | ---: |")
    lines += [
        f"| bright {r.kind} | {r.pairs} | {r.bright:.1%} | {r.dim:.1%} | {r.lower:.1%} |" for r in report.labelled
    ]
    return "\n".join(lines)


def _sentence_table(sentences: Confusion) -> str:
    """Shares, and every confusion: what was meant and what was read."""
    head = (
        f"Held-out sentences ({sentences.sentences}, by two writers who had read neither phrases nor other sentences): "
        f"right claim first {sentences.first:.0%}, first or second "
        f"{sentences.second:.0%}, first among the negated {sentences.negated:.0%}.\n\n"
        "| meant | read right | read as something else |\n| --- | ---: | --- |\n"
    )
    rows = []
    for claim in sorted({meant for meant, _ in sentences.counts}):
        right = sentences.counts.get((claim, claim), 0)
        wrong = sorted((read, n) for (meant, read), n in sentences.counts.items() if meant == claim and read != claim)
        rows.append(f"| {claim} | {right} | {', '.join(f'{read} {n}' for read, n in wrong)} |")
    return head + "\n".join(rows)


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
        metadata: of its weights file (`image_recipe`, `text_recipe`, `trained_on`).
    """
    settings = {side: json.loads(metadata.get(f"{side}_recipe", "{}")) for side in ("image", "text")}
    said = {side: ", ".join(f"{key} {value}" for key, value in recipe.items()) for side, recipe in settings.items()}
    return CARD.format(
        sha256=report.sha256,
        trained_on=metadata.get("trained_on", "?"),
        image_settings=said["image"],
        text_settings=said["text"],
        history=metadata.get("history", "One unbroken run from fresh weights."),
        tables=as_markdown(report),
    )


CARD = """# compact CLIP

A small language-image model: an image tower of open_clip's architecture (`ModifiedResNet`), a small transformer over a
frozen table of word vectors, and a space that both share. It is the encoder that `ivif train`, `ivif fuse --prompt` and
`ivif embed-prompts` use unless another one is named.

* Weights: `compact-clip.safetensors`, fp16, the word table int8; the image tower's configuration is in its metadata.
* Space, to which goals and fusion weights are bound: `{sha256}`
* Input: grey pictures, 96x96, repeated to three channels, CLIP's usual mean and standard deviation; English texts.
* The word table is distilled from all-MiniLM-L6-v2 (sentence-transformers, Apache-2.0; see NOTICE): 21,837 words at 128
  numbers each.

## The space

Its axes are what can be measured on a picture: modality, brightness, contrast, fine detail, saliency of hot spots,
sharpness, noise, veil, clipping, freedom of flaws, daylight; one more number keeps the length. A picture lies where its
measures are, by degrees; a text lies at the mixture of the anchors of the claims that it makes. So a change of one
attribute moves a picture along one axis, and words that ask for it point along the same one.

## Trained on

{trained_on}, cut into windows of 80 pixels a side up to the whole picture. Every crop comes in two versions that
differ in one or two attributes. Blends of the two crops of a pair (average, maximum, stronger fine structure) stand for
what both sources show; no published fused picture was used, and no scene group of the test sets.
Image tower: {image_settings}.
Text tower: {text_settings}. Its captions are drawn from `tools/compact_clip/phrases.toml` and `spoken.tsv` beside it.
{history}
Train it anew with `make clip`.

The training pairs are published for research, with citation, by their authors (RoadScene, MSRS, M3FD, FMB); see their
pages for the terms. The pictures themselves are not part of this repository.

## How well it reads what it never saw

Zero-shot, by cosine to one plain probe text a claim. Modality: whole pictures. Other claims: crops of test pairs, half
of them with a drawn change or degradation; crops on which a measure is not clear-cut are left out for that claim.
Recall where a claim holds, specificity where it fails, balanced accuracy is their mean. LDS is the mean cosine between
image and text directions. Degrees are ordered as measured before noise is added, like all claims: noise is no detail.
Labelled things: crops around people and cars that stand out in MSRS's test pairs, and the same crops with them dimmed
to their surroundings, by the texts "an image with bright people" and "an image with dim people".
Reprint with `python -m tools.compact_clip.report_card`.

{tables}

## What it is not

It knows these claims and nothing else: no object classes, no scenes, no colours, no other languages. A word that its
table lacks is named in a warning, and so is a text that claims nothing. "Detailed", "salient", "dark" and the like mean
what `tools/compact_clip/attributes.py` measures; "salient" is a bright compact spot, whatever it is. It saw roads and
streets; on other scenes, detectors and old recordings it is less sure, above all of the modality. It is no judge of
image quality beyond these claims, and is not meant for recognising people. For open vocabulary use a full CLIP
(`--clip ViT-B-32 --clip-pretrained openai`).
"""
