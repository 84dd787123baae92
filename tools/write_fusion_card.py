"""Write the model card of fusion weights from their own metadata, reports of `ivif evaluate --json` and of steering.

    ivif evaluate --dataset TNO --metrics six,SCD,kept,clean --json > tno.json
    python tools/report_steering.py --model base --json steering.json
    python -m tools.write_fusion_card base tno.json [roadscene.json ...] --steering steering.json

Writes weights/NAME.md: shape, training, recipe, values with 95 % intervals (bootstrap over images), what words do, the
worst images of each report, limits and licence. Nothing in it is typed by hand but the sentences of `LIMITS`.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ivif_cli.core.network import LoadedNetwork, load_network
from ivif_cli.core.training.recipe import from_table, to_table, to_toml
from ivif_cli.core.weights import weights_folder
from tools.report_steering import Row, as_markdown

LIMITS = """\
* It keeps what either source has, so it keeps what disturbs, too: a sensor's stripes in an even sky are damped, not
  removed, and where both cameras have texture in one place (branches against bright clouds) the result is busy.
* A large flat region that is hot in a well exposed visible scene (a warm roof, a wall by day) keeps its rim more than
  its inside, with a soft halo: the bands follow the infrared, the base the visible.
* Where the sources are off by more than a few pixels, both contours show.
* By day a bright sky stays bright and takes the infrared's clouds as texture. Very dark night scenes stay dark.
* Words move brightness, contrast, detail, targets and the lean towards a source. They know no object classes beyond
  "people, cars, targets", which all mean: what is hot and stands out. A dial moves the others a little, too (leak).
* `bright` lifts a very dark night little (`--strength 2` lifts it further). `salient` and `dim` change little where hot
  and cold are near each other. `infrared` greys a bright sky and never becomes the infrared picture: what the visible
  has stays. On dark streets detail, contrast and the lean to a source are slight at a small size.
* It assumes white-hot infrared and pairs aligned to a few pixels.
* It is made for looking at, and for detectors that look: grey levels no longer measure temperature."""

EYES = {
    "base": """\
Test pairs beside a published method, names hidden (`python -m tools.blind_sheets`), judged by somebody who knew
neither: 24 pairs drawn by lot, 16 for this one, 8 for the other, half of these answers called slight. Against
VDifFusion: RoadScene 5 of 8, MSRS 7 of 8; against SeAFusion: TNO 4 of 8. It was preferred at night for people, signs,
walls and clean roads, by day for contrast without haze. It lost for a dark cloud in the sky beside palms (FLIR_04424),
fainter letters on a sign (05027), trees and a tower less calm (06974), haze and a halo round a truck (MSRS 00218D),
the visible camera's grain (TNO 09), soft bushes (13), haze (31), a false dark band in a field (41). Seen where it won,
too: lamps that the infrared hollows (01591D), glow along roofs (29), infrared-bright trees burnt pale (06995). Weights
of before had 15 of 24 twice and 36 of 44, on other scenes. Beside those of just before, on 16 held-out training pairs:
14 equal, 2 weakly for the former (letters on a patrol car; the tone beside a slanted border).

