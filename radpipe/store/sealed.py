"""Directories that tell when they were changed: a sealed JSON file, and hashes of the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from radpipe.errors import ModelError
from radpipe.store.files import read_json, seal_of, sha256_of


def read_sealed(path: Path, what: str, schema: int, remedy: str) -> dict[str, Any]:
    """Read a sealed description.

    Parameters
    ----------
    path : Path
        A JSON file with ``schema`` and ``seal``.
    what : str
        What it describes, in a word.
    schema : int
        The layout that this radpipe reads.
    remedy : str
        What to do where it was changed.

    Returns
    -------
    dict
        Without the seal.

    Raises
    ------
    ModelError
        It is no such description, of another layout, or was changed.
    """
    problem, expected = f"not the {what}'s description", "what radpipe wrote"
    try:
        content: dict[str, Any] = read_json(path)
        theirs, seal = int(content["schema"]), content.pop("seal", None)
    except (ValueError, KeyError, TypeError) as error:
        found = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise ModelError(
            problem, where=str(path), found=found, expected=expected, remedy=remedy
        ) from error
    if theirs != schema:
        newer = theirs > schema
        problem = f"the {what} was written by {'a newer' if newer else 'an older'} radpipe"
        found, expected = f"schema {theirs}", f"schema {schema}"
        remedy = "update radpipe" if newer else "train it again, or use the radpipe that wrote it"
    elif seal != seal_of(content):
        problem = f"the {what}'s description was changed"
        found, expected = f"seal {seal}", "the seal of what radpipe wrote"
    else:
        return content
    raise ModelError(problem, where=str(path), found=found, expected=expected, remedy=remedy)


def require_sha256(path: Path, wanted: str, problem: str, remedy: str) -> None:
    """Refuse a file that is not the one that was meant.

    Parameters
    ----------
    path : Path
        The file.
    wanted : str
        Its SHA-256, 64 hexadecimal digits.
    problem : str
        What it is then.
    remedy : str
        What to do about it.

    Raises
    ------
    ModelError
        It has another, or is missing.
    """
    found = f"SHA-256 {sha256_of(path)}" if path.is_file() else "no such file"
    expected = f"SHA-256 {wanted.lower()}"
    if found != expected:
        raise ModelError(problem, where=str(path), found=found, expected=expected, remedy=remedy)
