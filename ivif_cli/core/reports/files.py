"""Writing report files: whole or not at all."""

from pathlib import Path

from ivif_cli.core.errors import OutputError


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text under a temporary name, then rename; raises OutputError where that fails.

    Bytes of file names that are no UTF-8 become question marks.
    """
    temporary = path.with_name(f".{path.name}.partial")
    try:
        # What an earlier, killed run left is removed and not written through: it might be a link.
        temporary.unlink(missing_ok=True)
        with temporary.open("x", encoding="utf-8", errors="replace") as stream:
            stream.write(text)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(f"cannot write {path}: {error.strerror}") from error


def append_text(path: Path, text: str) -> None:
    """Append UTF-8 text, as job pages expect; raises OutputError where that fails."""
    try:
        with path.open("a", encoding="utf-8", errors="replace") as stream:
            stream.write(text)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from error
