"""A whole cohort: one row or one named failure a case. Only this room catches a case's error."""

from radpipe.extraction.batch.cohort_run import extract, extract_run, extract_runs
from radpipe.extraction.batch.ledger import Summary
from radpipe.extraction.batch.options import Options

__all__ = ["Options", "Summary", "extract", "extract_run", "extract_runs"]
