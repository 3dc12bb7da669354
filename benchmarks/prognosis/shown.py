"""What a measure prints: tables in Markdown, and whether what was wanted was found."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from radpipe.parallel import in_order
from radpipe.progress import progress_bar


class Verdict(NamedTuple):
    """One thing that was to be measured."""

    what: str
    found: str
    wanted: str
    passed: bool


def seeds(chosen: argparse.Namespace, count: int) -> range:
    return range(chosen.first, chosen.first + (chosen.seeds or count))


def run(job: Callable[[Any], Any], items: Sequence[Any], chosen: argparse.Namespace) -> list[Any]:
    """Do a job for every item, with a bar; results do not depend on the number of workers."""
    with progress_bar(chosen.measure, len(items), shown=True) as step:
        return in_order(job, items, chosen.workers, step)


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    print(f"\n**{title}**\n")
    for row in (columns, ["---"] * len(columns), *rows):
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


def show_verdicts(verdicts: Sequence[Verdict]) -> None:
    rows = [
        (each.what, each.found, each.wanted, "pass" if each.passed else "MISS") for each in verdicts
    ]
    show("Verdict", ("measure", "found", "wanted", ""), rows)


def near(what: str, values: ArrayLike, target: float, margin: float) -> Verdict:
    mean, error = mean_and_error(values)
    wanted = f"{target} ± {margin:.3f}"
    return Verdict(what, shown(mean, error), wanted, abs(mean - target) <= margin)


def at_most(what: str, values: ArrayLike, limit: float) -> Verdict:
    mean, error = mean_and_error(values)
    return Verdict(what, shown(mean, error), f"at most {limit}", mean <= limit)


def at_least(what: str, values: ArrayLike, limit: float) -> Verdict:
    mean, error = mean_and_error(values)
    return Verdict(what, shown(mean, error), f"at least {limit}", mean >= limit)


def mean_and_error(values: ArrayLike) -> tuple[float, float]:
    known = np.asarray(values, dtype=np.float64)
    if len(known) < 2:
        return float(known.mean()), float("nan")
    return float(known.mean()), float(known.std(ddof=1) / np.sqrt(len(known)))


def shown(mean: float, error: float) -> str:
    return f"{mean:.3f} (SE {error:.3f})"


def interval(facts: dict[str, float] | None) -> str:
    if facts is None:
        return ""
    return f"{facts['estimate']:.3f} [{facts['low']:.3f}, {facts['high']:.3f}]"
