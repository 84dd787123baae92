"""`ivif embed-prompts`: the texts of an objective, embedded once, into a file that `ivif train --prompts` takes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivif_cli.commands.console import Console
from ivif_cli.core.errors import OutputError, UsageError

if TYPE_CHECKING:
    from ivif_cli.core.language.goal import Goal


def embed_prompts(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write (.safetensors).")] = None,
    explain: Annotated[
        list[str] | None, typer.Option("--explain", help="Say how a text is read, and write nothing; repeatable.")
    ] = None,
    ir: Annotated[str | None, typer.Option("--ir", help="Text of the infrared source.")] = None,
    vis: Annotated[str | None, typer.Option("--vis", help="Text of the visible source.")] = None,
    fused: Annotated[str | None, typer.Option("--fused", help="Text of the objective.")] = None,
    name: Annotated[str, typer.Option("--name", help="Name of the prompt set.")] = "default",
    prompts: Annotated[
        Path | None, typer.Option("--prompts", "-p", help="TOML file with a table a set: [NAME] ir, vis, fused.")
    ] = None,
    template: Annotated[
        list[str] | None, typer.Option("--template", help="Text with {} to put the prompts into; repeat to average.")
    ] = None,
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="Average over the built-in templates ('a photo of {}', ...).")
    ] = False,
    clip: Annotated[str, typer.Option("--clip", help="compact, an open_clip model, or its JSON file.")] = "compact",
    clip_pretrained: Annotated[str | None, typer.Option("--clip-pretrained", help="open_clip's tag.")] = None,
    clip_weights: Annotated[Path | None, typer.Option("--clip-weights", help="Local weights file.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No notes.")] = False,
) -> None:
    """Embed the texts of an objective with a language-image encoder and print their cosines.

    Texts that are not given are the paper's. The file remembers texts, templates and encoder.
    """
    console = Console(machine=json_, quiet=quiet)
    said = {role: text for role, text in (("ir", ir), ("vis", vis), ("fused", fused)) if text is not None}
    if explain:
        asked = {"--output": output, "--prompts": prompts, "--ir": ir, "--vis": vis, "--fused": fused}
        _explain(console, explain, [name for name, value in asked.items() if value], clip, clip_weights)
        return
    if output is None:
        raise UsageError("no file to write", "-o FILE.safetensors, or --explain TEXT to see how a text is read")
    if output.suffix != ".safetensors":
        raise UsageError(f"{output} should end in .safetensors")
    if output.exists() and not overwrite:
        raise OutputError(f"{output} exists", "--overwrite replaces it")
    if template and ensemble:
        raise UsageError("--template and --ensemble do not go together")
    if prompts is not None and said:
        raise UsageError("--prompts does not go with --ir, --vis or --fused", "write the texts into the file")

    from ivif_cli.core.language.encoder import load_encoder
    from ivif_cli.core.language.explain import TOO_LONG
    from ivif_cli.core.language.goal import Texts, embed_texts
    from ivif_cli.core.language.prompts import TEMPLATES, read_prompt_file, save_goals

    sets, own = ({name: Texts(**said)}, ()) if prompts is None else read_prompt_file(prompts)
    frames = tuple(template or (TEMPLATES if ensemble else ())) or own or ("{}",)
    encoder = load_encoder(clip, pretrained=clip_pretrained, weights=clip_weights)
    texts = [text for texts in sets.values() for text in texts]
    if (reader := encoder.text) is not None:
        reader.check_all(texts)
        read = [*texts, *frames]
        if unknown := list(dict.fromkeys(word for text in read for word in reader.unknown_words(text))):
            hint = "say it in other words, or use a full CLIP (--clip ViT-B-32, or --clip-weights FILE)"
            console.warn(f"the compact CLIP does not know: {', '.join(unknown)}; {hint}")
        for text in filter(reader.too_long, read):
            console.warn(TOO_LONG.format(text))
    embedded = [embed_texts(encoder, texts, name, frames) for name, texts in sets.items()]
    _report(console, embedded, output, save_goals(output, embedded))


def _explain(console: Console, texts: list[str], others: list[str], clip: str, weights: Path | None) -> None:
    """Say how the compact CLIP reads each text."""
    if others:
        raise UsageError(f"--explain writes no file and does not go with {', '.join(others)}", "ask apart")
    if clip != "compact":
        raise UsageError("--explain reads the claims of the compact CLIP; other encoders have none", "leave out --clip")
    from ivif_cli.core.language.explain import explain_all
    from ivif_cli.core.language.text_tower import load_text_tower

    read = explain_all(texts, load_text_tower(weights))
    for explanation in read:
        for warning in explanation.warnings():
            console.warn(warning)
        if not console.machine:
            console.result(f"{explanation.text}: {explanation.line()}")
    if console.machine:
        console.result_json({"schema": 1, "explained": [explanation.as_json() for explanation in read]})


def _report(console: Console, sets: list["Goal"], output: Path, sha256: str) -> None:
    from ivif_cli.core.language.prompts import cosine_table

    columns = ["cos(fused, ir)", "cos(fused, vis)", "cos(ir, vis)", "cos(directions)"]
    rows = cosine_table(sets)
    if console.machine:
        cosines = {name: dict(zip(columns, values, strict=True)) for name, *values in rows}
        encoder = {"name": sets[0].encoder, "sha256": sets[0].sha256}
        console.result_json({"schema": 1, "output": str(output), "sha256": sha256, "encoder": encoder, "sets": cosines})
        return
    told = [[name, *(f"{value:.3f}" for value in values)] for name, *values in rows]
    console.table(f"Cosines, encoder {sets[0].encoder} ({sets[0].sha256[:12]})", ["set", *columns], told)
    console.note(f"wrote {output}")
