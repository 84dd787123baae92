"""Plain help whose options stand under headings, those that `rich_help_panel` names."""

import shlex
from typing import Any

import typer
from typer.core import TyperCommand

from ivif_cli.commands.console import report
from ivif_cli.core.errors import UsageError

PLACES = {"ir": "--ir", "vis": "--vis", "fused": "--fused", "output": "-o"}
"""Parameters that names of files are meant for where they are given without options, in that order."""


class PanelledCommand(TyperCommand):
    """A command whose help groups its options, in the order in which the headings first occur."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse; file names without their options are answered with the command line that was meant."""
        meant = self._meant(ctx, args)
        if meant and not ctx.resilient_parsing:
            raise typer.Exit(report(UsageError("file names go with options", meant)))
        return super().parse_args(ctx, args)

    def _meant(self, ctx: Any, args: list[str]) -> str:
        """The command line with an option before each file name, "" where none is missing or it cannot be told."""
        try:
            given, bare, _ = self.make_parser(ctx).parse_args(args=list(args))
        except typer.Exit:
            raise
        except Exception:  # noqa: BLE001 - an option that is not known is told when the line is parsed for good
            return ""
        takes = [parameter.name for parameter in self.get_params(ctx)]
        free = [PLACES[name] for name in PLACES if name in takes and name not in given]
        if not bare or len(bare) > len(free) or any(p.param_type_name == "argument" for p in self.get_params(ctx)):
            return ""
        rest = list(args)
        for name in bare:
            rest.remove(name)
        placed = [word for pair in zip(free, bare, strict=False) for word in pair]
        needed = ["-o", "fused.png"] if "-o" in free[len(bare) :] and self.name == "fuse" else []
        return shlex.join(["ivif", str(self.name), *placed, *needed, *rest])

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options of each heading; those without one come last."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            plain = "Arguments" if parameter.param_type_name == "argument" else "Options"
            if record is not None:
                panels.setdefault(getattr(parameter, "rich_help_panel", None) or plain, []).append(record)
        for title in sorted(panels, key="Options".__eq__):
            with formatter.section(title):
                formatter.write_dl(panels[title])
