"""Patches of ROIs, one file each: whatever embeds or trains later reads these, never images."""

from __future__ import annotations

import zipfile
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from radpipe.errors import RunError
from radpipe.store.files import whole_file
from radpipe.store.rows import writing_to

# The engine of a run of patches.
PATCHES = "patches"


# A table's column: where a row's patch lies, for an encoder that is fitted in each fold.
PATCH_FILE = "patch_file"


@dataclass(frozen=True)
class StoredPatch:
    """What an encoder is shown of one ROI.

    Attributes
    ----------
    intensities : ndarray of float32, shape (z, y, x)
        As the encoder wants them.
    roi : ndarray of bool, shape (z, y, x)
        The ROI on the same grid.
    """

    intensities: npt.NDArray[np.float32]
    roi: npt.NDArray[np.bool_]


class PatchFolder:
    """A folder of patches, named by the keys of their rows.

    Parameters
    ----------
    path : Path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    def path_of(self, key: str) -> Path:
        """Return where a patch lies.

        Parameters
        ----------
        key : str
            Of its row.

        Returns
        -------
        Path
            A file of numpy's.
        """
        return self.path / f"{key}.npz"

    def put(self, key: str, patch: StoredPatch) -> None:
        """Keep a patch, whole or not at all.

        Parameters
        ----------
        key : str
            Of its row.
        patch : StoredPatch
            The patch.

        Raises
        ------
        RunError
            The disk is full, or the folder cannot be written to.
        """
        with writing_to(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            with whole_file(self.path_of(key)) as part, part.open("wb") as file:
                np.savez_compressed(file, intensities=patch.intensities, roi=patch.roi)

    def get(self, key: str) -> StoredPatch:
        """Read a patch.

        Parameters
        ----------
        key : str
            Of its row.

        Returns
        -------
        StoredPatch
            As it was kept.

        Raises
        ------
        RunError
            It is missing or damaged.
        """
        return read_patch(self.path_of(key))

    def keep(self, keys: Container[str]) -> None:
        """Remove all patches but some.

        Parameters
        ----------
        keys : container of str
            Of the rows whose patches stay.
        """
        for path in self.path.glob("*.npz"):
            if path.stem not in keys:
                path.unlink(missing_ok=True)


def read_patch(path: Path) -> StoredPatch:
    """Read a patch.

    Parameters
    ----------
    path : Path
        Its file.

    Returns
    -------
    StoredPatch
        As it was kept.

    Raises
    ------
    RunError
        It is missing or damaged.
    """
    try:
        # Opened here: numpy leaves a file open that is no whole archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            return StoredPatch(content["intensities"], content["roi"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise RunError(
            "a patch cannot be read",
            where=str(path),
            found="no such file" if isinstance(error, FileNotFoundError) else error,
            expected="what `radpipe embed` kept",
            remedy="give the same `radpipe embed` command again with --fresh",
        ) from error
