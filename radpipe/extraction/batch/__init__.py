"""A whole cohort: one row or one named failure a case. Only this room catches a case's error."""

from radpipe.extraction.batch.cohort_run import extract, extract_run

__all__ = ["extract", "extract_run"]
