"""Sentences and numbers as the page writes them."""

from __future__ import annotations

from typing import Any

from radpipe.extraction.overview.cases import Cases
from radpipe.store import Run
from radpipe.store.lock import holder_of, is_held
from radpipe.store.patches import PATCHES

UNKNOWN = "–"


def whole(number: int | None) -> str:
    """Write a count.

    Parameters
    ----------
    number : int or None
        The count; None where it is not known.

    Returns
    -------
    str
        With thousands set apart.

    Examples
    --------
    >>> whole(12345), whole(None)
    ('12,345', '–')
    """
    return UNKNOWN if number is None else f"{number:,}"


def millilitres(cubic_mm: float | None) -> str:
    """Write a volume as clinicians do, without its unit.

    Parameters
    ----------
    cubic_mm : float or None
        Volume in mm³; None where it is not known.

    Returns
    -------
    str
        In ml, with three digits at least.

    Examples
    --------
    >>> millilitres(1_234_567.0), millilitres(99_999.0), millilitres(85_000), millilitres(51.2)
    ('1,235', '100', '85.0', '0.0512')
    """
    if cubic_mm is None:
        return UNKNOWN
    ml = cubic_mm / 1000
    return f"{ml:,.0f}" if ml >= 99.95 else f"{ml:#.3g}"


def seconds(number: float | None) -> str:
    """Write a case's time.

    Parameters
    ----------
    number : float or None
        Seconds; None where it is not known.

    Returns
    -------
    str
        Down to hundredths where it is short.

    Examples
    --------
    >>> seconds(0.1234), seconds(61.7)
    ('0.12', '62')
    """
    if number is None:
        return UNKNOWN
    return f"{number:.2f}" if number < 10 else f"{number:,.0f}"


def duration(number: float) -> str:
    """Write a run's time.

    Parameters
    ----------
    number : float
        Seconds.

    Returns
    -------
    str
        In the two largest units.

    Examples
    --------
    >>> duration(7.4), duration(75), duration(7500)
    ('7.4 s', '1 min 15 s', '2 h 5 min')
    """
    if number < 60:
        return f"{number:.1f} s"
    minutes, rest = divmod(round(number), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60:,} h {minutes % 60} min"


def planned(facts: dict[str, Any], cases: Cases) -> int:
    """Tell how many cases the run has to do in all.

    Parameters
    ----------
    facts : dict
        ``run.json``.
    cases : Cases
        What its tables hold.

    Returns
    -------
    int
        As the run counted them, or what its tables hold.
    """
    told = facts.get("cases", facts.get("counts", {}).get("cases"))
    return told if isinstance(told, int) else len(cases.all)


def headline(cases: Cases, total: int, finished: bool = True, made: str = "features") -> str:
    """Say in a sentence how the run went.

    Parameters
    ----------
    cases : Cases
        What its tables hold.
    total : int
        Cases in all.
    finished : bool
        Whether the run came to its end.
    made : str
        What was made of a case; see :func:`made_of_a_case`.

    Returns
    -------
    str
        Cases with features, failed ones, flagged ones.
    """
    done, failed = len(cases.done), len(cases.failed)
    flagged = sum(bool(case["flags"]) for case in cases.done)
    if not total:
        return "A run without cases."
    so_far = "" if finished else "So far "
    flags = f", {flagged:,} {_has(flagged)} a flag" if flagged else ""
    return (
        f"{so_far}{done:,} of {_count(total, 'case')} {_has(done)} {made}; "
        f"{f'{failed:,}' if failed else 'none'} failed{flags}."
    )


def made_of_a_case(facts: dict[str, Any]) -> str:
    """Tell what a run makes of a case.

    Parameters
    ----------
    facts : dict
        ``run.json``.

    Returns
    -------
    str
        Features, or a patch for an encoder.
    """
    return "a patch" if is_of_patches(facts) else "features"


def is_of_patches(facts: dict[str, Any]) -> bool:
    """Tell whether a run cut patches, and made no features.

    Parameters
    ----------
    facts : dict
        ``run.json``.

    Returns
    -------
    bool
        Whether it did.
    """
    return facts.get("engine") == PATCHES


def counts(cases: Cases, facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Name the run's figures.

    Parameters
    ----------
    cases : Cases
        What its tables hold.
    facts : dict
        ``run.json``.

    Returns
    -------
    list of tuple of (str, str)
        What, and how many.
    """
    figures = [
        ("Cases", whole(planned(facts, cases))),
        (f"With {made_of_a_case(facts)}", whole(len(cases.done))),
        ("Failed", whole(len(cases.failed))),
    ]
    if not is_of_patches(facts):
        figures.append(("Features a case", whole(cases.features)))
    # A merged run took no time of its own.
    if time := facts.get("seconds"):
        figures.append(("Last command", duration(time)))
    return figures


def facts_in_words(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Say what made the run, for a table.

    Parameters
    ----------
    facts : dict
        ``run.json``.

    Returns
    -------
    list of tuple of (str, str)
        What, and its value.
    """
    cohort = facts.get("cohort") or {}
    versions = facts.get("versions") or {}
    told = {
        "Cohort": cohort.get("manifest"),
        "Merged from": ", ".join(facts.get("merged", [])),
        "Engine": None if is_of_patches(facts) else facts.get("engine"),
        "Patch": _patch(facts.get("settings", {}).get("patch")),
        "Version of its values": facts.get("values_version"),
        "Workers": facts.get("workers"),
        "Started": facts.get("started"),
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }
    return [(name, str(value)) for name, value in told.items() if value not in (None, "")]


def _patch(told: dict[str, Any] | None) -> str:
    if told is None:
        return ""
    voxels, spacing = ((f"{each:g}" for each in told[name]) for name in ("size", "spacing_mm"))
    return f"{' × '.join(voxels)} voxels of {' × '.join(spacing)} mm (z, y, x)"


def unfinished(run: Run) -> str:
    """Say of an unfinished run whether anyone is at it, and what the page lacks.

    Parameters
    ----------
    run : Run
        The run.

    Returns
    -------
    str
        Sentences.
    """
    waiting = len(list(run.rows.keys()))
    told = (
        f"It is being written by {holder_of(run.path)}."
        if is_held(run.path)
        else "No command is at it: give the same command again, and it goes on."
    )
    if waiting:
        told += f" {_count(waiting, 'more case')} {_is(waiting)} done, but in no table yet."
    return told + " Make the page again for a newer one."


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _has(number: int) -> str:
    return "has" if number == 1 else "have"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"
