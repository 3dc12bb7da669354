"""Cells of tables that several sections fill alike."""

from __future__ import annotations

from radpipe.prognosis.report import words
from radpipe.prognosis.report.blocks import Cell
from radpipe.prognosis.report.evidence import Estimate


def interval_cell(found: Estimate | None, digits: int = 2, *, signed: bool = False) -> Cell:
    """Write an estimate over its interval: side by side they would be too wide for a phone.

    Parameters
    ----------
    found : Estimate or None
        The estimate.
    digits : int
        After the point.
    signed : bool
        With plus signs.

    Returns
    -------
    Cell
        A dash where there is none; sorted by the estimate.
    """
    if found is None:
        return Cell(words.MISSING)
    value, ends = words.value_and_ends(found, digits, signed=signed)
    return Cell(value, found.value, note=ends)
