"""Pictures for reports that are made from JSON: read where they were scored, if they are there and the same still."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ivif_cli.core.data.images import file_sha256
from ivif_cli.core.data.pairing import Pair
from ivif_cli.core.errors import InputError, IvifError
from ivif_cli.core.reports.scenes import Scenes, make_scenes
from ivif_cli.core.scoring.contenders import FolderContender
from ivif_cli.core.scoring.reading import read_tasks
from ivif_cli.core.scoring.results import Evaluation, FusedFile
from ivif_cli.core.scoring.run import data_hashes
from ivif_cli.core.scoring.task import Contender, ReadOptions, read_options


def saved_scenes(evaluation: Evaluation, options: Mapping[str, Any], shown: Mapping[str, bool]) -> Scenes:
    """Pictures of `shown_scenes`; what is gone, has changed since, or was fused by a model is left out.

    Args:
        options: those of the run that scored them, as the JSON has them: pairs are read likewise.
    """
    every = [Pair(name, Path(ir), Path(vis)) for name, (ir, vis) in evaluation.files.items() if name in evaluation.data]
    wanted = [pair for pair in every if pair.name in shown]
    hashes = data_hashes(wanted)
    pairs = [pair for pair in wanted if hashes.get(pair.name) == evaluation.data[pair.name]]
    contenders: list[Contender] = [
        FolderContender(method.name, {name: Path(file.path) for name, file in method.files.items() if _is_there(file)})
        for method in evaluation.methods
    ]
    try:
        read = _reading(options, every)
    except IvifError:  # a file that aligns them, which is gone
        return {}
    return make_scenes(read_tasks(pairs, contenders, read), contenders, shown)


def _is_there(file: FusedFile) -> bool:
    try:
        return file_sha256(Path(file.path)) == file.sha256
    except InputError:
        return False


def _reading(options: Mapping[str, Any], pairs: list[Pair]) -> ReadOptions:
    align = options.get("align")
    return read_options(
        8,
        pairs,
        ir_range=str(options.get("ir_range", "auto")),
        polarity=str(options.get("ir_polarity", "white")),
        resize=bool(options.get("resize", False)),
        align=None if align is None else str(align),
    )
