"""`ivif evaluate`: score fused pictures, rank methods, hold them to gates, write reports.

The work is in `core/scoring` (pairs, processes, statistics, gates) and `core/reports` (one module a format).
"""

import functools
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ivif_cli import __version__
from ivif_cli.commands.console import GATE_MISSED, Console
from ivif_cli.commands.evaluate_options import (
    FORMATS,
    BaselineOption,
    BaselinesOption,
    BitDepthOption,
    ClipOption,
    ClipPretrainedOption,
    ClipWeightsOption,
    CommonOption,
    ConventionOption,
    DatasetOption,
    ExplainOption,
    FormatOption,
    FusedOption,
    IrOption,
    JsonOption,
    LabelsOption,
    MaxOption,
    MetricsOption,
    MinOption,
    ModelOption,
    OverwriteOption,
    PromptSetOption,
    PromptsOption,
    ReportOption,
    ScoreDeviceOption,
    ToleranceOption,
    VisOption,
    WorkersOption,
)
from ivif_cli.commands.goals import DialOption, GoalOption, PromptOption, StrengthOption, parse_dials, understood
from ivif_cli.commands.options import (
    AlignOption,
    DataRootOption,
    DeviceOption,
    IrPolarityOption,
    IrRangeOption,
    ManifestOption,
    PrecisionOption,
    QuietOption,
    ResizeOption,
    ThreadsOption,
    TileOption,
)
from ivif_cli.core.errors import UsageError
from ivif_cli.core.nearest import nearest

if TYPE_CHECKING:
    from ivif_cli.core.reports.report import Report

_MOST_ERRORS = 5


def evaluate(
    ctx: typer.Context,
    ir: IrOption = None,
    vis: VisOption = None,
    dataset: DatasetOption = None,
    data_root: DataRootOption = None,
    manifest: ManifestOption = None,
    fused: FusedOption = None,
    model: ModelOption = None,
    baselines: BaselinesOption = False,
    common: CommonOption = False,
    metrics: MetricsOption = "default",
    convention: ConventionOption = "ivif",
    labels: LabelsOption = None,
    explain: ExplainOption = None,
    min_: MinOption = None,
    max_: MaxOption = None,
    baseline: BaselineOption = None,
    tolerance: ToleranceOption = None,
    report: ReportOption = None,
    html: Annotated[Path | None, typer.Option("--html", hidden=True)] = None,
    junit: Annotated[Path | None, typer.Option("--junit", hidden=True)] = None,
    overwrite: OverwriteOption = False,
    format_: FormatOption = "table",
    json_: JsonOption = False,
    prompt: PromptOption = None,
    goal: GoalOption = None,
    strength: StrengthOption = 1.0,
    dial: DialOption = None,
    ir_range: IrRangeOption = "auto",
    ir_polarity: IrPolarityOption = "white",
    resize: ResizeOption = False,
    align: AlignOption = None,
    bit_depth: BitDepthOption = None,
    clip: ClipOption = "compact",
    clip_pretrained: ClipPretrainedOption = None,
    clip_weights: ClipWeightsOption = None,
    prompts: PromptsOption = None,
    prompt_set: PromptSetOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    tile: TileOption = None,
    threads: ThreadsOption = None,
    workers: WorkersOption = None,
    score_device: ScoreDeviceOption = "cpu",
    quiet: QuietOption = False,
) -> None:
    """Score fused images with the metrics of the field.

    Gates and comparisons are about the first method: the first model, else the first --fused; with neither, the bundled
    model. Exit status: 0 fine, 1 some pictures could not be scored, 2 usage, 3 a gate missed.
    """
    style = _style(format_, json_)
    console = Console(quiet=quiet)
    if explain is not None:
        _explain(console, explain)
        return

    from ivif_cli.core.data.find_pairs import find_pairs
    from ivif_cli.core.reports.kinds import check_report_files, write_report
    from ivif_cli.core.reports.report import build_report
    from ivif_cli.core.reports.scenes import make_scenes, shown_scenes
    from ivif_cli.core.scoring.choice import choose_metrics, known_metrics, listed_metrics
    from ivif_cli.core.scoring.contenders import Said
    from ivif_cli.core.scoring.gates import parse_gates
    from ivif_cli.core.scoring.people import METRIC as LABELLED
    from ivif_cli.core.scoring.people import read_labels, with_labels
    from ivif_cli.core.scoring.run import ModelOptions, Run, data_hashes, open_contenders, score
    from ivif_cli.core.scoring.task import read_options
    from ivif_cli.core.scoring.words import Words

    files = [*(report or ()), *(path for path in (html, junit) if path is not None)]
    check_report_files(files, overwrite=overwrite)
    gates = parse_gates(min_ or (), max_ or (), baseline, tolerance or (), known_metrics())
    named = [*listed_metrics(metrics, convention), *([LABELLED] if labels is not None else [])]
    if dataset and len(dataset) > 1:
        raise UsageError("--dataset is given twice", "a run scores one; `ivif report --field` puts reports together")
    found = find_pairs(ir, vis, dataset[0] if dataset else None, data_root, manifest=manifest)
    pairs = found.pairing.pairs
    people = None if labels is None else read_labels(labels, pairs)
    for complaint in found.pairing.complaints():
        console.warn(complaint)
    words = Words(clip, clip_pretrained, clip_weights, prompts, prompt_set, device)
    said = Said(tuple(prompt or ()), tuple(goal or ()), strength, parse_dials(dial))
    wants_model = bool(prompt or goal or dial) or not fused
    models = tuple(model or (("base",) if wants_model else ()))
    understood(console, prompt)
    chosen, encoder_metrics = choose_metrics([*named, *gates.metrics], convention, words)
    run = Run(
        found.dataset,
        pairs,
        with_labels(chosen, people),
        convention.lower(),
        encoder_metrics,
        specs=tuple(fused or ()),
        baselines=baselines,
        common=common,
        model=ModelOptions(models, said, device, precision, tile, threads),
        read=read_options(
            bit_depth, pairs, ir_range=ir_range, polarity=ir_polarity, resize=resize, align=align, labels=people
        ),
        workers=workers,
        score_device=score_device,
    )
    pairs, contenders = open_contenders(run)
    data = data_hashes(pairs)
    gates.check([pair.name for pair in pairs], data, run.facts)
    with console.progress(len(pairs), "scoring", "pair") as advance:
        evaluation = score(run, pairs, contenders, data, on_done=advance)
    if evaluation is None:
        return
    results = gates.judge(evaluation, run.facts)
    ranked = [name for name in run.facts if name.lower() in {one.lower() for one in named}]
    built = build_report(
        evaluation,
        run.facts,
        results,
        ranked=ranked,
        provenance=_provenance(ctx),
        changes=gates.changes(evaluation, results),
    )
    _print(console, built, style)
    scenes = functools.cache(lambda: make_scenes(pairs, contenders, shown_scenes(built), run.read))
    for path in files:
        write_report(built, path, scenes)
    _end(console, built)


