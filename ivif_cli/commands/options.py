"""Options that commands share: their names, what their help says, and the heading under which it stands."""

from pathlib import Path
from typing import Annotated, Any

import typer

SOURCES, WANTED, INFRARED, RESULT = "Pictures", "What is wanted", "Infrared", "Result"
VIDEOS, SPEED = "Videos", "Device and speed"


def option(panel: str, help: str, *names: str, **more: Any) -> Any:
    """`typer.Option` under a heading of the help."""
    return typer.Option(*names, help=help, rich_help_panel=panel, **more)


DataRootOption = Annotated[Path | None, option(SOURCES, "Where the dataset lies (default: IVIF_DATA).")]
ManifestOption = Annotated[
    Path | None, option(SOURCES, "CSV file of pairs: columns ir, vis and, where wanted, out and name.")
]
StrictOption = Annotated[
    bool, option(SOURCES, "Refuse, before any work, files without a partner or of one stem.", "--strict")
]
MaxGapOption = Annotated[
    float | None,
    option(
        SOURCES,
        "Pair what is left by the time stamps in the names, videos by the times of frames, live ones too (0.1).",
        min=0,
        metavar="SECONDS",
    ),
]
ResizeOption = Annotated[bool, option(INFRARED, "Bring the infrared picture to the visible size.", "--resize")]
AlignOption = Annotated[
    str | None, option(INFRARED, "Align each pair, or use a file of `ivif align`.", metavar="ecc|FILE")
]
CropOption = Annotated[
    str | None,
    option(
        INFRARED,
        "Keep of the visible picture its middle in the infrared one's ratio, what both show, or a box.",
        metavar="centre|seen|X,Y,W,H",
    ),
]
IrRangeOption = Annotated[
    str, option(INFRARED, "Values that become black and white: auto, picture, run, full or LOW,HIGH.", metavar="RULE")
]
IrPolarityOption = Annotated[
    str, option(INFRARED, "Whether hot is white or black in the infrared.", metavar="white|black")
]
FpsOption = Annotated[float | None, option(VIDEOS, "Frames per second, where the sources do not say.")]
AnyRateOption = Annotated[bool, option(VIDEOS, "Take videos of two rates frame by frame.", "--any-rate")]
TimeoutOption = Annotated[
    float | None, option(VIDEOS, "How long a live source may stay silent (10).", min=0.1, metavar="SECONDS")
]
RetriesOption = Annotated[
    int | None, option(VIDEOS, "How often a live source that failed is connected again (5).", min=0)
]
DeviceOption = Annotated[str, option(SPEED, "auto, cpu, cuda, cuda:N or mps.")]
PrecisionOption = Annotated[str, option(SPEED, "auto, fp32, bf16 or fp16.")]
ThreadsOption = Annotated[int | None, option(SPEED, "CPU threads of the network.", min=1)]
TileOption = Annotated[int | None, option(SPEED, "Side of tiles [px]; 0: none; default: as needed.", min=0)]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and notes.")]
