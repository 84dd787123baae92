"""`ivif evaluate`: score fused pictures, rank methods, hold them to gates, write reports.

The work is in `core/scoring` (pairs, processes, statistics, gates) and `core/reports` (one module a format).
"""

import functools
from pathlib import Path
from typing import Annotated

import typer

from ivif_cli.commands.console import Console
from ivif_cli.commands.evaluate_report import FORMATS, chosen_style, end, print_report, provenance, tell_metric
from ivif_cli.commands.evaluate_task import find_source
from ivif_cli.commands.fuse_video import VideoSwitches
from ivif_cli.commands.goals import (
    DialOption,
    GoalOption,
    PromptOption,
    StrengthOption,
    check_strength,
    parse_dials,
    understood,
)
from ivif_cli.commands.options import (
    INFRARED,
    RESULT,
    SOURCES,
    SPEED,
    AlignOption,
    AnyRateOption,
    CropOption,
    DataRootOption,
    DeviceOption,
    FpsOption,
    IrPolarityOption,
    IrRangeOption,
    ManifestOption,
    MaxGapOption,
    PrecisionOption,
    QuietOption,
    ResizeOption,
    StrictOption,
    ThreadsOption,
    TileOption,
    option,
)
from ivif_cli.core.errors import UsageError

METRICS, GATES, WORDS = "Metrics", "Gates", "The language score"


