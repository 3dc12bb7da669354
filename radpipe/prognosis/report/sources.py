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
    embedded : Run or None
        The one of `radpipe embed`, which may be the same, or have no features beside it.
    patches : Run or None
        The run that cut the encoder's patches; None where it was not found.
    """

    run: Run | None
    looked: list[str]
    embedded: Run | None = None
    patches: Run | None = None

    @property
    def cases(self) -> Run | None:
        """The run that read the images: the features', or the patches' where there is no other."""
        return self.run or self.patches


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
        run = Run(named)
        if not run.embeddings_path.is_file() or run.exists():
            run.facts()
        return _extraction(run if run.exists() else None, [named])
    told = _told(metrics.get("source", {}))
    if told is None:
        return Extraction(None, [])
    places = list(dict.fromkeys([told, folder.parent / told, folder.parent / told.name]))
    for place in places:
        if _is_run(Run(place)):
            return _extraction(Run(place), [place])
    return _extraction(None, places)


def _told(source: dict[str, Any]) -> Path | None:
    if source.get("run"):
        return Path(source["run"])
    table = Path(source.get("table") or "")
    return table.parent if table.name == Run(table.parent).embeddings_path.name else None


def _extraction(run: Run | None, places: list[Path]) -> Extraction:
    embedded = next((Run(each) for each in places if Run(each).embeddings_path.is_file()), None)
    patches = None if embedded is None else embedded.patch_run
    if patches is not None and not _is_run(patches):
        patches = None
    return Extraction(run, [str(place) for place in places], embedded, patches)


def _is_run(run: Run) -> bool:
    try:
        run.facts()
        run.features()
        run.diagnostics()
        run.failures()
    except (RadpipeError, OSError, ValueError):
        return False
    return True
