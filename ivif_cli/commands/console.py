"""The one place that prints: results to stdout, everything else to stderr, errors as one line and an exit status.

Nothing outside this module writes to the terminal, so a program that reads stdout sees results and nothing else.
"""

import contextlib
import functools
import json
import math
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import typer

from ivif_cli.core.errors import IvifError

DEBUG_VARIABLE = "IVIF_DEBUG"
INTERRUPTED, BROKEN_PIPE = 130, 141
GATE_MISSED = 3
_PLAIN = str.maketrans({"↑": "(up)", "↓": "(down)", "–": "-"})
"""For terminals that have no arrows."""
_GAP = "  "


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
        _say(f"warning: {' '.join(text.split())}", err=True)

    def error(self, text: str) -> None:
        """Something that failed, to stderr, in one line."""
        _say(f"error: {' '.join(text.split())}", err=True)

    @contextlib.contextmanager
    def progress(self, total: int | None, what: str, unit: str = "image") -> Iterator[Callable[[int], Any]]:
        """A bar on stderr with units/s and the time left; shown where stderr is a terminal, whatever stdout is.

        Yields:
            a function to call with the number of units that were finished.
        """
        from tqdm import tqdm

        hidden = True if self.quiet else None
        with tqdm(total=total, desc=what, unit=unit, file=sys.stderr, disable=hidden, dynamic_ncols=True) as bar:
            yield bar.update


def _speaks_unicode() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf")


def _say(text: str, *, err: bool = False) -> None:
    """Print; what the stream cannot show (lone surrogates, and all but a few letters in cp1252) becomes an escape."""
    if not err and not _speaks_unicode():
        text = text.translate(_PLAIN).encode(sys.stdout.encoding, "backslashreplace").decode(sys.stdout.encoding)
    typer.echo(text.encode("utf-8", "backslashreplace").decode("utf-8"), err=err)


def lay_out(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> str:
    """A table as text: the first column left-aligned, the others right-aligned; no name and no number is ever cut.

    Where it is wider than `width` it is turned on its side, or else split into blocks that repeat the first column.
    None is no limit; a single column that does not fit is as wide as it is.
    """
    columns = [list(column) for column in zip(heads, *rows, strict=True)]
    limit = math.inf if width is None else width
    for whole in (columns, [list(column) for column in zip(*columns, strict=True)]):
        if _width(whole) <= limit:
            return _block(whole)
    first, *others = columns
    blocks = [[first]]
    for column in others:
        if len(blocks[-1]) > 1 and _width([*blocks[-1], column]) > limit:
            blocks.append([first])
        blocks[-1].append(column)
    return "\n\n".join(_block(block) for block in blocks)


def _width(columns: list[list[str]]) -> int:
    return sum(max(_cells(text) for text in column) for column in columns) + len(_GAP) * (len(columns) - 1)


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _block(columns: list[list[str]]) -> str:
    padded = []
    for index, column in enumerate(columns):
        width = max(_cells(text) for text in column)
        spaces = [" " * (width - _cells(text)) for text in column]
        cells = [text + space if index == 0 else space + text for text, space in zip(column, spaces, strict=True)]
        padded.append([cells[0], "-" * width, *cells[1:]])
    return "\n".join(_GAP.join(line).rstrip() for line in zip(*padded, strict=True))


def describe(error: BaseException) -> tuple[str, int]:
    """One line for the user and the exit status of an error."""
    if isinstance(error, IvifError):
        return str(error), error.exit_status
    if isinstance(error, ImportError) and error.name:
        hint = "install it with pip"
        if "libGL" in str(error):
            hint = "apt-get install libgl1, or without root: pip install --force-reinstall opencv-python-headless"
        return f"the package {error.name} cannot be imported: {error} ({hint})", 1
    if isinstance(error, MemoryError):
        return "out of memory (smaller --tile, --batch-size or --workers need less)", 1
    if isinstance(error, OSError):
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{where}", 1
    return f"{type(error).__name__}: {error} (a defect in ivif; {DEBUG_VARIABLE}=1 shows where)", 1


def debugging() -> bool:
    """True where IVIF_DEBUG asks for tracebacks."""
    return os.environ.get(DEBUG_VARIABLE, "") not in ("", "0")


def guarded(command: Callable[..., Any]) -> Callable[..., Any]:
    """Turn what a command raises into one line on stderr and an exit status."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
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
