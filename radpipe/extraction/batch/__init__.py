"""A whole cohort: one row or one named failure a case. Only this room catches a case's error.

::

    features.extract_runs, cutting.cut_patches    what is made: recipe.Recipe
    cohort_run.run_cohort        manifest, locks
      work.hashed, rois.rois_of      what is known of the files, one case a label
      ledger.Ledger.take_up          what the run holds already
      work.compute                   the rest: estimate, submit, collect, decide
        job.run_job                      in a worker: all units of one image
        alone.run_alone                  a suspect once more, in a process of its own
      ledger.Ledger.finish           tables
"""

from radpipe.extraction.batch.cutting import cut_patches
from radpipe.extraction.batch.features import extract, extract_run, extract_runs
from radpipe.extraction.batch.ledger import Summary
from radpipe.extraction.batch.options import Options

__all__ = ["Options", "Summary", "cut_patches", "extract", "extract_run", "extract_runs"]
