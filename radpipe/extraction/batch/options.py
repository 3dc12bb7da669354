"""How a batch is run: nothing here decides a value."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from radpipe.errors import SettingsError
from radpipe.parallel import default_workers, require_workers

log = logging.getLogger("radpipe")
RETRY = ("failed", "none")
TIMEOUT_S = 3600.0
# Three years; the clock overflows at some hundred.
MOST_SECONDS = 1e8
# Workers a core.
_CROWD = 4
# A worker that has imported everything takes some 250 MB.
LEAST_MEMORY = 500_000_000


@dataclass(frozen=True)
class Options:
    """How a batch is run.

    Attributes
    ----------
    workers : int
        Worker processes on this machine; 0 computes in this process, where no case can be ended.
    scheduler : str or None
        Address of a running Dask scheduler, whose workers compute in place of them.
    memory : int or None
        Bytes for all cases under way on this machine, and for any one of them; most of what the
        machine has if None.
    timeout_s : float
        Seconds that a case may take.
    retry : str
        Which cases that failed in an earlier command are tried again: ``failed`` or ``none``.
    fresh : bool
        Compute all again, whatever the run holds.
    """

    workers: int = 0
    scheduler: str | None = None
    memory: int | None = None
    timeout_s: float = TIMEOUT_S
    retry: str = "failed"
    fresh: bool = False

    def check(self) -> None:
        """Refuse what has no meaning.

        Raises
        ------
        SettingsError
            An option is wrong.
        """
        require_workers(self.workers)
        if not 0 < self.timeout_s <= MOST_SECONDS:
            raise SettingsError(
                "no time for a case",
                where="--timeout",
                found=self.timeout_s,
                expected=f"seconds above 0, at most {MOST_SECONDS:.0e}",
            )
        if self.retry not in RETRY:
            raise SettingsError(
                "no such choice", where="--retry", found=self.retry, expected=" or ".join(RETRY)
            )
        if self.memory is not None and self.memory < LEAST_MEMORY:
            raise SettingsError(
                "a worker process alone takes more memory than that",
                where="--memory",
                found=f"{self.memory / 1e6:.0f} MB",
                expected=f"{LEAST_MEMORY / 1e6:.0f} MB or more",
            )
        if self.workers > _CROWD * default_workers() and self.scheduler is None:
            cores = default_workers()
            log.warning("%d workers for %d cores: they wait for each other", self.workers, cores)
        if self.memory is not None and self.workers == 0 and self.scheduler is None:
            log.warning("--memory has no effect in this process, nor has --timeout")
