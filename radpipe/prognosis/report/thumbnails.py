"""Small pictures of what an encoder was shown."""

from __future__ import annotations

from pathlib import Path

from radpipe.errors import RadpipeError
from radpipe.prognosis.report.figures.overlay import thumbnail
from radpipe.prognosis.report.gallery import png_uri
from radpipe.store import Run, read_table
from radpipe.store.patches import read_patch
from radpipe.store.table import read_row_keys


class Thumbnails:
    """Small pictures of the patches that a run keeps.

    Parameters
    ----------
    run : Run or None
        Where embeddings and their patches are; None shows nothing.
    """

    def __init__(self, run: Run | None) -> None:
        self._files: dict[str, Path] = {}
        if run is not None and run.embeddings_path.is_file():
            table, provenance = read_table(run.embeddings_path, ["case_id"])
            cases = table["case_id"].astype("str")
            told = provenance.settings if provenance is not None else {}
            self._spacing_mm = told.get("patch", {}).get("spacing_mm", (1.0, 1.0, 1.0))
            files = map(run.patch_run.patches.path_of, read_row_keys(run.embeddings_path))
            self._files = dict(zip(cases, files, strict=False))

    @property
    def found(self) -> bool:
        """Whether there is a patch to be drawn."""
        return any(file.is_file() for file in self._files.values())

    def of(self, case_id: str) -> str | None:
        """Draw a case.

        Parameters
        ----------
        case_id : str
            The case.

        Returns
        -------
        str or None
            A data URI; None where its patch is not kept, or damaged.
        """
        try:
            patch = read_patch(self._files[case_id])
        except (KeyError, RadpipeError):
            return None
        return png_uri(thumbnail(patch.intensities, patch.roi, self._spacing_mm))
