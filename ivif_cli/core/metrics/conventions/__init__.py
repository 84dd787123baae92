"""Conventions by name: the same metrics as other evaluators compute them, so that a published table can be matched."""

from dataclasses import dataclass

from ivif_cli.core.metrics.conventions.cddfuse import CDDFUSE
from ivif_cli.core.metrics.conventions.ivif_zoo import IVIF_ZOO
from ivif_cli.core.metrics.conventions.matlab import MATLAB
from ivif_cli.core.metrics.conventions.vifb import VIFB
from ivif_cli.core.metrics.metric import Metric
from ivif_cli.core.metrics.registry import METRICS


@dataclass(frozen=True)
class Convention:
    """A named set of metrics; `per_channel` scores each colour channel and averages, instead of the luma."""

    name: str
    title: str
    metrics: dict[str, Metric]
    per_channel: bool = False


CONVENTIONS: dict[str, Convention] = {
    convention.name: convention
    for convention in (
        Convention("ivif", "MATLAB evaluator's definitions in exact arithmetic", METRICS),
        Convention("matlab", "General Evaluation Metric scripts for MATLAB, state of 2023", MATLAB),
        Convention("cddfuse", "NumPy evaluator published with CDDFuse", CDDFUSE),
        Convention("vifb", "visible and infrared image fusion benchmark", VIFB, per_channel=True),
        Convention("ivif-zoo", "PyTorch evaluator published with IVIF_ZOO", IVIF_ZOO),
    )
}
