"""The program as a whole: quick help, version, nearest names, one line an error, statuses."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ivif_cli import __version__
from ivif_cli.app import app
from ivif_cli.commands.console import Console, describe, guarded
from ivif_cli.core.errors import InputError, UsageError

HEAVY = ("torch", "open_clip", "torchvision", "cv2", "numpy", "tqdm")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("code", ["import ivif_cli", "import ivif_cli.app"])
def test_importing_loads_nothing_heavy(code: str) -> None:
    done = python(f"{code}; import sys; print([name for name in {HEAVY} if name in sys.modules])")
    assert done.stdout.strip() == "[]", done.stderr


def test_help_loads_no_torch() -> None:
    code = "import sys; sys.argv = ['ivif', '--help']\nfrom ivif_cli.app import main\n"
    code += "try: main()\nexcept SystemExit: pass\n"
    done = python(code + f"print([name for name in {HEAVY} if name in sys.modules])")
    assert "fuse" in done.stdout
    assert done.stdout.strip().endswith("[]"), done.stderr


def test_version_and_bare_call() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"ivif {__version__}\n"
    assert "fuse" in CliRunner().invoke(app, []).output


def test_unknown_command_and_option_name_the_nearest() -> None:
    command = CliRunner().invoke(app, ["fues"])
    assert command.exit_code == 2
    assert "'fuse'" in command.stderr
    option = CliRunner().invoke(app, ["fuse", "--ouput", "x"])
    assert option.exit_code == 2
    assert "--output" in option.stderr


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("fuse a.png b.png out.png", "ivif fuse --ir a.png --vis b.png -o out.png"),
        ("fuse a.png b.png", "ivif fuse --ir a.png --vis b.png -o fused.png"),
        ("fuse a.png b.png -o x.png --goal dark", "ivif fuse --ir a.png --vis b.png -o x.png --goal dark"),
        ("evaluate ir vis fused --json", "ivif evaluate --ir ir --vis vis --fused fused --json"),
        ("align a.png b.png rig.json", "ivif align --ir a.png --vis b.png -o rig.json"),
    ],
)
def test_names_without_options_are_answered_with_the_line_that_was_meant(said: str, meant: str) -> None:
    done = CliRunner().invoke(app, said.split())
    assert done.exit_code == 2
    assert done.stderr == f"error: file names go with options ({meant})\n"


@pytest.mark.parametrize("said", ["fuse a b c d", "info a", "fuse a --nonsense"])
def test_what_cannot_be_told_is_not_guessed(said: str) -> None:
    done = CliRunner().invoke(app, said.split())
    assert done.exit_code == 2 and "go with options" not in done.stderr


def small_app(error: BaseException) -> typer.Typer:
    small = typer.Typer()

    def fail() -> None:
        raise error

    small.command()(guarded(fail))
    return small


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (InputError("a.png is empty", "give another"), 1, "error: a.png is empty (give another)"),
        (UsageError("no\nsuch   thing"), 2, "error: no such thing"),
        (PermissionError(13, "Permission denied", "/x"), 1, "Permission denied: /x"),
        (MemoryError(), 1, "out of memory"),
        (ModuleNotFoundError("No module named 'open_clip'", name="open_clip"), 1, "open_clip"),
        (ImportError("libGL.so.1: cannot open shared object file", name="cv2"), 1, "apt-get install libgl1, or "),
        (ValueError("odd"), 1, "a defect in ivif"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_every_error_is_one_line_and_a_status(
    error: BaseException, status: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ivif_cli.commands.console.silence_stdout", lambda: None)
    done = CliRunner().invoke(small_app(error), [])
    assert done.exit_code == status
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == (1 if words else 0)
    assert done.stdout == ""


def test_debugging_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IVIF_DEBUG", "1")
    assert "Traceback" in CliRunner().invoke(small_app(ValueError("odd")), []).stderr


def test_json_refuses_nan_and_keeps_unicode(capsys: pytest.CaptureFixture[str]) -> None:
    Console().result_json({"name": "夜"})
    assert "夜" in capsys.readouterr().out
    with pytest.raises(ValueError, match="JSON compliant"):
        Console().result_json({"value": float("nan")})


def test_results_and_notes_go_their_own_ways(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console.result("result")
    console.note("note")
    console.warn("warned")
    with console.progress(2, "fusing") as advance:
        advance(2)
    out, err = capsys.readouterr()
    assert out == "result\n"
    assert err.splitlines() == ["note", "warning: warned"]


def test_describe() -> None:
    assert describe(OSError(28, "No space left on device"))[0] == "No space left on device"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "shown"), [(_Terminal, True), (io.StringIO, False)])
def test_progress_shows_on_a_terminal_whatever_stdout_is(
    monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO], shown: bool
) -> None:
    monkeypatch.setattr(sys, "stderr", stream())
    with Console(machine=True).progress(2, "scoring", "pair") as advance:
        advance(2)
    assert ("scoring" in sys.stderr.getvalue()) == shown  # type: ignore[attr-defined]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("options", [["--version"], ["--help"], ["--show-completion", "bash"]])
def test_a_full_disk_under_stdout_is_told_in_one_line(options: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "ivif_cli", *options]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr and "No space left" in done.stderr
    assert len(done.stderr.splitlines()) == 1
