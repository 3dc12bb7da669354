"""What ``evaluate`` and ``validate`` print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from radpipe.prognosis.evaluation import Evaluation


def console() -> Console:
    """Make a console that leaves numbers and long lines as they are.

    Returns
    -------
    Console
        To print results with.
    """
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def show(result: Evaluation, out: Path) -> None:
    """Print what was found, what was withheld, and where the files lie.

    Parameters
    ----------
    result : Evaluation
        What was found.
    out : Path
        Where it was saved.
    """
    from rich.markup import escape

    page, metrics = console(), result.metrics
    for lines in (_cohort(metrics), _models(metrics), _left_out(metrics)):
        for line in lines:
            page.print(line)
    page.print(f"written: {escape(str(out))}")


def weights_in_words(weights: Mapping[str, float]) -> str:
    """Tell how a fusion weighs its branches.

    Parameters
    ----------
    weights : mapping of str to float
        By branch.

    Returns
    -------
    str
        One line; a branch without weight is said to be unused.

    Examples
    --------
    >>> weights_in_words({"clinical + volume": 0.2251, "radiomics": 0.0})
    'clinical + volume 0.225, radiomics 0 (not used)'
    """
    told = (f"{name} {each:.3g}{'' if each else ' (not used)'}" for name, each in weights.items())
    return ", ".join(told)


def _cohort(metrics: dict[str, Any]) -> Iterator[str]:
    from rich.markup import escape

    from radpipe.prognosis.tables.columns import counted

    cohort = metrics["cohort"]
    yield f"{counted(cohort['patients'], 'patient')}, {counted(cohort['events'], 'event')}"
    others = metrics["endpoint"]["competing"]
    if others:
        told = ", ".join(f"{code} ({counted(n, 'patient')})" for code, n in others.items())
        yield f"other events, taken as censored: {escape(told)}"
    for why, patients in cohort["excluded"].items():
        if patients:
            yield f"left out, {escape(why)}: {escape(', '.join(patients))}"


def _models(metrics: dict[str, Any]) -> Iterator[str]:
    from rich.markup import escape

    from radpipe.prognosis.tables.columns import counted

    binary = metrics["endpoint"]["kind"] == "binary"
    key, title = ("auc", "AUC") if binary else ("c_index", "C-index")
    yield f"{title} ({metrics['design']['interval']}), and what it is above volume:"
    for name, facts in metrics["models"].items():
        gain = facts["versus"].get("volume")
        above = "" if gain is None else f"   {_gain(gain)}"
        bold = "bold" if name == metrics["main"] else "not bold"
        yield f"  {escape(name):<16} [{bold}]{_interval(facts[key], '.3f')}[/]{above}"
        if facts.get("folds_without_pairs"):
            yield f"    {counted(facts['folds_without_pairs'], 'fold')} without comparable pairs"
        both = facts["versus"].get("clinical_volume")
        if name == metrics["main"] and both is not None:
            yield f"    against clinical_volume {_gain(both)}"
        if "branches" in facts:
            yield f"    {escape(_weights(facts))}"


def _weights(facts: Mapping[str, Any]) -> str:
    from radpipe.prognosis.evaluation.branches import weights_note

    branches = facts["branches"]
    if any(one["fits"] > 1 for one in branches.values()):
        return str(weights_note(facts))
    return f"weights: {weights_in_words({name: one['weight'] for name, one in branches.items()})}"


def _left_out(metrics: dict[str, Any]) -> Iterator[str]:
    from rich.markup import escape

    for name, reason in metrics["withheld"].items():
        yield f"  {escape(name):<16} [yellow]withheld[/]: {escape(reason)}"
    for time, reason in metrics["design"].get("refused_horizons") or ():
        yield f"no measures at {time:g}: {escape(reason)}"


def _gain(facts: dict[str, float]) -> str:
    return _interval(facts, "+.3f") if any(facts.values()) else "0 (nowhere different)"


def _interval(facts: dict[str, float], form: str) -> str:
    return f"{facts['estimate']:{form}} ({facts['low']:{form}} to {facts['high']:{form}})"
