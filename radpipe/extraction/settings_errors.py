"""What is wrong with a parameter file, in words that lead to its place and to the right name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from radpipe.errors import SettingsError

_PREFIXES = ("Input should be ", "Value error, ")
_KINDS = {
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


def told(
    error: ValidationError, where: str, keys_at: Callable[[list[str]], list[str]]
) -> SettingsError:
    """Tell of the first mistake that pydantic found.

    Parameters
    ----------
    error : ValidationError
        What pydantic raised.
    where : str
        What to call the file.
    keys_at : callable
        Lists the keys that a place, such as ``["imageType", "LoG"]``, may have.

    Returns
    -------
    SettingsError
        To be raised.
    """
    first = error.errors()[0]
    # Pydantic appends the branch of a union to the path; the file knows keys and places only.
    place = [str(part) for part in first["loc"] if not _is_branch(str(part))]
    path = ".".join(place)
    others = len({tuple(each["loc"][:2]) for each in error.errors()}) - 1
    more = f" (and {others} more wrong place(s))" if others else ""
    if first["type"] == "extra_forbidden":
        return _unknown("unknown key" + more, f"{where}: {path}", place[-1], keys_at(place[:-1]))
    return SettingsError(
        "wrong value" + more,
        where=f"{where}: {path}",
        found=repr(first["input"]),
        expected=" or ".join(
            dict.fromkeys(
                _in_words(each) for each in error.errors() if each["loc"][:2] == first["loc"][:2]
            )
        ),
        remedy="see PyRadiomics' documentation of the parameter file",
    )


def refuse_unknown(names: Iterable[str], known: Collection[str], place: str) -> None:
    """Refuse names that there are not.

    Parameters
    ----------
    names : iterable of str
        What the file asks for.
    known : collection of str
        What there is.
    place : str
        Where it stands in the file.

    Raises
    ------
    SettingsError
        A name is unknown; it tells the nearest known one.
    """
    for name in names:
        if name not in known:
            raise _unknown("unknown name", f"{place}.{name}", str(name), known)


def _unknown(what: str, where: str, name: str, known: Collection[str]) -> SettingsError:
    near = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return SettingsError(
        what,
        where=where,
        expected=None if near else "one of " + ", ".join(known),
        remedy=f"did you mean {near[0]!r}?" if near else None,
    )


def _in_words(error: Any) -> str:
    words = str(error["msg"])
    for prefix in _PREFIXES:
        words = words.removeprefix(prefix)
    return _KINDS.get(error["type"], words)


def _is_branch(part: str) -> bool:
    return part.removeprefix("constrained-") in {"int", "float", "bool", "str"} or "[" in part