def _style(format_: str, json_: bool) -> str:
    if format_ not in FORMATS:
        hint = "--report FILE.html writes a page" if format_ in ("html", "htm", "xml", "junit") else ""
        raise UsageError(f"unknown format {format_!r}", hint or nearest(format_, FORMATS))
    if json_ and format_ not in ("table", "json"):
        raise UsageError(f"--json and --format {format_} exclude each other", "--report FILE writes more kinds")
    return "json" if json_ else format_


def _provenance(ctx: typer.Context) -> dict[str, Any]:
    """Version, date, command and the options that were given."""
    given = {
        name.strip("_"): value if isinstance(value, int | float | str | list) else str(value)
        for name, value in ctx.params.items()
        if getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE"
    }
    options = {name: [str(one) for one in value] if isinstance(value, list) else value for name, value in given.items()}
    command = shlex.join(["ivif", *sys.argv[1:]])
    date = datetime.now(UTC).isoformat(timespec="seconds")
    return {"ivif": __version__, "date": date, "command": command, "options": options}


def _print(console: Console, report: "Report", style: str) -> None:
    from ivif_cli.core.reports import json_report, markdown, tables

    if style == "json":
        console.result_json(json_report.as_json(report))
    elif style == "table":
        console.table(report.title, *tables.as_rows(report), report.legend)
    else:
        render = {"csv": tables.as_csv, "markdown": markdown.as_markdown, "latex": tables.as_latex}[style]
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
    for gate in report.gates:
        if gate.passed:
            console.note(f"gate kept: {gate}")
        else:
            console.error(f"gate missed: {gate}")
    if not all(gate.passed for gate in report.gates):
        raise typer.Exit(GATE_MISSED)
    if failing:
        raise typer.Exit(1)


def _explain(console: Console, name: str) -> None:
    from ivif_cli.core.scoring.choice import explain_metric

    for known, lines in explain_metric(name).items():
        console.result(known)
        for label, text in lines:
            console.result(f"  {label:<10} {text}")
