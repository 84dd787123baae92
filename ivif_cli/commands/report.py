"""`ivif report`: rebuild reports from the JSON of earlier evaluations, put methods together, compare runs over time."""

import functools
from pathlib import Path
from typing import Annotated

import typer

from ivif_cli.commands.console import Console
from ivif_cli.core.errors import UsageError


def report(
    files: Annotated[list[Path], typer.Argument(metavar="JSON...", help="Reports of `ivif evaluate`.")],
    output: Annotated[
        list[Path] | None,
        typer.Option("--output", "-o", help="Write .json, .csv, .md, .tex, .html or .xml (JUnit); repeatable."),
    ] = None,
    field: Annotated[
        bool, typer.Option("--field", help="One Markdown page with a table a data set, of reports of several.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Let --output replace any file.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON in the place of the table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notes.")] = False,
) -> None:
    """Make reports from the JSON of earlier evaluations, without scoring again.

    Several reports have to be of the same pairs and conventions; their methods are ranked and tested together. A method
    that several have is compared over time: it is named by its report, and the oldest is the first; Markdown then says
    what got better and worse, with the pictures that changed most. Pictures are read where they were scored, as far as
    they are there and the same still.
    """
    from ivif_cli.core.reports.json_report import as_json
    from ivif_cli.core.reports.kinds import check_report_files, write_report
    from ivif_cli.core.reports.markdown import write_field_page
    from ivif_cli.core.reports.report import Report
    from ivif_cli.core.reports.scenes import saved_scenes, shown_scenes
    from ivif_cli.core.reports.tables import as_rows
    from ivif_cli.core.scoring.changes import by_dataset, changes_over_time, in_order, merge_reports
    from ivif_cli.core.scoring.saved import SavedReport, read_report

    def build(reports: list[SavedReport]) -> Report:
        one, changes = merge_reports(reports), changes_over_time(reports)
        return Report(one.evaluation, one.metrics, one.gates, one.ranked, one.provenance, changes)

    console = Console(quiet=quiet)
    check_report_files(output or (), overwrite=overwrite, has_changes=len(files) > 1 and not field)
    saved = [read_report(path) for path in files]
    if field:
        if output is None or len(output) != 1 or output[0].suffix.lower() != ".md":
            raise UsageError("--field writes one Markdown page", "as in --field -o field.md")
        write_field_page(output[0], [build(group) for group in by_dataset(saved).values()])
        return
    built = build(saved)
    options = in_order(saved)[-1].provenance.get("options", {})
    scenes = functools.cache(lambda: saved_scenes(built.evaluation, options, shown_scenes(built)))
    for path in output or ():
        write_report(built, path, scenes)
    if json_:
        console.result_json(as_json(built))
    elif not output:
        console.table(built.title, *as_rows(built), built.legend)
    if built.changes is not None:
        told = "; ".join(f"{title.lower()}: {text}" for title, text in built.changes.lines)
        console.note(f"{built.changes.method} against {built.changes.against}: {told}")
    for remark in built.remarks:
        console.note(remark)
