"""One self-contained HTML page from one or several audits, or from a comparison."""

from erlangen.audit.result import PAGE_WRITERS
from erlangen.learn.compare import result as comparisons
from erlangen.report.comparison import write_comparison
from erlangen.report.logo import sequence_logo, write_logo
from erlangen.report.page import Section, write_report

PAGE_WRITERS.update({".html": write_report, ".htm": write_report})
comparisons.PAGE_WRITERS.update({".html": write_comparison, ".htm": write_comparison})

__all__ = ["Section", "sequence_logo", "write_comparison", "write_logo", "write_report"]
