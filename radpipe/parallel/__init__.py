"""Every parallel run: Dask worker processes on this machine or a cluster, threads, or none at all.

Cases and folds both go through a :class:`Pool`; no other room knows Dask. Within a case the
threads of :func:`in_threads` share compiled loops, which run without the GIL.
"""

from radpipe.parallel.machine import bytes_of, default_workers, memory_here, require_workers
from radpipe.parallel.pool import Pool, as_done, in_order
from radpipe.parallel.threads import in_threads, one_blas_thread

__all__ = [
    "Pool",
    "as_done",
    "bytes_of",
    "default_workers",
    "in_order",
    "in_threads",
    "memory_here",
    "one_blas_thread",
    "require_workers",
]
