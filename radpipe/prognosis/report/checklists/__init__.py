"""Reporting checklists, prefilled with what an evaluation and its run know."""

from radpipe.prognosis.report.checklists.write import write_checklists

__all__ = ["write_checklists"]
