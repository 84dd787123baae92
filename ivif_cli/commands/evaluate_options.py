"""Options of `ivif evaluate` that no other command has, under the headings of its help."""

from pathlib import Path
from typing import Annotated

import typer

from ivif_cli.commands.options import INFRARED, RESULT, SOURCES, SPEED

METRICS, GATES, WORDS = "Metrics", "Gates", "The language score"
FORMATS = ("table", "json", "csv", "markdown", "latex")

IrOption = Annotated[Path | None, typer.Option("--ir", help="Infrared picture or folder.", rich_help_panel=SOURCES)]
VisOption = Annotated[Path | None, typer.Option("--vis", help="Visible picture or folder.", rich_help_panel=SOURCES)]
FusedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--fused", metavar="[NAME=]DIR", help="Fused pictures; repeated: methods to rank.", rich_help_panel=SOURCES
    ),
]
DatasetOption = Annotated[
    list[str] | None, typer.Option(help="Named dataset in the place of --ir and --vis.", rich_help_panel=SOURCES)
]
ModelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        "-m",
        help="To fuse with first: base, fast, a .safetensors or .onnx file; may be repeated.",
        rich_help_panel=SOURCES,
    ),
]
BaselinesOption = Annotated[
    bool,
    typer.Option("--baselines", help="Score average, maximum and Laplacian pyramid as well.", rich_help_panel=SOURCES),
]
CommonOption = Annotated[
    bool,
    typer.Option(
        "--common", help="Leave out pairs that not every --fused method has a picture of.", rich_help_panel=SOURCES
    ),
]
MetricsOption = Annotated[
    str,
    typer.Option(
        metavar="NAMES",
        help="Comma-separated names and groups: default (the six and K), six, kept, clean, all.",
        rich_help_panel=METRICS,
    ),
]
ConventionOption = Annotated[
    str,
    typer.Option(
        help="ivif, matlab, cddfuse, vifb or ivif-zoo: whose definitions are computed.", rich_help_panel=METRICS
    ),
]
ExplainOption = Annotated[
    str | None,
    typer.Option(
        metavar="METRIC",
        help="Print formula, source, range and what others do; `all` for every one.",
        rich_help_panel=METRICS,
    ),
]
LabelsOption = Annotated[
    Path | None,
    typer.Option(
        help="YOLO labels of people, in ir/ and vis/ like the pairs: adds the metric T_ir.", rich_help_panel=METRICS
    ),
]
ReportOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--report",
        help="Write a report: .json, .csv, .md, .tex, .html or .xml (JUnit); repeatable.",
        rich_help_panel=RESULT,
    ),
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Let --report replace any file.", rich_help_panel=RESULT)
]
FormatOption = Annotated[
    str, typer.Option("--format", help=f"Of the result: {', '.join(FORMATS)}.", rich_help_panel=RESULT)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Short for --format json.", rich_help_panel=RESULT)]
MinOption = Annotated[
    list[str] | None,
    typer.Option(
        "--min",
        metavar="METRIC[:STAT]=VALUE",
        help="At least VALUE; STAT is mean, median, pN, each or @PAIR, as in K:p10=0.5.",
        rich_help_panel=GATES,
    ),
]
MaxOption = Annotated[
    list[str] | None,
    typer.Option("--max", metavar="METRIC[:STAT]=VALUE", help="At most VALUE.", rich_help_panel=GATES),
]
BaselineOption = Annotated[
    Path | None,
    typer.Option(help="No metric is worse than in this JSON report, pair by pair.", rich_help_panel=GATES),
]
ToleranceOption = Annotated[
    list[str] | None,
    typer.Option(
        help="What may be lost against --baseline: 1% of the mean, or SD=0.5 of one metric; repeatable.",
        rich_help_panel=GATES,
    ),
]
BitDepthOption = Annotated[
    int | None,
    typer.Option(help="8: map 16-bit pictures first instead of refusing them.", rich_help_panel=INFRARED),
]
ClipOption = Annotated[str, typer.Option(help="Encoder of LDS: compact, or an open_clip name.", rich_help_panel=WORDS)]
ClipPretrainedOption = Annotated[
    str | None, typer.Option(help="open_clip's tag of its weights.", rich_help_panel=WORDS)
]
ClipWeightsOption = Annotated[Path | None, typer.Option(help="Weights file of that encoder.", rich_help_panel=WORDS)]
PromptsOption = Annotated[
    Path | None, typer.Option(help="Texts of LDS: a file of `ivif embed-prompts`.", rich_help_panel=WORDS)
]
PromptSetOption = Annotated[
    str | None, typer.Option(help="Name of the set in it; the first by default.", rich_help_panel=WORDS)
]
WorkersOption = Annotated[
    int | None, typer.Option(min=1, help="Processes that score; default: as needed.", rich_help_panel=SPEED)
]
ScoreDeviceOption = Annotated[
    str,
    typer.Option(help="To score on: cpu, or cuda in batches (the six metrics of ivif).", rich_help_panel=SPEED),
]
