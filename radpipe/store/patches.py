"""Patches of ROIs, one file each: whatever embeds or trains later reads these, never images."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from radpipe.errors import RadpipeError, RunError
from radpipe.store.files import whole_file
from radpipe.store.rows import writing_to
from radpipe.store.table import read_table

# The engine of a run of patches.
PATCHES = "patches"
# A table's column: where a row's patch lies, for an encoder that is fitted in each fold.
PATCH_FILE = "patch_file"
# What the archive of a patch says where any of its bytes is another.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    KeyError,
    ValueError,
    RuntimeError,
)


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

    @property
    def sha256(self) -> str:
        """Of the intensities: by it an image is known again that was saved in another format."""
        return hashlib.sha256(np.ascontiguousarray(self.intensities).tobytes()).hexdigest()


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
                # Not compressed, which would save a quarter: inflating takes ten times as long as
                # checking, and each resumed command checks all.
                np.savez(file, intensities=patch.intensities, roi=patch.roi)

    def has(self, key: str) -> bool:
        """Tell whether a patch is there, and undamaged.

        Parameters
        ----------
        key : str
            Of its row.

        Returns
        -------
        bool
            Whether all its bytes agree with their checksums.
        """
        try:
            _arrays(self.path_of(key))
        except _DAMAGED:
            return False
        return True

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
        intensities, roi = (np.load(each, allow_pickle=False) for each in _arrays(path))
        return StoredPatch(intensities, roi)
    except _DAMAGED as error:
        raise RunError(
            "a patch cannot be read",
            where=f"{_case_of(path)}{path}",
            found="no such file" if isinstance(error, FileNotFoundError) else error,
            expected="what `radpipe embed` kept",
            remedy="give the same `radpipe embed` command again: it cuts this patch anew",
        ) from error


def _arrays(path: Path) -> list[io.BytesIO]:
    """Read the parts of a patch to their ends, where their checksums stand."""
    with zipfile.ZipFile(path) as archive:
        return [io.BytesIO(archive.read(f"{name}.npy")) for name in ("intensities", "roi")]


def _case_of(path: Path) -> str:
    """Name a patch's case, where its run tells it."""
    with suppress(OSError, LookupError, ValueError, RadpipeError):
        told = read_table(path.parents[1] / "diagnostics.parquet", ["row_key", "case_id"])[0]
        return f"case {told.set_index('row_key')['case_id'][path.stem]}, "
    return ""