Words, both ends of a dial side by side, names hidden, 240 px high, 12 pairs a dial (4 of RoadScene, 4 of MSRS, 4 of
TNO; `python -m tools.blind_sheets --dial bright`). Somebody with fresh eyes told all 60 right. Unmistakable: bright
11, infrared 2, salient 1; "only by looking twice": contrast 7, salient 5, detailed 3; the rest clear. (Judged with
weights of before, whose words moved about as far.) Before the base and what is hot followed words, others had told
infrared in 8 and salient in 7 of 12. Faults named: shadows that "dark" crushes, skies that "bright" burns out, grain
that "detailed" lifts, dull grey people under "dim" (as asked), a grey veil over the night skies of "infrared", halos
at cables and roofs."""
}
"""What was seen, by the name of the weights; where a text does not say otherwise, with the bundled file."""

LICENCE = """\
The code is Apache-2.0. The weights were trained on pairs of RoadScene, MSRS, M3FD and FMB, which their authors
publish for research and ask to cite; none of the pictures is part of this repository. Whether the weights may be used
commercially depends on those terms."""


def training_lines(loaded: LoadedNetwork) -> list[str]:
    """What the metadata says of the run."""
    data = loaded.metadata
    facts = {
        "steps, one unbroken run from fresh weights": data.get("step"),
        "hours on one core": data.get("hours"),
        "seed": str(json.loads(data["recipe"])["seed"]) if "recipe" in data else None,
        "pairs": data.get("pairs"),
        "words trimmed anew after the run, by ivif": data.get("retrimmed"),
        "hash of the data": data.get("data_sha256"),
        "started from weights (sha256)": data.get("init_sha256"),
        "teacher (sha256)": data.get("teacher_sha256"),
        "sentences that goals were drawn from": data.get("sentences"),
        "encoder": data.get("encoder"),
        "encoder's sha256": data.get("encoder_sha256"),
        "named goals": ", ".join(loaded.goals),
        "made with ivif": data.get("ivif"),
    }
    return [f"* {name}: {value}" for name, value in facts.items() if value]


def recipe_lines(loaded: LoadedNetwork) -> list[str]:
    """The recipe as TOML, only what differs from the defaults."""
    from ivif_cli.core.training.recipe import Recipe

    plain, table = to_table(Recipe()), to_table(from_table(Recipe, json.loads(loaded.metadata["recipe"])))
    return ["```toml", to_toml(_differing(table, plain)).rstrip(), "```"]


def _differing(table: dict[str, Any], plain: dict[str, Any]) -> dict[str, Any]:
    inner = {
        name: _differing(value, plain[name]) if isinstance(value, dict) else value
        for name, value in table.items()
        if value != plain[name]
    }
    return {name: value for name, value in inner.items() if value != {}}


def score_lines(report: dict[str, Any]) -> list[str]:
    """One table of means with intervals, and the worst image of each metric."""
    method = report["methods"][0]
    names = list(method["mean"])
    lines = [
        f"{report['dataset'] or 'pairs'}, {report['pairs']} pairs, convention `{report['convention']}`:",
        "",
        "| | " + " | ".join(names) + " |",
        "| --- |" + " ---: |" * len(names),
        "| mean | " + " | ".join(f"{method['mean'][name]:.3f}" for name in names) + " |",
        "| 95 % | " + " | ".join(_span(method["interval95"][name]) for name in names) + " |",
        "| worst image | " + " | ".join(_worst(report, name) for name in names) + " |",
    ]
    return [*lines, ""]


def _span(interval: Sequence[float] | None) -> str:
    return "-" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"


def _worst(report: dict[str, Any], name: str) -> str:
    known = [image for image in report["methods"][0]["images"] if image.get(name) is not None]
    sign = 1 if report["metrics"][name]["higher_is_better"] else -1
    worst = min(known, key=lambda image: sign * image[name])
    return f"{worst['name']} ({worst[name]:.2f})"


def steering_lines(report: dict[str, Any] | None) -> list[str]:
    """What words do to the picture, as `report_steering.py` measured it."""
    if report is None:
        return []
    lines = [
        "\n## What words do\n",
        "Right: share of pictures that moved as the words say, measured on the picture. Move: median over the spread",
        "between scenes. Leak: mean move of what the words do not name, over it. K at either end.\n",
    ]
    for kind in ("named goals", "free sentences"):
        rows = [Row(**row) for row in report[kind]]
        if rows:
            leak = sum(row.leak for row in rows) / len(rows)
            lines += [f"{kind.capitalize()}, mean leak {leak:.2f}:\n", as_markdown(rows), ""]
    return lines


def card(name: str, reports: list[dict[str, Any]], steering: dict[str, Any] | None) -> str:
    """The whole card as Markdown.

    Raises:
        ValueError: a report was made with other weights.
    """
    loaded = load_network(name)
    for report in reports:
        if report["methods"][0]["weights_sha256"] != loaded.sha256:
            raise ValueError(f"a report of {report['dataset']} was made with other weights than {name}")
    parameters = sum(weight.numel() for weight in loaded.network.parameters())
    parts = [
        f"# {name}",
        f"\nFuses infrared and visible luma: {parameters:,} parameters, shape `{loaded.metadata['network']}`.",
        f"`{name}.safetensors`, sha256 `{loaded.sha256}`.\n\n## Training\n",
        *training_lines(loaded),
        "\nSettings that differ from the defaults:\n",
        *recipe_lines(loaded),
        "\n## Scores\n\nTest pairs, never trained on; 8-bit luma. The intervals are bootstrapped over images.\n",
        *(line for report in reports for line in score_lines(report)),
        *steering_lines(steering),
        *([f"## By eye\n\n{EYES[name]}\n"] if name in EYES else []),
        "Pictures: `ivif evaluate --dataset NAME --report report.html` shows best and worst of each metric.\n"
        "Every number was chosen on held-out training pairs; how often test sets were scored on the way, and what\n"
        "followed, is in docs/training.md.",
        f"\n## Limits\n\n{LIMITS}\n\n## Licence\n\n{LICENCE}\n",
    ]
    return "\n".join(parts)


def main() -> None:
    """Write the card named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("reports", nargs="+", type=Path)
    parser.add_argument("--steering", type=Path)
    arguments = parser.parse_args()
    path = weights_folder() / f"{arguments.name}.md"
    steering = json.loads(arguments.steering.read_text()) if arguments.steering else None
    path.write_text(card(arguments.name, [json.loads(file.read_text()) for file in arguments.reports], steering))
    print(path)


if __name__ == "__main__":
    main()