def evaluate(
    ctx: typer.Context,
    ir: Annotated[Path | None, option(SOURCES, "Infrared picture, folder or video.", "--ir")] = None,
    vis: Annotated[Path | None, option(SOURCES, "Visible picture, folder or video.", "--vis")] = None,
    dataset: Annotated[list[str] | None, option(SOURCES, "Named dataset in the place of --ir and --vis.")] = None,
    data_root: DataRootOption = None,
    manifest: ManifestOption = None,
    max_gap: MaxGapOption = None,
    strict: StrictOption = False,
    fused: Annotated[
        list[str] | None,
        option(SOURCES, "Fused pictures, or a video; repeated: methods to rank.", "--fused", metavar="[NAME=]PATH"),
    ] = None,
    model: Annotated[
        list[str] | None,
        option(
            SOURCES, "To fuse with first: base, fast, a .safetensors or .onnx file; may be repeated.", "--model", "-m"
        ),
    ] = None,
    baselines: Annotated[
        bool, option(SOURCES, "Score average, maximum and Laplacian pyramid as well.", "--baselines")
    ] = False,
    common: Annotated[
        bool, option(SOURCES, "Leave out pairs that not every --fused method has a picture of.", "--common")
    ] = False,
    metrics: Annotated[
        str,
        option(
            METRICS,
            "Comma-separated names and groups: default (the six and K), six, kept, clean, all.",
            metavar="NAMES",
        ),
    ] = "default",
    convention: Annotated[
        str, option(METRICS, "ivif, matlab, cddfuse, vifb or ivif-zoo: whose definitions are computed.")
    ] = "ivif",
    labels: Annotated[
        Path | None, option(METRICS, "YOLO labels of people, in ir/ and vis/ like the pairs: adds the metric T_ir.")
    ] = None,
    explain: Annotated[
        str | None,
        option(METRICS, "Print formula, source, range and what others do; `all` for every one.", metavar="METRIC"),
    ] = None,
    min_: Annotated[
        list[str] | None,
        option(
            GATES,
            "At least VALUE; STAT is mean, median, pN, each or @PAIR, as in K:p10=0.5.",
            "--min",
            metavar="METRIC[:STAT]=VALUE",
        ),
    ] = None,
    max_: Annotated[list[str] | None, option(GATES, "At most VALUE.", "--max", metavar="METRIC[:STAT]=VALUE")] = None,
    baseline: Annotated[
        Path | None, option(GATES, "No metric is worse than in this JSON report, pair by pair.")
    ] = None,
    tolerance: Annotated[
        list[str] | None,
        option(GATES, "What may be lost against --baseline: 1% of the mean, or SD=0.5 of one metric; repeatable."),
    ] = None,
    report: Annotated[
        list[Path] | None,
        option(RESULT, "Write a report: .json, .csv, .md, .tex, .html or .xml (JUnit); repeatable.", "--report"),
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", hidden=True)] = None,
    junit: Annotated[Path | None, typer.Option("--junit", hidden=True)] = None,
    overwrite: Annotated[bool, option(RESULT, "Let --report replace any file.", "--overwrite")] = False,
    format_: Annotated[str, option(RESULT, f"Of the result: {', '.join(FORMATS)}.", "--format")] = "table",
    json_: Annotated[bool, option(RESULT, "Short for --format json.", "--json")] = False,
    prompt: PromptOption = None,
    goal: GoalOption = None,
    strength: StrengthOption = 1.0,
    dial: DialOption = None,
    ir_range: IrRangeOption = "auto",
    ir_polarity: IrPolarityOption = "white",
    resize: ResizeOption = False,
    align: AlignOption = None,
    crop: CropOption = None,
    bit_depth: Annotated[int | None, option(INFRARED, "8: map 16-bit pictures first instead of refusing them.")] = None,
    fps: FpsOption = None,
    any_rate: AnyRateOption = False,
    clip: Annotated[str, option(WORDS, "Encoder of LDS: compact, or an open_clip name.")] = "compact",
    clip_pretrained: Annotated[str | None, option(WORDS, "open_clip's tag of its weights.")] = None,
    clip_weights: Annotated[Path | None, option(WORDS, "Weights file of that encoder.")] = None,
    prompts: Annotated[Path | None, option(WORDS, "Texts of LDS: a file of `ivif embed-prompts`.")] = None,
    prompt_set: Annotated[str | None, option(WORDS, "Name of the set in it; the first by default.")] = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    tile: TileOption = None,
    threads: ThreadsOption = None,
    workers: Annotated[int | None, option(SPEED, "Processes that score; default: as needed.", min=1)] = None,
    score_device: Annotated[
        str, option(SPEED, "To score on: cpu, or cuda in batches (the six metrics of ivif).")
    ] = "cpu",
    quiet: QuietOption = False,
) -> None:
    """Score fused images with the metrics of the field.

    Gates and comparisons are about the first method: the first model, else the first --fused; with neither, the bundled
    model. Exit status: 0 fine, 1 some pictures could not be scored, 2 usage, 3 a gate missed.
    """
    style = chosen_style(format_, json_)
    console = Console(quiet=quiet)
    if explain is not None:
        tell_metric(console, explain)
        return

    from ivif_cli.core.files import file_identity
    from ivif_cli.core.processes import world
    from ivif_cli.core.reports.kinds import check_report_files, write_report
    from ivif_cli.core.reports.report import Report
    from ivif_cli.core.reports.scenes import make_scenes, shown_scenes
    from ivif_cli.core.scoring.changes import changes_against
    from ivif_cli.core.scoring.choice import Words, choose_metrics, known_metrics, listed_metrics, wants_flicker
    from ivif_cli.core.scoring.contenders import Models
    from ivif_cli.core.scoring.gates import check_read_alike, parse_gates
    from ivif_cli.core.scoring.people import METRIC as LABELLED
    from ivif_cli.core.scoring.people import read_labels, with_labels
    from ivif_cli.core.scoring.run import Run, data_hashes, open_contenders, score
    from ivif_cli.core.scoring.task import read_options

    files = [*(report or ()), *(path for path in (html, junit) if path is not None)]
    if baseline is not None and file_identity(baseline) in [found for path in files if (found := file_identity(path))]:
        raise UsageError(f"{baseline} is the baseline and would be replaced by a report", "name another --report")
    check_report_files(files, overwrite=overwrite, has_changes=baseline is not None)
    gates = parse_gates(min_ or (), max_ or (), baseline, tolerance or (), known_metrics())
    if gates.baseline is not None:
        check_read_alike(gates.baseline, provenance(ctx)["options"])
    source = find_source(
        ir,
        vis,
        fused or (),
        dataset or (),
        data_root,
        manifest=manifest,
        max_gap=max_gap,
        strict=strict,
        switches=VideoSwitches(fps, any_rate),
        ir_range=ir_range,
        polarity=ir_polarity,
        resize=resize,
        align=align,
        crop=crop,
    )
    video, pairs = source.footage is not None, source.pairs
    named = [*listed_metrics(metrics, convention, video=video), *([LABELLED] if labels is not None else [])]
    if labels is not None and crop is not None:
        raise UsageError("--labels are about whole pictures", "leave --crop out")
    people = None if labels is None else read_labels(labels, pairs)
    words = Words(clip, clip_pretrained, clip_weights, prompts, prompt_set, device)
    dials = parse_dials(dial)
    wants_model = bool(prompt or goal or dial) or not fused
    models = tuple(model or (("base",) if wants_model else ()))
    understood(console, prompt)
    check_strength(strength, bool(prompt or goal))
    asked = [*named, *(bound.metric for bound in gates.bounds)]
    flicker = wants_flicker(asked, video=video)
    chosen, encoder_metrics = choose_metrics(asked, convention, words)
    run = Run(
        source.dataset,
        pairs,
        with_labels(chosen, people),
        convention.lower(),
        encoder_metrics,
        specs=tuple(fused or ()),
        baselines=baselines,
        common=common,
        model=Models(models, tuple(prompt or ()), tuple(goal or ()), strength, dials, device, precision, tile, threads),
        read=read_options(
            bit_depth,
            () if video else pairs,
            ir_range=ir_range,
            polarity=ir_polarity,
            resize=resize,
            align=align,
            crop=crop,
            labels=people,
        ),
        workers=workers,
        score_device=score_device,
        footage=source.footage,
        flicker=flicker,
    )
    pairs, contenders = open_contenders(run)
    for complaint in source.complaints if world()[0] == 0 else ():
        console.warn(complaint)
    data = data_hashes(pairs)
    gates.check([pair.name for pair in pairs], data, run.facts)
    with console.progress(len(pairs), "scoring", "frame" if video else "pair") as advance:
        evaluation = score(run, pairs, contenders, data, on_done=advance)
    if evaluation is None:
        return
    results = gates.judge(evaluation, run.facts)
    ranked = tuple(name for name in run.facts if name.lower() in {one.lower() for one in named})
    changes = changes_against(gates.baseline, evaluation, results)
    built = Report(evaluation, run.facts, results, ranked, provenance(ctx), changes)
    print_report(console, built, style)
    shown = functools.cache(lambda: shown_scenes(built))
    scenes = functools.cache(
        lambda: make_scenes(run.tasks([one for one in pairs if one.name in shown()], contenders), contenders, shown())
    )
    for path in files:
        write_report(built, path, scenes)
    end(console, built)
