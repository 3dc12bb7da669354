"""Which columns are features, which is the tumour's volume, and which names the patient."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable
from fnmatch import translate

import pandas as pd
from pandas.api.types import is_float_dtype

from radpipe.errors import TableError
from radpipe.store import KEY_COLUMNS, MASK_VOLUME
from radpipe.store.patches import PATCH_FILE

_CLASSES = "firstorder|shape|shape2D|glcm|glrlm|glszm|gldm|ngtdm"
# Public tables put an ROI or a modality before the image type; our own wide tables, behind.
_FEATURE = re.compile(rf"(?:.+_)?(?:{_CLASSES})_[0-9]*[A-Z][A-Za-z0-9]*(?:__.+)?")
_DIAGNOSTICS = "diagnostics_"
# The mesh first: it is what PyRadiomics computes its other shape features from.
_VOLUMES = ("original_shape_MeshVolume", "original_shape_VoxelVolume", "shape_Volume", MASK_VOLUME)


def feature_columns(
    frame: pd.DataFrame,
    pattern: str | None = None,
    never: Collection[str] = (),
    option: str = "--features",
) -> list[str]:
    """Name the columns that are features.

    Parameters
    ----------
    frame : DataFrame
        A feature table.
    pattern : str, optional
        Which columns are features, where names do not tell: names with ``*`` and ``?``, separated
        by commas; those after ``!`` are left out. Else the columns that extraction made: they have
        PyRadiomics' names, with or without something before them.
    never : collection of str
        Columns that a pattern does not mean, since they play another part.
    option : str
        Where the pattern was given, for the message.

    Returns
    -------
    list of str
        In the table's order. Without a pattern, the volume of the whole mask is not among them;
        with one, identifiers and diagnostics are not.

    Raises
    ------
    TableError
        No column fits the pattern.

    Examples
    --------
    >>> table = pd.DataFrame(columns=["age", "GTV-1_original_shape_MeshVolume", "Mean", "Mode"])
    >>> feature_columns(table)
    ['GTV-1_original_shape_MeshVolume']
    >>> feature_columns(table, "M*, !Mode")
    ['Mean']
    """
    names = [str(name) for name in frame.columns]
    if pattern is None:
        return [name for name in names if name not in never and _FEATURE.fullmatch(name)]
    parts = [part.strip() for part in pattern.split(",") if part.strip()]
    meant = [_fits(part) for part in parts if not part.startswith("!")]
    left_out = [_fits(part[1:].strip()) for part in parts if part.startswith("!")]
    others = {*never, *KEY_COLUMNS, PATCH_FILE}
    found = [
        name
        for name in names
        if any(fits(name) for fits in meant)
        and not (name in others or name.startswith(_DIAGNOSTICS))
        and not any(fits(name) for fits in left_out)
    ]
    if not found:
        raise TableError(
            "no column fits the pattern",
            where=f"{option}, {name_of_table(frame, 'the feature table')}",
            found=listed(names),
            expected=pattern,
            remedy="name columns that are there; * stands for any letters, ? for one",
        )
    return found


def _fits(part: str) -> Callable[[str], bool]:
    # A name may hold brackets, which have a meaning in patterns.
    search = re.compile(translate(part)).match
    # Rows of a patient put beside each other have their ROI behind the name.
    return lambda name: (
        part in (name, bare := name.partition("__")[0]) or bool(search(name) or search(bare))
    )


def volume_column(frame: pd.DataFrame, named: str | None = None) -> str | None:
    """Name the column that holds the tumour's volume.

    Parameters
    ----------
    frame : DataFrame
        A feature table.
    named : str, optional
        The column to take, where the user says so.

    Returns
    -------
    str or None
        The mesh's volume, else the voxels', else the volume of PyRadiomics before version 2, else
        that of the whole mask; None where there is none of them.

    Raises
    ------
    TableError
        ``named`` is not there, or several columns have equal right.
    """
    where = name_of_table(frame, "the feature table")
    if named is not None:
        require_columns(frame, [named], where)
        return named
    for wanted in _VOLUMES:
        found = [str(name) for name in frame.columns if _is_named(str(name), wanted)]
        if len(found) > 1:
            raise TableError(
                "several columns may be the tumour's volume",
                where=where,
                found=", ".join(found),
                expected="one",
                remedy="name the right one with --volume COLUMN",
            )
        if found:
            return found[0]
    return None


def _is_named(name: str, wanted: str) -> bool:
    bare = name.partition("__")[0]
    return bare == wanted or bare.endswith(f"_{wanted}")


def name_of_table(frame: pd.DataFrame, otherwise: str) -> str:
    """Say which table an error is about.

    Parameters
    ----------
    frame : DataFrame
        A table; one that was read from a file remembers it.
    otherwise : str
        What to call one that was not.

    Returns
    -------
    str
        The file, or ``otherwise``.
    """
    return str(frame.attrs.get("source") or otherwise)


def require_columns(
    frame: pd.DataFrame, names: Iterable[str], where: str, remedy: str | None = None
) -> None:
    """Refuse a table that lacks columns.

    Parameters
    ----------
    frame : DataFrame
        The table.
    names : iterable of str
        Columns it must have.
    where : str
        What to call the table.
    remedy : str, optional
        What to do, unless the names are only misspelt.

    Raises
    ------
    TableError
        Columns are missing; all are named, and the nearest names of columns that nobody asked for,
        or the column whose cells hold such a name.
    """
    asked = list(dict.fromkeys(names))
    present = [str(name) for name in frame.columns]
    missing = [name for name in asked if name not in present]
    if missing:
        free = [name for name in present if name not in asked]
        near = [found for name in missing if (found := _nearest(name, free))]
        meant = f"did you mean {', '.join(map(repr, near))}?" if near else None
        ways = [way for way in (meant, _as_value(frame, missing, free), remedy) if way]
        raise TableError(
            "a column is missing" if len(missing) == 1 else "columns are missing",
            where=where,
            found=listed(present) or "no columns",
            expected=listed(missing),
            remedy=" or ".join(ways) or "name a column that is there, or a table that has it",
        )


def _as_value(frame: pd.DataFrame, missing: Iterable[str], columns: Collection[str]) -> str | None:
    text = frame.select_dtypes(exclude=["number", "bool"])
    found = [
        f"{column}={name} ({name} is a value of {column})"
        for name in missing
        for column in map(str, text.columns[(text == name).any()])
        if column in columns
    ]
    return f"write {' or '.join(found)}" if found else None


def _nearest(name: str, present: Collection[str]) -> str | None:
    bare = {other.lower(): other for other in present}
    # Below 0.7 short names are near to anything: "age" to "label".
    near = difflib.get_close_matches(name.lower(), bare, n=1, cutoff=0.7)
    return bare[near[0]] if near else None


def id_text(column: pd.Series) -> pd.Series:
    """Write identifiers as text, so that tables can be compared.

    Parameters
    ----------
    column : Series
        Text or numbers.

    Returns
    -------
    Series of str
        Whole numbers without ``.0``, which pandas gives a column with holes; empty where missing.

    Examples
    --------
    >>> id_text(pd.Series([7.0, None])).tolist()
    ['7', '']
    """
    if is_float_dtype(column.dtype) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype("str").where(column.notna(), "")


def listed(names: Iterable[object], shown: int = 12) -> str:
    """Name the first few of many, and count the others.

    Parameters
    ----------
    names : iterable of object
        Patients, cases or columns, in the order to show.
    shown : int
        How many to name.

    Returns
    -------
    str
        Joined by commas.

    Examples
    --------
    >>> listed(["age", "stage", "sex"], shown=2)
    'age, stage and 1 more'
    """
    every = [str(name) for name in names]
    more = len(every) - shown
    return ", ".join(every[:shown]) + (f" and {more:,} more" if more > 0 else "")


def counted(count: float, one: str, many: str | None = None) -> str:
    """Write a count and what is counted.

    Parameters
    ----------
    count : float
        How many.
    one, many : str
        What; the plural takes an s where not told.

    Returns
    -------
    str
        Such as ``1 patient``, ``2 patients``.

    Examples
    --------
    >>> counted(1, "event"), counted(1218, "feature"), counted(0, "case")
    ('1 event', '1,218 features', '0 cases')
    """
    return f"{count:,.0f} {one if count == 1 else many or one + 's'}"
