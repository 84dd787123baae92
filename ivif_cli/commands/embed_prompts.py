"""`ivif embed-prompts`: the texts of an objective, embedded once, into a file that `ivif train --prompts` takes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivif_cli.commands.console import Console
from ivif_cli.core.errors import OutputError, UsageError

if TYPE_CHECKING:
    from ivif_cli.core.language.encoder import Encoder
    from ivif_cli.core.language.goal import Goal, Texts


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
    if explain:
        asked = {"--output": output, "--prompts": prompts, "--ir": ir, "--vis": vis, "--fused": fused}
        _explain(console, explain, [name for name, value in asked.items() if value], clip, clip_weights, json_)
        return
    if output is None:
        raise UsageError("no file to write", "-o FILE.safetensors, or --explain TEXT to see how a text is read")
    _check_output(output, overwrite)
    sets, frames = _chosen(ir, vis, fused, name, prompts, template, ensemble)

    from ivif_cli.core.language.encoder import load_encoder
    from ivif_cli.core.language.goal import embed_texts
    from ivif_cli.core.language.prompts import save_goals

    encoder = load_encoder(clip, pretrained=clip_pretrained, weights=clip_weights)
    texts = [text for texts in sets.values() for text in texts]
    if encoder.text is not None:
        encoder.text.check_all(texts)
    _warn_of_words(console, encoder, [*texts, *frames])
    embedded = [embed_texts(encoder, texts, name, frames) for name, texts in sets.items()]
    sha256 = save_goals(output, embedded)
    _report(console, embedded, output, sha256, json_)


def _explain(
    console: Console, texts: list[str], others: list[str], clip: str, weights: Path | None, as_json: bool
) -> None:
    """Say how the compact CLIP reads each text."""
    if others:
        raise UsageError(f"--explain writes no file and does not go with {', '.join(others)}", "ask apart")
    if clip != "compact":
        raise UsageError("--explain reads the claims of the compact CLIP; other encoders have none", "leave out --clip")
    from ivif_cli.core.language.explain import explain_all
    from ivif_cli.core.language.text_tower import load_text_tower

    encoder = load_text_tower(weights)
    read = explain_all(texts, encoder)
    for explanation in read:
        for warning in explanation.warnings():
            console.warn(warning)
        if not as_json:
            console.result(f"{explanation.text}: {explanation.line()}")
    if as_json:
        console.result_json({"schema": 1, "explained": [explanation.as_json() for explanation in read]})


def _check_output(output: Path, overwrite: bool) -> None:
    if output.suffix != ".safetensors":
        raise UsageError(f"{output} should end in .safetensors")
    if output.exists() and not overwrite:
        raise OutputError(f"{output} exists", "--overwrite replaces it")


def _chosen(
    ir: str | None,
    vis: str | None,
    fused: str | None,
    name: str,
    prompts: Path | None,
    template: list[str] | None,
    ensemble: bool,
) -> tuple[dict[str, "Texts"], tuple[str, ...]]:
    """Prompt sets and templates of the options, or of the TOML file."""
    from ivif_cli.core.language.goal import Texts
    from ivif_cli.core.language.prompts import TEMPLATES, read_prompt_file

    if template and ensemble:
        raise UsageError("--template and --ensemble do not go together")
    frames = tuple(template or (TEMPLATES if ensemble else ()))
    texts = {role: text for role, text in (("ir", ir), ("vis", vis), ("fused", fused)) if text is not None}
    if prompts is None:
        return {name: Texts(**texts)}, frames or ("{}",)
    if texts:
        raise UsageError("--prompts does not go with --ir, --vis or --fused", "write the texts into the file")
    sets, own = read_prompt_file(prompts)
    return sets, frames or own or ("{}",)


def _warn_of_words(console: Console, encoder: "Encoder", texts: list[str]) -> None:
    unknown = list(dict.fromkeys(word for text in texts for word in encoder.unknown_words(text)))
    if unknown:
        console.warn(
            f"the compact CLIP does not know: {', '.join(unknown)}; say it in other words, or use a full CLIP "
            "(--clip ViT-B-32, or --clip-weights FILE)"
        )
    for text in texts:
        if encoder.too_long(text):
            console.warn(f"only the beginning of a text is read, it is too long for the encoder: {text!r}")


def _report(console: Console, sets: list["Goal"], output: Path, sha256: str, as_json: bool) -> None:
    from ivif_cli.core.language.prompts import cosine_table

    columns = ["cos(fused, ir)", "cos(fused, vis)", "cos(ir, vis)", "cos(directions)"]
    rows = cosine_table(sets)
    if as_json:
        cosines = {name: dict(zip(columns, values, strict=True)) for name, *values in rows}
        encoder = {"name": sets[0].encoder, "sha256": sets[0].sha256}
        console.result_json({"schema": 1, "output": str(output), "sha256": sha256, "encoder": encoder, "sets": cosines})
        return
    console.table(
        f"Cosines, encoder {sets[0].encoder} ({sets[0].sha256[:12]})",
        ["set", *columns],
        [[name, *(f"{value:.3f}" for value in values)] for name, *values in rows],
    )
    console.note(f"wrote {output}")
