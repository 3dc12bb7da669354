"""The report: one self-contained HTML file about one evaluation."""

from radpipe.prognosis.report.page import write_report

__all__ = ["write_report"]
