"""Writing files whole or not at all: under a temporary name in the same folder, on the disk, then renamed.

A temporary name says which process of which machine writes it, so that the next run can tell what a killed one left
from what another one is writing: by its id and when it began [clock ticks; 0 where that is not known].
"""

import contextlib
import functools
import hashlib
import os
import platform
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ivif_cli.core.errors import OutputError

_TEMPORARY = re.compile(r"\.ivif-(?P<machine>[0-9a-f]{8})-(?P<process>\d+-\d+)-[0-9a-f]{32}\.part(\.\w+)?")
_FOREIGN_AGE = 3600.0


def file_identity(path: Path) -> tuple[int, int] | None:
    """Device and number of a file, the same by all its names; None where there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


@contextlib.contextmanager
def writing(path: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """A temporary file beside `path` to write to, empty and new; it takes the place of `path` when the block ends well.

    A link at `path` is replaced, not followed. What killed runs left in the folder is removed first.

    Args:
        path: the file to make; its folder is made where it is missing.
        overwrite: replace a file that is there.

    Raises:
        OutputError: the file exists and may not be replaced, or cannot be written.
    """
    with _staged(path, overwrite) as stream:
        yield Path(stream.name)


def write_bytes(path: Path, data: bytes | memoryview, *, overwrite: bool = True) -> None:
    """Write bytes; arguments and errors as for `writing`."""
    with _staged(path, overwrite) as stream:
        stream.write(data)


def write_text(path: Path, text: str, *, overwrite: bool = True) -> None:
    """Write UTF-8 text; bytes of file names that are no UTF-8 become question marks. As for `writing` otherwise."""
    write_bytes(path, text.encode("utf-8", errors="replace"), overwrite=overwrite)


def append_text(path: Path, text: str) -> None:
    """Append UTF-8 text to a file that others may hold too, as job pages are; raises OutputError where that fails."""
    try:
        with path.open("a", encoding="utf-8", errors="replace") as stream:
            stream.write(text)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def sweep(folder: Path) -> None:
    """Remove the temporary files that killed runs left in a folder.

    Those of this machine go where their process is gone, whatever their age; those of another machine when they have
    not changed for an hour. What cannot be removed stays.
    """
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            named = _TEMPORARY.fullmatch(entry.name)
            with contextlib.suppress(OSError):
                if named and entry.is_file(follow_symlinks=False) and _abandoned(entry, named):
                    Path(entry.path).unlink(missing_ok=True)


def _abandoned(entry: os.DirEntry[str], named: re.Match[str]) -> bool:
    if named["machine"] == _machine():
        return not _alive(named["process"])
    return time.time() - entry.stat(follow_symlinks=False).st_mtime > _FOREIGN_AGE


@functools.lru_cache(maxsize=4096)
def _sweep_once(folder: Path, process: int) -> None:
    """Sweep at the first file that a process writes into a folder."""
    sweep(folder)


@contextlib.contextmanager
def _staged(path: Path, overwrite: bool) -> Iterator[BinaryIO]:
    suffix = path.suffix.lower()
    kept = suffix if re.fullmatch(r"\.\w+", suffix) else ""
    process = f"{os.getpid()}-{_started(os.getpid()) or 0}"
    temporary = path.with_name(f".ivif-{_machine()}-{process}-{uuid.uuid4().hex}.part{kept}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep_once(path.parent, os.getpid())
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        _publish(temporary, path, overwrite)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _publish(temporary: Path, path: Path, overwrite: bool) -> None:
    """Give the finished file its name; without `overwrite`, never over a file that appeared meanwhile."""
    if not overwrite:
        try:
            os.link(temporary, path)
            return
        except FileExistsError:
            raise OutputError(f"{path} exists already", "--overwrite replaces it") from None
        except OSError:
            pass  # a file system without hard links
    temporary.replace(path)


@functools.cache
def _machine() -> str:
    """Which machine this is, up to its next start; process ids of containers do not mix."""
    facts = [platform.node()]
    with contextlib.suppress(OSError):
        facts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        facts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:8]


def _started(number: int) -> int | None:
    """When a running process began; None where there is none, or no /proc."""
    try:
        state, *fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in ("Z", "X") else int(fields[18])


def _alive(process: str) -> bool:
    number, began = (int(part) for part in process.split("-"))
    if began:
        return _started(number) == began
    if os.name != "posix":
        return True
    try:
        os.kill(number, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True
