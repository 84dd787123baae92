"""`ivif evaluate`: score fused pictures, rank methods, hold them to gates, write reports.

The work is in `core/scoring` (pairs, processes, statistics, gates) and `core/reports` (one module a format).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivif_cli import __version__
from ivif_cli.commands.console import GATE_MISSED, Console
from ivif_cli.core.errors import OutputError, UsageError
from ivif_cli.core.nearest import nearest

if TYPE_CHECKING:
    from ivif_cli.core.metrics import Metric
    from ivif_cli.core.reports.report import Report
    from ivif_cli.core.scoring.gates import Bound
    from ivif_cli.core.scoring.run import Run, Scored

FORMATS = ("table", "json", "csv", "markdown", "latex")
LANGUAGE_METRIC = "LDS"
"""Needs an encoder, so it is computed only where it is named."""
_MOST_ERRORS = 5


def evaluate(
    ir: Annotated[Path | None, typer.Option("--ir", help="Infrared picture or folder.")] = None,
    vis: Annotated[Path | None, typer.Option("--vis", help="Visible picture or folder.")] = None,
    fused: Annotated[
        list[str] | None,
        typer.Option(
            "--fused", metavar="[NAME=]DIR", help="Fused pictures; repeated: methods to rank. None: fuse first."
        ),
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Named dataset in the place of --ir and --vis.")] = None,
    data_root: Annotated[Path | None, typer.Option(help="Where the dataset lies (default: IVIF_DATA).")] = None,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Score average, maximum and Laplacian pyramid as well.")
    ] = False,
    common: Annotated[
        bool, typer.Option("--common", help="Leave out pairs that not every --fused method has a picture of.")
    ] = False,
    metrics: Annotated[str, typer.Option(help="Comma-separated names, `six`, `all`.")] = "six",
    convention: Annotated[
        str, typer.Option(help="ivif, matlab, cddfuse, vifb or ivif-zoo: whose definitions are computed.")
    ] = "ivif",
    explain: Annotated[
        str | None, typer.Option(metavar="METRIC", help="Print formula, source, range and what others do; then leave.")
    ] = None,
    format_: Annotated[str, typer.Option("--format", help=f"Of the result: {', '.join(FORMATS)}.")] = "table",
    json_: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write gates as JUnit test cases here.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a self-contained HTML report here.")] = None,
    summary: Annotated[Path | None, typer.Option(help="Append the Markdown summary here (a job page).")] = None,
    min_: Annotated[
        list[str] | None, typer.Option("--min", metavar="METRIC=VALUE", help="Gate: the mean is at least VALUE.")
    ] = None,
    max_: Annotated[
        list[str] | None, typer.Option("--max", metavar="METRIC=VALUE", help="Gate: the mean is at most VALUE.")
    ] = None,
    baseline: Annotated[Path | None, typer.Option(help="Gate: no mean is worse than in this JSON report.")] = None,
    tolerance: Annotated[str, typer.Option(help="What may be lost against --baseline: 1% or 0.01.")] = "0%",
    bit_depth: Annotated[
        int | None, typer.Option(help="8: map 16-bit pictures first instead of refusing them.")
    ] = None,
    model: Annotated[
        str, typer.Option("--model", "-m", help="To fuse with: base, fast or a .safetensors file.")
    ] = "base",
    device: Annotated[str, typer.Option(help="To fuse on: auto, cpu, cuda, cuda:N or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="To fuse with: auto, fp32, bf16 or fp16.")] = "auto",
    tile: Annotated[int | None, typer.Option(min=0, help="Side of tiles [px]; 0: none; default: as needed.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads of the network.")] = None,
    clip: Annotated[str, typer.Option(help="Encoder of LDS: compact, or an open_clip name.")] = "compact",
    clip_weights: Annotated[Path | None, typer.Option(help="Weights file of that encoder.")] = None,
    prompts: Annotated[Path | None, typer.Option(help="Texts of LDS: a file of `ivif embed-prompts`.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that score; default: as needed.")] = None,
    score_device: Annotated[
        str, typer.Option(help="To score on: cpu, or cuda in batches (the six metrics of ivif).")
    ] = "cpu",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and notes.")] = False,
) -> None:
    """Score fused images with the metrics of the field.

    Gates and comparisons are about the first method: the model, or the first --fused. Exit status: 0 fine, 1 some
    pictures could not be scored, 2 usage, 3 a gate missed.
    """
    style = "json" if json_ else format_
    if style not in FORMATS:
        raise UsageError(f"unknown format {style!r}", nearest(style, FORMATS))
    console = Console(machine=style != "table", quiet=quiet)
    if explain is not None:
        _explain(console, explain)
        return
    if bit_depth not in (None, 8):
        raise UsageError(f"a bit depth of {bit_depth} cannot be scored", "metrics are defined on 8 bits")
    targets = _Targets(junit, html, summary)
    targets.check()
    gates = _Gates(min_ or [], max_ or [], baseline, tolerance)
    names = [*_listed(metrics, convention), *gates.metrics]

    from ivif_cli.core.data.find_pairs import find_pairs
    from ivif_cli.core.scoring.pictures import ReadOptions
    from ivif_cli.core.scoring.run import ModelOptions, Run

    named = find_pairs(ir, vis, dataset, data_root)
    for complaint in named.pairing.complaints():
        console.warn(complaint)
    run = Run(
        named.dataset,
        named.pairing.pairs,
        *_chosen_metrics(names, convention, _Words(clip, clip_weights, prompts)),
        tuple(fused or ()),
        baselines,
        common,
        ModelOptions(model, device, precision, tile, threads),
        ReadOptions(bit_depth == 8),
        workers,
        score_device,
    )
    gates.check(run)
    _score_and_tell(console, run, gates, targets, style)


@dataclass(frozen=True)
class _Gates:
    """Gates as they were given."""

    lower: list[str]
    upper: list[str]
    baseline: Path | None
    tolerance: str

    @property
    def metrics(self) -> list[str]:
        return [text.partition("=")[0].strip() for text in (*self.lower, *self.upper)]

    def check(self, run: "Run") -> None:
        """Refuse, before anything is scored, gates that cannot be read."""
        from ivif_cli.core.scoring.gates import parse_tolerance, read_baseline

        self._bounds(run)
        parse_tolerance(self.tolerance)
        if self.baseline is not None:
            read_baseline(self.baseline)

    def _bounds(self, run: "Run") -> "list[Bound]":
        from ivif_cli.core.scoring.gates import parse_bound

        lower = [parse_bound(text, "min", run.all_metrics) for text in self.lower]
        return lower + [parse_bound(text, "max", run.all_metrics) for text in self.upper]

    def bounds(self, run: "Run", method: str, pairs: int) -> "list[Bound]":
        """Bounds on the method under test; means over `pairs` pairs are compared."""
        from ivif_cli.core.scoring.gates import baseline_bounds, parse_tolerance, read_baseline

        bounds = self._bounds(run)
        if self.baseline is not None:
            conditions = {"dataset": run.dataset, "convention": run.convention, "pairs": pairs}
            report, tolerance = read_baseline(self.baseline), parse_tolerance(self.tolerance)
            bounds += baseline_bounds(report, method, run.all_metrics, tolerance, conditions=conditions)
        return bounds


@dataclass(frozen=True)
class _Targets:
    """Files that are written besides the result."""

    junit: Path | None
    html: Path | None
    summary: Path | None

    def check(self) -> None:
        """Refuse, before anything is scored, files that could not be written."""
        for path in (self.junit, self.html, self.summary):
            if path is not None and (path.is_dir() or not path.parent.is_dir()):
                problem = "is a folder" if path.is_dir() else "lies in a folder that does not exist"
                raise OutputError(f"{path} {problem}", "name a file in a folder that exists")

    def write(self, report: "Report", run: "Run", scored: "Scored") -> None:
        """Write every file that was asked for."""
        from ivif_cli.core.files import append_text, write_text

        if self.junit is not None:
            from ivif_cli.core.reports.junit import as_junit

            write_text(self.junit, as_junit(report))
        if self.summary is not None:
            from ivif_cli.core.reports.tables import as_markdown

            append_text(self.summary, as_markdown(report))
        if self.html is not None:
            from ivif_cli.core.reports.gallery import build_gallery, shown_scenes
            from ivif_cli.core.reports.html_report import as_html

            gallery = build_gallery(run.pairs, scored.contenders, scored.kept, shown_scenes(report))
            write_text(self.html, as_html(report, gallery))


@dataclass(frozen=True)
class _Words:
    """The encoder and the texts of LDS."""

    clip: str
    clip_weights: Path | None
    prompts: Path | None


def _listed(text: str, convention: str) -> list[str]:
    """Metric names of `--metrics`."""
    from ivif_cli.core.metrics import SIX, find_convention

    available = find_convention(convention).metrics
    groups = {"all": list(available), "six": [name for name in SIX if name in available]}
    names = [name.strip() for name in text.split(",") if name.strip()]
    return [known for name in names for known in groups.get(name.lower(), [name])]


def _chosen_metrics(
    names: Sequence[str], convention: str, words: _Words
) -> "tuple[dict[str, Metric], str, tuple[Metric, ...]]":
    """Metrics of the convention, its name, and the metrics that need an encoder."""
    from ivif_cli.core.metrics import find_convention, find_metrics

    chosen = find_convention(convention)
    plain = [name for name in names if name.upper() != LANGUAGE_METRIC]
    if not names:
        raise UsageError("--metrics names no metric", "as in --metrics EN,VIF")
    found = find_metrics(plain, chosen)
    if len(plain) == len(names):
        return found, chosen.name, ()
    from ivif_cli.core.scoring.language_metric import language_metric

    return found, chosen.name, (language_metric(words.clip, weights=words.clip_weights, prompts=words.prompts),)


def _score_and_tell(console: Console, run: "Run", gates: _Gates, targets: _Targets, style: str) -> None:
    from ivif_cli.core.reports.gallery import thumbnail
    from ivif_cli.core.reports.report import build_report
    from ivif_cli.core.scoring.gates import check_gates
    from ivif_cli.core.scoring.run import score

    with console.progress(len(run.pairs), "scoring", "pair") as advance:
        scored = score(run, keep=thumbnail if targets.html else None, on_done=advance)
    if scored is None:
        return
    first = scored.evaluation.first
    results = check_gates(gates.bounds(run, first.name, len(scored.evaluation.pairs)), first)
    report = build_report(__version__, scored.evaluation, run.all_metrics, results)
    _print(console, report, style)
    targets.write(report, run, scored)
    _end(console, report)


def _print(console: Console, report: "Report", style: str) -> None:
    from ivif_cli.core.reports import json_report, tables

    if style == "json":
        console.result_json(json_report.as_json(report))
    elif style == "table":
        console.table(report.title, *tables.as_rows(report))
    else:
        render = {"csv": tables.as_csv, "markdown": tables.as_markdown, "latex": tables.as_latex}[style]
        console.result(render(report).removesuffix("\n"))


def _end(console: Console, report: "Report") -> None:
    """Remarks, failures and gates to stderr; the exit status."""
    for remark in report.remarks:
        console.note(remark)
    failing = [method for method in report.evaluation.methods if method.failed]
    for method in failing:
        for failure in method.failed[:_MOST_ERRORS]:
            console.error(f"{method.name}, {failure.name}: {failure.error}")
        if len(method.failed) > _MOST_ERRORS:
            console.error(
                f"{method.name}: {len(method.failed) - _MOST_ERRORS} more (all of them are in the JSON report)"
            )
    missed = [gate for gate in report.gates if not gate.passed]
    for gate in missed:
        console.error(f"gate missed: {gate}")
    if missed:
        raise typer.Exit(GATE_MISSED)
    if failing:
        raise typer.Exit(1)


def _explain(console: Console, name: str) -> None:
    from ivif_cli.core.metrics import find_metrics
    from ivif_cli.core.metrics.explanations import explain

    known = next(iter(find_metrics([name])))
    console.result(known)
    for label, text in explain(known):
        console.result(f"  {label:<10} {text}")
