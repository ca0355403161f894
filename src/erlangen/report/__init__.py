"""One self-contained HTML page from one or several audits."""

from erlangen.report.page import Section, write_report

__all__ = ["Section", "write_report"]
