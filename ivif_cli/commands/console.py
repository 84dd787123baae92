"""The one place that prints: results to stdout, everything else to stderr, errors as one line and an exit status.

Nothing outside this module writes to the terminal, so a program that reads stdout sees results and nothing else.
"""

import contextlib
import functools
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import ParamSpec, TypeVar

import typer

from ivif_cli.core.errors import IvifError

DEBUG_VARIABLE = "IVIF_DEBUG"
INTERRUPTED, BROKEN_PIPE = 130, 141
GATE_MISSED = 3
_PLAIN = str.maketrans({"↑": "(up)", "↓": "(down)", "–": "-"})
"""For terminals that have no arrows."""

P = ParamSpec("P")
R = TypeVar("R")
Advance = Callable[[int], None]


class Console:
    """What a command says.

    Args:
        machine: stdout is read by a program.
        quiet: no progress bars and no notes; warnings and errors stay.
    """

    def __init__(self, *, machine: bool = False, quiet: bool = False) -> None:
        self.machine = machine
        self.quiet = quiet

    def result(self, text: str) -> None:
        """A result, to stdout."""
        _say(text)

    def result_json(self, report: object) -> None:
        """A result for machines, to stdout: one JSON document without NaN.

        Raises:
            ValueError: the report holds NaN or infinity; its maker has to turn them into None.
        """
        _say(json.dumps(report, indent=2, ensure_ascii=not _speaks_unicode(), allow_nan=False))

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], legend: str = "") -> None:
        """A table, to stdout, in the terminal's width or, where stdout is none, as wide as it is; `legend` is below."""
        from ivif_cli.commands.table import lay_out

        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        if not _speaks_unicode():
            columns = [column.translate(_PLAIN) for column in columns]
            rows = [[cell.translate(_PLAIN) for cell in row] for row in rows]
        _say("\n".join(part for part in (title, lay_out(columns, rows, width), legend) if part))

    def note(self, text: str) -> None:
        """Something worth knowing, to stderr."""
        if not self.quiet:
            _say(text, err=True)

    def warn(self, text: str) -> None:
        """Something that may be wrong, to stderr, in one line."""
        _say(f"warning: {one_line(text)}", err=True)

    def error(self, text: str) -> None:
        """Something that failed, to stderr, in one line."""
        _say(f"error: {one_line(text)}", err=True)

    @contextlib.contextmanager
    def progress(self, total: int | None, what: str, unit: str = "image") -> Iterator[Advance]:
        """A bar on stderr with units/s and the time left; shown where stderr is a terminal, whatever stdout is.

        Yields:
            a function to call with the number of units that were finished.
        """
        from tqdm import tqdm

        hidden = True if self.quiet else None
        with tqdm(total=total, desc=what, unit=unit, file=sys.stderr, disable=hidden, dynamic_ncols=True) as bar:

            def advance(count: int = 1) -> None:
                bar.update(count)

            yield advance


def _speaks_unicode() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf")


def _say(text: str, *, err: bool = False) -> None:
    """Print; what the stream cannot show (lone surrogates, and all but a few letters in cp1252) becomes an escape."""
    if not err and not _speaks_unicode():
        text = text.translate(_PLAIN).encode(sys.stdout.encoding, "backslashreplace").decode(sys.stdout.encoding)
    typer.echo(text.encode("utf-8", "backslashreplace").decode("utf-8"), err=err)


def one_line(text: str) -> str:
    """Text without line breaks, so that a message stays one line."""
    return " ".join(text.split())


def describe(error: BaseException) -> tuple[str, int]:
    """One line for the user and the exit status of an error."""
    if isinstance(error, IvifError):
        return str(error), error.exit_status
    if isinstance(error, ImportError) and error.name:
        return f"the package {error.name} cannot be imported: {error} ({_how_to_install(error)})", 1
    if isinstance(error, MemoryError):
        return "out of memory (smaller --tile, --batch-size or --workers need less)", 1
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{where}", 1
    return f"{type(error).__name__}: {error} (a defect in ivif; {DEBUG_VARIABLE}=1 shows where)", 1


def _how_to_install(error: ImportError) -> str:
    if "libGL" in str(error):
        return "apt-get install libgl1, or without root: pip install --force-reinstall opencv-python-headless"
    return "install it with pip"


def debugging() -> bool:
    """True where IVIF_DEBUG asks for tracebacks."""
    return os.environ.get(DEBUG_VARIABLE, "") not in ("", "0")


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Turn what a command raises into one line on stderr and an exit status."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except KeyboardInterrupt:
            typer.echo("interrupted; what was written is whole", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            silence_stdout()
            raise typer.Exit(BROKEN_PIPE) from None
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except Exception as error:  # noqa: BLE001 - the last stop before the user: every failure becomes one line
            raise typer.Exit(report(error)) from None

    return run


def report(error: Exception) -> int:
    """Print an error (with its traceback under IVIF_DEBUG) and return the exit status."""
    if debugging():
        typer.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    text, status = describe(error)
    Console().error(text)
    return status


def silence_stdout() -> None:
    """Give up on a stdout whose reader has gone, so that the interpreter does not complain while it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
