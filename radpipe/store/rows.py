"""Cases' outcomes, one file each, as workers leave them: whole or not there.

Rows stay until a table holds them, failures until there is a row. A file is named by the case's row
key, a hash of all that decides its values, so that a row can neither be lost by a process that dies
nor be taken for another's.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from radpipe.errors import RunError
from radpipe.store.files import read_json, write_json
from radpipe.store.inputs import InputFile

log = logging.getLogger("radpipe")
_KEY_DIGITS = 32
_FAILED = ".failed"


@dataclass(frozen=True)
class Row:
    """A finished case.

    Attributes
    ----------
    features : dict of str to float
        Every planned column and the mask's volume.
    diagnostics : dict
        What the engine says about the case.
    inputs : tuple of InputFile
        What it was computed from.
    seconds : float
        Wall time of the case.
    """

    features: dict[str, float]
    diagnostics: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[InputFile, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Failure:
    """A case that gave no row.

    Attributes
    ----------
    stage : str
        ``read``, ``check``, ``extract`` or ``worker``.
    error : str
        Class of the error.
    message : str
        What, found, expected.
    remedy : str
        What to do.
    inputs : tuple of InputFile
        The files that could be read.
    """

    stage: str
    error: str
    message: str
    remedy: str
    inputs: tuple[InputFile, ...] = ()


def row_key(decides: dict[str, Any]) -> str:
    """Hash what decides a row's values.

    Parameters
    ----------
    decides : dict
        Hashes of the files, ROI, settings, engine, version of its values.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    text = json.dumps(decides, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]


class RowFolder:
    """The folder of outcomes.

    Parameters
    ----------
    path : Path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, key: str, outcome: Row | Failure) -> None:
        """Keep one case's outcome; workers call this, each for its own case.

        Parameters
        ----------
        key : str
            Row key.
        outcome : Row or Failure
            What became of it; a row takes the place of an earlier failure.

        Raises
        ------
        RunError
            The disk is full, or the folder cannot be written to.
        """
        with writing_to(self.path):
            # Not asdict, which copies a thousand numbers one by one.
            content = vars(outcome) | {"inputs": [asdict(each) for each in outcome.inputs]}
            write_json(self._file(key, type(outcome)), content, dense=True)
            if isinstance(outcome, Row):
                self._file(key, Failure).unlink(missing_ok=True)

    def row(self, key: str) -> Row | None:
        """Read a row.

        Parameters
        ----------
        key : str
            Row key.

        Returns
        -------
        Row or None
            None if the folder has no such row.
        """
        row: Row | None = _read(self._file(key, Row), Row)
        return row

    def failure(self, key: str) -> Failure | None:
        """Read a failure.

        Parameters
        ----------
        key : str
            Row key.

        Returns
        -------
        Failure or None
            None if the folder has no such failure.
        """
        failure: Failure | None = _read(self._file(key, Failure), Failure)
        return failure

    def __contains__(self, key: str) -> bool:
        """Tell whether there is such a row."""
        return self.row(key) is not None

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Read all rows, one after the other.

        Yields
        ------
        tuple of (str, Row)
            Row key and row.
        """
        for key in self.keys():
            if row := self.row(key):
                yield key, row

    def failures(self) -> Iterator[tuple[str, Failure]]:
        """Read all failures, one after the other.

        Yields
        ------
        tuple of (str, Failure)
            Row key and failure.
        """
        for path in self.path.glob(f"*{_FAILED}.json"):
            key = path.name.split(".")[0]
            if failure := self.failure(key):
                yield key, failure

    def keys(self) -> Iterator[str]:
        """List the keys of all rows, unread.

        Yields
        ------
        str
            Row key.
        """
        return (path.stem for path in self.path.glob("*.json") if _FAILED not in path.name)

    def drop_failures(self, kept: Container[str]) -> None:
        """Remove failures that no table names any more.

        Parameters
        ----------
        kept : container of str
            Row keys of those that stay.
        """
        for path in self.path.glob(f"*{_FAILED}.json"):
            if path.name.split(".")[0] not in kept:
                path.unlink(missing_ok=True)

    def drop(self, keys: Iterable[str]) -> None:
        """Remove rows, which tables hold now.

        Parameters
        ----------
        keys : iterable of str
            Row keys.
        """
        for key in keys:
            self._file(key, Row).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all rows and failures."""
        for path in self.path.glob("*.json"):
            path.unlink(missing_ok=True)

    def _file(self, key: str, kind: type[Row | Failure]) -> Path:
        return self.path / f"{key}{_FAILED if kind is Failure else ''}.json"


def _read(path: Path, kind: Any) -> Any:
    try:
        content = read_json(path)
        inputs = tuple(InputFile(**each) for each in content.pop("inputs"))
        return kind(**content, inputs=inputs)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        # Power was lost, or someone wrote to it: the case is computed again.
        log.warning("%s cannot be read, its case is computed again: %s", path, error)
        return None


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Turn a disk's refusal into an error of the run: no case is to blame for it.

    Parameters
    ----------
    path : Path
        Where is written to.

    Yields
    ------
    None
        To write in.

    Raises
    ------
    RunError
        The disk is full, or may not be written to.
    """
    try:
        yield
    except OSError as error:
        raise RunError(
            "cannot write to the run directory",
            where=str(path),
            found=error.strerror or error,
            expected="a disk with room, that may be written to",
            remedy="make room or mend the rights, then give the same command again: "
            "finished cases are kept",
        ) from error
