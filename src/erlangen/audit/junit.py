"""An audit as JUnit XML, which continuous integration shows as tests: one case a family, one a layer."""

import re
from xml.etree import ElementTree

from erlangen.audit.baseline import Baseline
from erlangen.audit.gates import Check, checks
from erlangen.audit.result import Audit

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
SUITES = {"family": "families of symmetries", "network": "network", "layer": "layers"}


def junit(audit: Audit, max_error: float | None = None, baseline: Baseline | None = None) -> str:
    """JUnit XML: what passes, what fails and why, and what was not measured (skipped).

    Args:
        audit: what was measured.
        max_error: largest relative error that passes; see `checks`.
        baseline: what each family and layer had before.
    """
    found = checks(audit, max_error, baseline)
    root = ElementTree.Element("testsuites", name=_clean(f"audit of {audit.model} under {audit.group}"))
    _count(root, found)
    for kind, title in SUITES.items():
        members = [c for c in found if c.kind == kind]
        if not members:
            continue
        suite = ElementTree.SubElement(root, "testsuite", name=_clean(f"{audit.model}: {title}"))
        _count(suite, members)
        properties = ElementTree.SubElement(suite, "properties")
        for name, value in {"verdict": audit.verdict, "domain": audit.domain, **audit.settings}.items():
            ElementTree.SubElement(properties, "property", name=name, value=_clean(str(value)))
        for check in members:
            _case(suite, check, f"erlangen.audit.{audit.model}.{kind}")
    ElementTree.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(suite: ElementTree.Element, check: Check, owner: str) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=_clean(owner), name=_clean(check.name), time="0")
    error = "not measured" if check.error is None else f"relative error {check.error:.3g}"
    if not check.passed:
        limit = "" if check.limit is None else f", passes up to {check.limit:.3g}"
        message = ElementTree.SubElement(
            case, "failure", type="EquivarianceError", message=_clean(f"{error}{limit}: {check.text}")
        )
        message.text = _clean(check.text)
    elif skipped(check):
        ElementTree.SubElement(case, "skipped", message=_clean(f"{error}: {check.text}"))
    else:
        ElementTree.SubElement(case, "system-out").text = error


def skipped(check: Check) -> bool:
    """Whether a check says nothing: a family nobody declared, a layer that was not measured."""
    return check.passed and (check.error is None or (check.kind == "family" and check.limit is None))


def _count(element: ElementTree.Element, found: "tuple[Check, ...] | list[Check]") -> None:
    element.set("tests", str(len(found)))
    element.set("failures", str(sum(not c.passed for c in found)))
    element.set("errors", "0")
    if element.tag == "testsuite":
        element.set("skipped", str(sum(skipped(c) for c in found)))
    element.set("time", "0")


def _clean(text: str) -> str:
    """Without the characters that XML 1.0 forbids."""
    return FORBIDDEN.sub("\ufffd", text)
