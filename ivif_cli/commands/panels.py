"""Plain help whose options stand under headings, those that `rich_help_panel` names."""

from typing import Any

from typer.core import TyperCommand


class PanelledCommand(TyperCommand):
    """A command whose help groups its options, in the order in which the headings first occur."""

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
