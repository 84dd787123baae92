"""JUnit XML for pipelines: a test case a gate, and one a method for pictures that could not be scored."""

import re
from xml.etree import ElementTree as Xml

from ivif_cli.core.reports.columns import Column, number
from ivif_cli.core.reports.report import Report
from ivif_cli.core.reports.tables import interval_text
from ivif_cli.core.scoring.judged import GateResult

SUITE = "ivif evaluate"
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _clean(text: str) -> str:
    """Text without characters that XML cannot hold."""
    return _FORBIDDEN.sub("�", text)


def as_junit(report: Report) -> str:
    """One test suite; a missed gate is a failure, a picture without scores an error."""
    suite = Xml.Element("testsuite", name=_clean(f"{SUITE}: {report.title}"))
    for result in report.gates:
        suite.append(_gate_case(result))
    for index in range(len(report.evaluation.methods)):
        suite.append(_method_case(report, index))
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall(".//failure"))))
    suite.set("errors", str(len(suite.findall(".//error"))))
    Xml.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(suite, encoding="unicode") + "\n"


def _gate_case(result: GateResult) -> Xml.Element:
    bound = "" if result.bound is None else f" {result.bound:.6g}"
    name = _clean(f"{result.label} {result.kind}{bound}")
    case = Xml.Element("testcase", classname="ivif.gates", name=name)
    if not result.passed:
        Xml.SubElement(case, "failure", message=_clean(str(result)))
    Xml.SubElement(case, "system-out").text = _clean(str(result))
    return case


def _method_case(report: Report, index: int) -> Xml.Element:
    method = report.evaluation.methods[index]
    case = Xml.Element("testcase", classname="ivif.methods", name=_clean(method.name))
    if method.failed:
        error = Xml.SubElement(case, "error", message=f"{len(method.failed)} pictures could not be scored")
        error.text = _clean("\n".join(f"{failure.name}: {failure.error}" for failure in method.failed))
    lines = [_value_line(report, column, index) for column in report.columns]
    Xml.SubElement(case, "system-out").text = _clean("\n".join(lines))
    return case


def _value_line(report: Report, column: Column, index: int) -> str:
    """A value with its interval and its test against the first method."""
    method = report.evaluation.methods[index]
    line = f"{column.name} {number(column.metric, column.value(method))}"
    interval = interval_text(report, column, index)
    line += f" (95 % interval {interval})" if interval else ""
    test = None if column.is_tail else report.test(method.name, column.metric)
    return f"{line}, against {report.evaluation.first.name} p = {test.p_holm:.2g}" if test else line
