"""Numbers and names in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from pathlib import PurePath
from typing import Any

from radpipe.prognosis.models.table import DEFAULT
from radpipe.prognosis.report.curves import TimeAxis
from radpipe.prognosis.report.evidence import Estimate
from radpipe.prognosis.tables.columns import counted as counted
from radpipe.prognosis.tables.columns import listed as listed

MISSING = "–"
_SPACE = "\N{NO-BREAK SPACE}"
# Below that a difference is what floating-point numbers lose.
_NOTHING = 1e-6
_NOWHERE = f"nowhere{_SPACE}different"


def number(value: float | None, digits: int = 2, *, signed: bool = False) -> str:
    """Write a number.

    Parameters
    ----------
    value : float or None
        The number.
    digits : int
        After the point; a signed number gets as many as show on which side of 0 it is.
    signed : bool
        With a plus, if so; nothing has no sign.

    Returns
    -------
    str
        A dash where there is none.

    Examples
    --------
    >>> number(0.126), number(0.05, signed=True), number(None)
    ('0.13', '+0.05', '–')
    >>> number(-0.0004, 3, signed=True), number(0.0, 3, signed=True)
    ('−0.0004', '0.000')
    """
    if value is None or not isfinite(value):
        return MISSING
    if signed and abs(value) > _NOTHING:
        # An interval that ends just short of 0 does not hold it.
        while not round(value, digits):
            digits += 1
    # A minus before nothing but zeros would be read as a loss.
    rounded = round(value, digits) + 0.0
    return f"{rounded:{'+' if signed and rounded else ''}.{digits}f}".replace("-", "\N{MINUS SIGN}")


def span(found: Estimate | None, digits: int = 2, *, signed: bool = False) -> str:
    r"""Write an estimate with its interval, short.

    Parameters
    ----------
    found : Estimate or None
        The estimate.
    digits : int
        After the point.
    signed : bool
        With plus signs.

    Returns
    -------
    str
        For a table.

    Examples
    --------
    >>> span(Estimate(0.7112, 0.651, 0.772))
    '0.71 (0.65\xa0to\xa00.77)'
    """
    if found is None:
        return MISSING
    value, ends = value_and_ends(found, digits, signed=signed)
    return f"{value} {ends}"


def value_and_ends(found: Estimate, digits: int = 2, *, signed: bool = False) -> tuple[str, str]:
    r"""Write an estimate, and its interval in brackets.

    Parameters
    ----------
    found : Estimate
        The estimate.
    digits : int
        After the point.
    signed : bool
        A difference: with plus signs, and said to be none where no fold or sample shows any.

    Returns
    -------
    tuple of str
        Both.

    Examples
    --------
    >>> value_and_ends(Estimate(0.0, 0.0, 0.0), 3, signed=True)
    ('0', '(nowhere\xa0different)')
    """
    if signed and _nowhere(found):
        return "0", f"({_NOWHERE})"
    value, low, high = (number(end, digits, signed=signed) for end in found)
    return value, bracket(low, high)


def _nowhere(found: Estimate) -> bool:
    return all(abs(end) <= _NOTHING for end in found)


def bracket(low: str, high: str) -> str:
    r"""Write an interval that no line breaks.

    Parameters
    ----------
    low, high : str
        Its ends.

    Returns
    -------
    str
        In brackets.

    Examples
    --------
    >>> bracket("50", "90")
    '(50\xa0to\xa090)'
    """
    return f"({low}{_SPACE}to{_SPACE}{high})"


def with_interval(found: Estimate | None, digits: int = 2, *, signed: bool = False) -> str:
    """Write an estimate with its interval, for a sentence.

    Parameters
    ----------
    found : Estimate or None
        The estimate.
    digits : int
        After the point.
    signed : bool
        With plus signs.

    Returns
    -------
    str
        Both ends named.

    Examples
    --------
    >>> with_interval(Estimate(0.7112, 0.651, 0.772))
    '0.71 (95 % interval 0.65 to 0.77)'
    """
    if found is None:
        return "that could not be computed"
    if signed and _nowhere(found):
        return f"0 ({_NOWHERE})"
    value, low, high = (number(end, digits, signed=signed) for end in found)
    return f"{value} (95 % interval {low} to {high})"


def percent(value: float | None) -> str:
    r"""Write a share.

    Parameters
    ----------
    value : float or None
        Between 0 and 1.

    Returns
    -------
    str
        In per cent.

    Examples
    --------
    >>> percent(0.304)
    '30\xa0%'
    """
    return MISSING if value is None or not isfinite(value) else f"{100 * value:.0f}{_SPACE}%"


def p_value(value: float, permutations: int | None = None) -> str:
    r"""Write a p-value, no smaller than its permutations can tell.

    Parameters
    ----------
    value : float
        The p-value.
    permutations : int, optional
        How many it was counted in.

    Returns
    -------
    str
        For a sentence.

    Examples
    --------
    >>> p_value(0.0312), p_value(0.00001)
    ('p\xa0=\xa00.03', 'p\xa0<\xa00.001')
    >>> p_value(0.0312, 200).replace("\xa0", " ")
    'p = 0.03 from 200 permutations, whose smallest possible p is 0.005'
    """
    told = "p < 0.001" if value < 0.001 else f"p = {value:.{2 if value >= 0.01 else 3}f}"
    told = told.replace(" ", _SPACE)
    return f"{told} from {smallest_p(permutations)}" if permutations else told


def smallest_p(permutations: int) -> str:
    """Write how many permutations there were, and what they can tell at best.

    Parameters
    ----------
    permutations : int
        How many.

    Returns
    -------
    str
        The data themselves count as one more, so that p is never below 1 / (n + 1).

    Examples
    --------
    >>> smallest_p(19)
    '19 permutations, whose smallest possible p is 0.05'
    """
    least = f"{1 / (permutations + 1):.2g}"
    return f"{counted(permutations, 'permutation')}, whose smallest possible p is {least}"


def moment(time: float | None, axis: TimeAxis) -> str:
    """Write a time with its unit.

    Parameters
    ----------
    time : float or None
        In the table's unit.
    axis : TimeAxis
        How times are shown.

    Returns
    -------
    str
        Such as ``24 months``.
    """
    if time is None:
        return "the end"
    value = time / axis.divisor
    said = f"{value:.0f}" if value >= 10 else f"{value:.1f}"
    # A column that does not name its unit is no unit itself.
    return f"{said}{_SPACE}{axis.label.lower()}" if axis.known else f"{axis.label} {value:g}"


def lower(name: str) -> str:
    """Begin a name with a small letter, for the middle of a sentence.

    Parameters
    ----------
    name : str
        A name.

    Returns
    -------
    str
        It.
    """
    # "C-index", "PET" stay what they are.
    return name if name[1:2].isupper() or name[1:2] == "-" else f"{name[:1].lower()}{name[1:]}"


def sentences(parts: Iterable[str | None], by: str = " ") -> str | None:
    """Join what is known.

    Parameters
    ----------
    parts : iterable of str or None
        Sentences, None where something is not known.
    by : str
        What stands between.

    Returns
    -------
    str or None
        None where nothing is.
    """
    said = [part for part in parts if part]
    return by.join(said) or None


def how_done(metrics: Mapping[str, Any]) -> str:
    """Say in one paragraph how the numbers were made.

    Parameters
    ----------
    metrics : mapping
        ``metrics.json``.

    Returns
    -------
    str
        Text, not yet escaped.
    """
    design = metrics["design"]
    if metrics["kind"] == "validation":
        return (
            f"A trained model ({PurePath(str(design.get('model'))).name}) was applied unchanged to "
            f"this cohort. The intervals come from {design.get('bootstraps')} bootstrap samples of "
            f"the patients (seed {design.get('seed')})."
        )
    score = "AUCs" if metrics["endpoint"].get("time") is None else "C-indices"
    return (
        f"{_outer(design)}{_inner(metrics)} (seed {design.get('seed')}). {_split(design)} "
        f"{score} count pairs of patients within one test fold and are averaged over "
        f"{_averaged(design)}. Calibration, Brier scores and net benefit pool the predictions of "
        "all test folds and are averaged over repeats."
    )


def _averaged(design: Mapping[str, Any]) -> str:
    if design.get("splits") == "centres":
        return f"hospitals, each by its number of patients; interval: {design.get('interval')}"
    interval = f"{design.get('interval')}, which allows for folds sharing training patients"
    return f"folds and repeats; interval: {interval}"


def _outer(design: Mapping[str, Any]) -> str:
    nested = "Nested cross-validation" if design.get("inner_folds") else "Cross-validation"
    if design.get("splits") == "centres":
        centres = design.get("centres") or []
        return f"{nested}: each of {len(centres)} centres in turn was the test fold"
    outer = "outer folds" if design.get("inner_folds") else "folds"
    repeats = counted(int(design.get("repeats") or 1), "repeat")
    return f"{nested}: {repeats} of {design.get('folds')} {outer}"


def _inner(metrics: Mapping[str, Any]) -> str:
    if all(facts.get("baseline") for facts in metrics["models"].values()):
        return ""
    inner = metrics["design"].get("inner_folds")
    nested = f", with {inner} inner folds for {inner_purpose(metrics)}" if inner else ""
    return f"{nested}; everything that is fitted was fitted on training patients only"


def inner_purpose(metrics: Mapping[str, Any]) -> str:
    """Say what the inner folds were for; without trials nothing was tuned in them.

    Parameters
    ----------
    metrics : mapping
        ``metrics.json``.

    Returns
    -------
    str
        After "inner folds for".
    """
    trials = metrics["design"].get("trials")
    tuned = [f"tuning ({counted(int(trials), 'trial')} of settings)"] if trials else []
    weights = ["the fusion's weights"] if DEFAULT in (metrics.get("models") or {}) else []
    purposes = [*tuned, "calibration", *weights]
    return ", ".join([*purposes[:-2], " and ".join(purposes[-2:])])


def _split(design: Mapping[str, Any]) -> str:
    if design.get("splits") == "centres":
        return "No patient of a test fold's hospital was trained on."
    return "Patients were never split between folds, and folds held events in equal shares."
