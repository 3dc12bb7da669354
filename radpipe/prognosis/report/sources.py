"""The extraction run behind an evaluation, if it is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radpipe.errors import RadpipeError
from radpipe.store import Run


@dataclass(frozen=True)
class Extraction:
    """The run that the features came from.

    Attributes
    ----------
    run : Run or None
        None where it was not found.
    looked : list of str
        Where it was looked for.
    """

    run: Run | None
    looked: list[str]


def find_extraction(metrics: dict[str, Any], folder: Path, named: Path | None) -> Extraction:
    """Find the extraction run behind an evaluation.

    Parameters
    ----------
    metrics : dict
        ``metrics.json``, whose ``source.run`` says where the run lay.
    folder : Path
        The evaluation directory; a run that moved along with it is found beside it.
    named : Path, optional
        Where the user says it is.

    Returns
    -------
    Extraction
        The run, or where it was looked for.

    Raises
    ------
    RunError
        There is no run at ``named``.
    """
    if named is not None:
        Run(named).facts()
        return Extraction(Run(named), [str(named)])
    told = metrics.get("source", {}).get("run")
    if not told:
        return Extraction(None, [])
    places = list(
        dict.fromkeys([Path(told), folder.parent / told, folder.parent / Path(told).name])
    )
    for place in places:
        if _is_run(Run(place)):
            return Extraction(Run(place), [str(place)])
    return Extraction(None, [str(place) for place in places])


def _is_run(run: Run) -> bool:
    try:
        run.facts()
        run.features()
        run.diagnostics()
        run.failures()
    except (RadpipeError, OSError, ValueError):
        return False
    return True
