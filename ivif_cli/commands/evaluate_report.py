"""What `ivif evaluate` says: a result in the style asked for, remarks, failures and gates, the exit status."""

import shlex
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from ivif_cli import __version__
from ivif_cli.commands.console import GATE_MISSED, Console
from ivif_cli.core.errors import UsageError
from ivif_cli.core.nearest import nearest

if TYPE_CHECKING:
    from ivif_cli.core.reports.report import Report

FORMATS = ("table", "json", "csv", "markdown", "latex")
_MOST_ERRORS = 5


def chosen_style(format_: str, json_: bool) -> str:
    if format_ not in FORMATS:
        hint = "--report FILE.html writes a page" if format_ in ("html", "htm", "xml", "junit") else ""
        raise UsageError(f"unknown format {format_!r}", hint or nearest(format_, FORMATS))
    if json_ and format_ not in ("table", "json"):
        raise UsageError(f"--json and --format {format_} exclude each other", "--report FILE writes more kinds")
    return "json" if json_ else format_


def provenance(ctx: typer.Context) -> dict[str, Any]:
    """Version, date, command and the options that were given."""
    options: dict[str, Any] = {}
    for name, value in ctx.params.items():
        if getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE":
            plain = value if isinstance(value, int | float | str) else str(value)
            options[name.strip("_")] = list(map(str, value)) if isinstance(value, list) else plain
    command = shlex.join(["ivif", *sys.argv[1:]])
    date = datetime.now(UTC).isoformat(timespec="seconds")
    return {"ivif": __version__, "date": date, "command": command, "options": options}


def print_report(console: Console, report: "Report", style: str) -> None:
    from ivif_cli.core.reports import json_report, markdown, tables

    if style == "json":
        console.result_json(json_report.as_json(report))
    elif style == "table":
        console.table(report.title, *tables.as_rows(report), report.legend)
    else:
        render = {"csv": tables.as_csv, "markdown": markdown.as_markdown, "latex": tables.as_latex}[style]
        console.result(render(report).removesuffix("\n"))


def end(console: Console, report: "Report") -> None:
    """Remarks, failures and gates to stderr; the exit status."""
    for remark in report.remarks:
        console.note(remark)
    failing = [method for method in report.evaluation.methods if method.failed]
    for method in failing:
        for failure in method.failed[:_MOST_ERRORS]:
            console.error(f"{method.name}, {failure.name}: {failure.error}")
        if len(method.failed) > _MOST_ERRORS:
            more = len(method.failed) - _MOST_ERRORS
            console.error(f"{method.name}: {more} more (all of them are in the JSON report)")
    for gate in report.gates:
        tell, what = (console.note, "kept") if gate.passed else (console.error, "missed")
        tell(f"gate {what}: {gate}")
    if not all(gate.passed for gate in report.gates):
        raise typer.Exit(GATE_MISSED)
    if failing:
        raise typer.Exit(1)


def tell_metric(console: Console, name: str) -> None:
    from ivif_cli.core.scoring.choice import explain_metric

    for known, lines in explain_metric(name).items():
        console.result(known)
        for label, text in lines:
            console.result(f"  {label:<10} {text}")
