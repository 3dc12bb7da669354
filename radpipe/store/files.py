"""Files that are either whole or not there."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from radpipe.errors import RunError

_PART = ".part-"


@contextmanager
def whole_file(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a temporary path to write to; on success it becomes ``path``.

    Parameters
    ----------
    path : Path
        The file to make or replace.
    durable : bool
        Wait until the disk has it, so that it outlives a loss of power.

    Yields
    ------
    Path
        A file beside it, on the same disk.
    """
    part = _part_of(path)
    try:
        yield part
        if durable:
            # Windows flushes only what is open for writing.
            with part.open("r+b") as handle:
                os.fsync(handle.fileno())
        part.replace(path)
        if durable:
            _keep_names(path.parent)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder to fill; on success it becomes ``path``.

    Parameters
    ----------
    path : Path
        The folder to make.

    Yields
    ------
    Path
        A folder beside it.
    """
    part = _part_of(path)
    part.mkdir()
    try:
        yield part
        part.rename(path)
        _keep_names(path.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _part_of(path: Path) -> Path:
    # Not the process's number: on another host, or in another container, it is another's too.
    return path.with_name(f"{path.name}{_PART}{uuid.uuid4().hex}")


def _keep_names(folder: Path) -> None:
    """Wait until the disk has a folder's new names, where the system can be asked for it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        # Windows opens no folders.
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot.
        if error.errno not in (errno.EINVAL, errno.EBADF, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def is_part(path: Path) -> bool:
    """Tell whether a file or folder is one that was being written.

    Parameters
    ----------
    path : Path
        A file or folder.

    Returns
    -------
    bool
        By its name.
    """
    return _PART in path.name


def remove_parts(folder: Path) -> None:
    """Remove what processes that were killed had begun to write.

    Parameters
    ----------
    folder : Path
        A folder that no process writes to.
    """
    for path in folder.glob(f"*{_PART}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def write_json(path: Path, content: Any, *, dense: bool = False) -> None:
    """Write JSON, whole or not at all.

    Parameters
    ----------
    path : Path
        The file to make or replace.
    content : object
        Anything that JSON can hold; floats keep every bit.
    dense : bool
        Without line breaks, which is faster by far.
    """
    text = json.dumps(content, indent=None if dense else 1, ensure_ascii=False)
    with whole_file(path) as part:
        part.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read JSON.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    object
        Its content.
    """
    return json.loads(path.read_text(encoding="utf-8"))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def seal_of(content: dict[str, Any]) -> str:
    """Hash what a JSON file holds, so that a change of it is noticed.

    Parameters
    ----------
    content : dict
        Without its seal.

    Returns
    -------
    str
        SHA-256 of it as it will be read, whatever its layout.
    """
    # Through JSON once: numbers as keys are text.
    plain = json.loads(json.dumps(content))
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def nearest_folder(path: Path) -> str:
    """Tell how far a path that does not exist can be followed.

    Parameters
    ----------
    path : Path
        Of a file or folder.

    Returns
    -------
    str
        A clause that names the nearest folder that exists.
    """
    parent = next((folder for folder in path.parents if folder.is_dir()), Path())
    return f"the nearest folder that exists is {parent}"


def empty_directory(path: str | Path) -> Path:
    """Make a directory to write to.

    Parameters
    ----------
    path : str or Path
        A new or empty directory.

    Returns
    -------
    Path
        The same, there now.

    Raises
    ------
    RunError
        It is there already and not empty, or cannot be made.
    """
    folder = Path(path)
    with making_directory(folder):
        occupied = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
        if not occupied:
            folder.mkdir(parents=True, exist_ok=True)
    if occupied:
        raise RunError(
            "the output directory is not empty",
            where=str(path),
            expected="a new or empty directory",
            remedy="name another one with --out, or remove this one",
        )
    return folder


@contextmanager
def making_directory(path: Path) -> Iterator[None]:
    """Turn a disk's refusal of an output directory into an error of the house.

    Parameters
    ----------
    path : Path
        The directory.

    Yields
    ------
    None
        To make it in.

    Raises
    ------
    RunError
        It cannot be made, or read.
    """
    try:
        yield
    except OSError as error:
        raise RunError(
            "cannot make the output directory",
            where=str(path),
            found=error.strerror,
            expected="a folder that may be written to",
            remedy="name another one with --out",
        ) from error


def csv_separator(path: Path) -> str:
    """Tell what separates the columns of a CSV file: Excel writes ``;`` in half of Europe.

    Parameters
    ----------
    path : Path
        A ``.csv`` or ``.csv.gz`` file.

    Returns
    -------
    str
        ``;`` where its first line holds more of them than of commas, else ``,``.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It is no UTF-8 text.
    """
    packed = path.suffix.lower() == ".gz"
    with gzip.open(path) if packed else path.open("rb") as handle:
        header = handle.readline().decode("utf-8-sig")
    return ";" if header.count(";") > header.count(",") else ","


def read_csv_text(path: Path) -> pd.DataFrame:
    """Read a CSV file as text throughout: IDs keep their zeros, and a patient may be called NA.

    Parameters
    ----------
    path : Path
        A ``.csv`` or ``.csv.gz`` file in UTF-8, with or without BOM, separated by ``,`` or ``;``.

    Returns
    -------
    DataFrame
        Of str; an empty cell is the empty string.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It is empty, no UTF-8 text, or has rows of more cells than columns.
    """
    separator = csv_separator(path)
    try:
        frame = pd.read_csv(
            path, dtype=str, keep_default_na=False, encoding="utf-8-sig", sep=separator
        )
    except EOFError as error:
        raise OSError(str(error)) from error
    if not isinstance(frame.index, pd.RangeIndex):
        # pandas takes the first column for an index, and shifts all names by one.
        raise ValueError("the rows have more cells than the header")
    return frame
