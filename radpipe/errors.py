"""Every error that radpipe raises on purpose.

::

    RadpipeError
    ├── SettingsError             a parameter file or option is wrong
    ├── CohortError               the manifest is wrong
    ├── ImageError                one case cannot be used; the others go on
    │   ├── UnreadableImageError      missing, truncated, a folder, an unknown format
    │   ├── GeometryMismatchError     image and mask lie on different grids
    │   ├── LabelNotFoundError        the mask lacks the label
    │   ├── EmptyRoiError             nothing is segmented
    │   ├── RoiTooSmallError          one voxel, or fewer than the settings ask for
    │   ├── NonFiniteImageError       NaN or infinity
    │   ├── ConstantRoiError          one intensity in the whole ROI
    │   └── FileChangedError          it changed while it was read
    ├── ExtractionError           the engine failed on a case
    ├── WorkerDiedError           the process that computed an item died, more than once
    │   ├── TimedOutError             it was ended: it took too long
    │   └── OutOfMemoryError          it was ended: it took too much memory
    ├── RunError                  a run directory is missing, foreign, unfinished or in use
    ├── TableError                a feature or clinical table is wrong
    ├── LeakError                 a model would be judged by what it was made from: exit code 3
    └── ModelError                a model directory, or a table that does not fit it
"""

from __future__ import annotations

from typing import Any


class RadpipeError(Exception):
    """An error that a user can act on.

    Parameters
    ----------
    what : str
        What went wrong, one clause.
    where : str, optional
        Case, file, column or setting it concerns.
    found : object, optional
        What was there.
    expected : object, optional
        What should have been there.
    remedy : str, optional
        What to do about it.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        found: object = None,
        expected: object = None,
        remedy: str | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.found = None if found is None else str(found)
        self.expected = None if expected is None else str(expected)
        self.remedy = remedy
        super().__init__(self._message())

    def _message(self) -> str:
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.found is not None:
            parts.append(f"found: {self.found}")
        if self.expected is not None:
            parts.append(f"expected: {self.expected}")
        if self.remedy:
            parts.append(f"remedy: {self.remedy}")
        return "; ".join(parts)

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions pickle by positional args alone, and workers send theirs home.
        return _rebuild, (
            type(self),
            self.what,
            {
                "where": self.where,
                "found": self.found,
                "expected": self.expected,
                "remedy": self.remedy,
            },
        )


def _rebuild(kind: type[RadpipeError], what: str, fields: dict[str, Any]) -> RadpipeError:
    return kind(what, **fields)


class SettingsError(RadpipeError):
    """A parameter file or a command's option is wrong."""


class CohortError(RadpipeError):
    """The manifest is wrong; found before any image is read."""


class ImageError(RadpipeError):
    """A case's image or mask cannot be used."""


class UnreadableImageError(ImageError):
    """A file is missing, truncated, a folder, or of an unknown format."""


class GeometryMismatchError(ImageError):
    """Image and mask lie on different grids."""


class LabelNotFoundError(ImageError):
    """The mask does not hold the label asked for."""


class EmptyRoiError(ImageError):
    """Nothing is segmented in the mask."""


class RoiTooSmallError(ImageError):
    """The ROI is a single voxel, or smaller than the settings ask for."""


class NonFiniteImageError(ImageError):
    """The image holds NaN or infinity."""


class ConstantRoiError(ImageError):
    """All voxels of the ROI have one intensity."""


class FileChangedError(ImageError):
    """A file changed, or vanished, while it was read."""


class ExtractionError(RadpipeError):
    """The engine failed on a case."""


class WorkerDiedError(RadpipeError):
    """The process that computed a case or a fold died each time it was tried."""


class TimedOutError(WorkerDiedError):
    """A case took longer than it may."""


class OutOfMemoryError(WorkerDiedError):
    """A case needs more memory than there is."""


class RunError(RadpipeError):
    """A run directory is missing, not radpipe's, unfinished or already there."""


class TableError(RadpipeError):
    """A feature table or a clinical table is wrong."""


class LeakError(RadpipeError):
    """What is fitted would know test patients or their outcomes: no result can be given."""


class ModelError(RadpipeError):
    """A model directory is wrong, or a table does not fit the model."""


def raise_if_interrupted(error: BaseException) -> None:
    """Raise the interrupt that hides behind an error.

    A compiled kernel during which Ctrl-C was pressed ends in a ``SystemError`` caused by the
    ``KeyboardInterrupt``: caught as an error of one case, it would let the batch run on.

    Parameters
    ----------
    error : BaseException
        What was caught.

    Raises
    ------
    KeyboardInterrupt
        One stands in the error's chain of causes.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt):
            raise cause
        cause = cause.__cause__ or cause.__context__
