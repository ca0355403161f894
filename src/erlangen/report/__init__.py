"""One self-contained HTML page from one or several audits."""

from erlangen.audit.result import PAGE_WRITERS
from erlangen.report.logo import sequence_logo, write_logo
from erlangen.report.page import Section, write_report

PAGE_WRITERS.update({".html": write_report, ".htm": write_report})

__all__ = ["Section", "sequence_logo", "write_logo", "write_report"]
