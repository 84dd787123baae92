"""Options that commands share: their names, what their help says, and the heading under which it stands."""

from pathlib import Path
from typing import Annotated

import typer

SOURCES, WANTED, INFRARED, RESULT = "Pictures", "What is wanted", "Infrared", "Result"
VIDEOS, SPEED = "Videos", "Device and speed"

DataRootOption = Annotated[
    Path | None, typer.Option(help="Where the dataset lies (default: IVIF_DATA).", rich_help_panel=SOURCES)
]
ManifestOption = Annotated[
    Path | None,
    typer.Option(help="CSV file of pairs: columns ir, vis and, where wanted, out and name.", rich_help_panel=SOURCES),
]
StrictOption = Annotated[
    bool,
    typer.Option(
        "--strict", help="Refuse, before any work, files without a partner or of one stem.", rich_help_panel=SOURCES
    ),
]
MaxGapOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        metavar="SECONDS",
        help="Pair what is left by the time stamps in the names, at most this far apart.",
        rich_help_panel=SOURCES,
    ),
]
ResizeOption = Annotated[
    bool,
    typer.Option("--resize", help="Bring the infrared picture to the visible size.", rich_help_panel=INFRARED),
]
AlignOption = Annotated[
    str | None,
    typer.Option(metavar="ecc|FILE", help="Align each pair, or use a file of `ivif align`.", rich_help_panel=INFRARED),
]
CropOption = Annotated[
    str | None,
    typer.Option(
        metavar="centre|seen|X,Y,W,H",
        help="Keep of the visible picture its middle in the infrared one's ratio, what both show, or a box.",
        rich_help_panel=INFRARED,
    ),
]
IrRangeOption = Annotated[
    str,
    typer.Option(
        metavar="RULE",
        help="Values that become black and white: auto, picture, run, full or LOW,HIGH.",
        rich_help_panel=INFRARED,
    ),
]
IrPolarityOption = Annotated[
    str,
    typer.Option(
        metavar="white|black", help="Whether hot is white or black in the infrared.", rich_help_panel=INFRARED
    ),
]
FpsOption = Annotated[
    float | None, typer.Option(help="Frames per second, where the sources do not say.", rich_help_panel=VIDEOS)
]
AnyRateOption = Annotated[
    bool, typer.Option("--any-rate", help="Take videos of two rates frame by frame.", rich_help_panel=VIDEOS)
]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=SPEED)]
PrecisionOption = Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.", rich_help_panel=SPEED)]
ThreadsOption = Annotated[int | None, typer.Option(min=1, help="CPU threads of the network.", rich_help_panel=SPEED)]
TileOption = Annotated[
    int | None, typer.Option(min=0, help="Side of tiles [px]; 0: none; default: as needed.", rich_help_panel=SPEED)
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and notes.")]
