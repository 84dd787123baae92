"""Pictures through pipes: `ivif fuse --ir - --vis b.png -o - < a.png > fused.png`."""

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ivif_cli.core.errors import InputError, UsageError

PIPE = Path("-")


def refuse_terminal(output: Path) -> None:
    """Raise `UsageError` where pixels would be written to a terminal."""
    if output == PIPE and sys.stdout.isatty():
        raise UsageError("pixels are not written to a terminal", "pipe them on: -o - > fused.png, or name a file")


@contextlib.contextmanager
def piped(ir: Path | None, vis: Path | None, output: Path) -> Iterator[tuple[Path | None, Path | None, Path]]:
    """The three names, files in the place of pipes; what was written to the output's file goes to stdout at the end.

    Raises:
        InputError: a pipe that gives nothing.
        UsageError: both pictures from stdin.
    """
    from ivif_cli.core.video.frames import is_pipe

    if ir == PIPE and vis == PIPE:
        raise UsageError("stdin holds one picture, --ir and --vis are two", "name a file for one of them")
    with tempfile.TemporaryDirectory(prefix="ivif-") as folder:
        sources = [
            _received(source, Path(folder, name)) if source is not None and is_pipe(str(source)) else source
            for source, name in ((ir, "ir"), (vis, "vis"))
        ]
        result = Path(folder, "fused.png") if output == PIPE else output
        yield sources[0], sources[1], result
        if output == PIPE and result.exists():
            sys.stdout.buffer.write(result.read_bytes())
            sys.stdout.buffer.flush()


def _received(pipe: Path, file: Path) -> Path:
    """The bytes of a pipe as a file; a JPEG's name says so, since radiometric ones are told by it."""
    data = sys.stdin.buffer.read() if pipe == PIPE else pipe.read_bytes()
    if not data:
        raise InputError(f"{'stdin' if pipe == PIPE else pipe} is empty (0 bytes)")
    file = file.with_suffix(".jpg") if data.startswith(b"\xff\xd8") else file
    file.write_bytes(data)
    return file
