"""JUnit XML for pipelines: a test case a gate, one a method for pictures that could not be scored."""

import re
from xml.etree import ElementTree as Xml

from ivif_cli.core.reports.report import Report
from ivif_cli.core.scoring.gates import GateResult
from ivif_cli.core.scoring.results import MethodScores

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _clean(text: str) -> str:
    """Text without characters that XML cannot hold."""
    return _FORBIDDEN.sub("�", text)


def as_junit(report: Report) -> str:
    """One test suite; a missed gate is a failure, a picture without scores an error."""
    suite = Xml.Element("testsuite", name=_clean(f"ivif evaluate: {report.title}"))
    for result in report.gates:
        suite.append(_gate_case(result))
    for method in report.evaluation.methods:
        suite.append(_method_case(method))
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall(".//failure"))))
    suite.set("errors", str(len(suite.findall(".//error"))))
    Xml.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(suite, encoding="unicode") + "\n"


def _gate_case(result: GateResult) -> Xml.Element:
    gate = result.gate
    case = Xml.Element("testcase", classname="ivif.gates", name=f"{gate.metric} {gate.kind} {gate.bound:.6g}")
    if not result.passed:
        Xml.SubElement(case, "failure", message=_clean(str(result)))
    return case


def _method_case(method: MethodScores) -> Xml.Element:
    case = Xml.Element("testcase", classname="ivif.methods", name=_clean(method.name))
    if method.failed:
        error = Xml.SubElement(case, "error", message=f"{len(method.failed)} pictures could not be scored")
        error.text = _clean("\n".join(f"{failure.name}: {failure.error}" for failure in method.failed))
    return case
