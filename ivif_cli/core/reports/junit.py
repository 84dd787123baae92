"""JUnit XML for pipelines: a test case a gate, and one a method for pictures that could not be scored."""

import re
from xml.etree import ElementTree as Xml

from ivif_cli.core.reports.report import Report

SUITE = "ivif evaluate"
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _clean(text: str) -> str:
    """Text without characters that XML cannot hold."""
    return _FORBIDDEN.sub("�", text)


def as_junit(report: Report) -> str:
    """One test suite; a missed gate is a failure, a picture without scores an error."""
    suite = Xml.Element("testsuite", name=_clean(f"{SUITE}: {report.title}"))
    for result in report.gates:
        bound = "" if result.bound is None else f" {result.bound:.6g}"
        name = _clean(f"{result.label} {result.kind}{bound}")
        case = Xml.SubElement(suite, "testcase", classname="ivif.gates", name=name)
        if not result.passed:
            Xml.SubElement(case, "failure", message=_clean(str(result)))
        Xml.SubElement(case, "system-out").text = _clean(str(result))
    for index, method in enumerate(report.evaluation.methods):
        case = Xml.SubElement(suite, "testcase", classname="ivif.methods", name=_clean(method.name))
        if method.failed:
            error = Xml.SubElement(case, "error", message=f"{len(method.failed)} pictures could not be scored")
            error.text = _clean("\n".join(f"{failure.name}: {failure.error}" for failure in method.failed))
        Xml.SubElement(case, "system-out").text = _clean("\n".join(_value_lines(report, index)))
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall(".//failure"))))
    suite.set("errors", str(len(suite.findall(".//error"))))
    Xml.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(suite, encoding="unicode") + "\n"


def _value_lines(report: Report, index: int) -> list[str]:
    """A method's values, each with its interval and its test against the first method."""
    lines = []
    method, first = report.evaluation.methods[index].name, report.evaluation.first.name
    for column, cell in zip(report.columns, report.cells(index), strict=False):
        line = f"{column.name} {cell.text}" + (f" (95 % interval {cell.small})" if cell.small else "")
        test = None if column.is_tail else report.test(method, column.metric)
        lines.append(f"{line}, against {first} p = {test.p_holm:.2g}" if test else line)
    return lines
