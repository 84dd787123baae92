"""Wires the commands into one program. Nothing heavy is imported here: `ivif --help` answers at once."""

import contextlib
import importlib
import io
import os
import signal
import sys
import warnings
from typing import Annotated

import typer

from ivif_cli import __version__
from ivif_cli.commands.completion import with_completion
from ivif_cli.commands.console import debugging, guarded, report, silence_stdout
from ivif_cli.commands.panels import PanelledCommand
from ivif_cli.interrupts import catch_interrupts

COMMANDS = ("demo", "fuse", "evaluate", "report", "train", "embed_prompts", "align", "export", "view", "info")

app = typer.Typer(
    name="ivif",
    no_args_is_help=True,
    suggest_commands=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ivif {__version__}")
        raise typer.Exit


@app.callback()
def ivif(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Fuse infrared and visible images, score fused images, train the network.

    Results go to stdout, everything else to stderr. Exit status: 0 fine, 1 something failed, 2 usage, 3 a gate missed.
    """


EXAMPLES = {
    "demo": ("ivif demo", "ivif demo -o somewhere"),
    "fuse": (
        "ivif fuse --ir a.png --vis b.png -o out.png",
        'ivif fuse --ir a.png --vis b.png -o out.png --prompt "let the people glow" --dial bright=0.3',
        "ivif fuse --ir night/ir --vis night/vis -o night/fused",
        "ivif fuse --dataset TNO --data-root DIR -o fused --json",
        "ivif fuse --ir ir.mp4 --vis vis.mp4 -o fused.mp4",
    ),
    "evaluate": (
        "ivif evaluate --ir ir --vis vis --fused mine=a --fused theirs=b",
        "ivif evaluate --dataset TNO --data-root DIR --min VIF=0.7 --json",
        "ivif evaluate --ir ir --vis vis --baseline old.json --tolerance 1% --report report.html",
        "ivif evaluate --ir ir.mp4 --vis vis.mp4 --fused fused.mp4 --max Flicker=3",
    ),
    "report": ("ivif report old.json -o report.html", "ivif report monday.json tuesday.json -o both.md"),
    "train": (
        "ivif train --data DIR --out runs/a",
        "ivif train --data DIR --out runs/a --resume",
        "ivif train --print-config > recipe.toml",
        "torchrun --nproc-per-node 4 -m ivif_cli train --data DIR --out runs/a",
    ),
    "embed_prompts": (
        "ivif embed-prompts --fused 'a sharp bright image' -o prompts.safetensors",
        "ivif embed-prompts --prompts prompts.toml -o prompts.safetensors",
    ),
    "align": (
        "ivif align --ir ir.png --vis vis.png -o rig.json",
        "ivif fuse --ir ir --vis vis --align rig.json -o fused",
    ),
    "export": ("ivif export -o fusion.onnx",),
    "view": ("ivif view", "ivif view --ir night/ir --vis night/vis"),
    "info": ("ivif info", "ivif info --json"),
}
"""Command -> lines that a user could type; they close its help."""


def _epilog(name: str) -> str:
    """Examples as paragraphs, because the help's text is filled."""
    return "Examples:\n\n" + "\n\n".join(EXAMPLES[name])


def _register() -> None:
    """Add `commands/NAME.py`'s function NAME as the command NAME, for every name in `COMMANDS`."""
    for name in COMMANDS:
        module = importlib.import_module(f"ivif_cli.commands.{name}")
        command = guarded(with_completion(getattr(module, name)))
        app.command(name.replace("_", "-"), cls=PanelledCommand, epilog=_epilog(name))(command)


def _part_from_decoders() -> None:
    """Give this program a stderr of its own: the C libraries that decode pictures complain on descriptor 2."""
    sys.stderr.flush()
    own = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    sys.stderr = os.fdopen(own, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")


def _name_the_shell(arguments: list[str]) -> None:
    """Let `--show-completion zsh` mean zsh, and without a name the shell that runs: typer has one or the other."""
    if len(arguments) == 2 and arguments[0] in ("--show-completion", "--install-completion"):
        os.environ["_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION"] = "1"


def main() -> None:
    """Entry point of the console script."""
    if not debugging():
        warnings.simplefilter("ignore")
        with contextlib.suppress(OSError, AttributeError):
            _part_from_decoders()
    catch_interrupts()
    _name_the_shell(sys.argv[1:])
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name need not be UTF-8: it is printed with the bytes it has.
        sys.stdout.reconfigure(errors="surrogateescape" if "utf" in sys.stdout.encoding.lower() else "backslashreplace")
    try:
        app(prog_name="ivif")
    except BrokenPipeError:
        silence_stdout()
        sys.exit(141)
    except OSError as error:  # of help, version and completion, which are no commands
        status = report(error)
        silence_stdout()
        sys.exit(status)
    finally:
        # All is done: an interrupt from here on would only litter the interpreter's own ending.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


_register()
