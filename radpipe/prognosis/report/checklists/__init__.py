"""Reporting checklists, prefilled with what an evaluation and its run know."""

from radpipe.prognosis.report.checklists.write import folder_beside, write_checklists

__all__ = ["folder_beside", "write_checklists"]
