"""What the report says in words, from the numbers of an evaluation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from radpipe.prognosis.models.table import MODELS, VOLUME
from radpipe.prognosis.survival import Interval, nadeau_bengio


def model_name(model: str) -> str:
    """Name a model in plain words.

    Parameters
    ----------
    model : str
        Its key in ``metrics.json``.

    Returns
    -------
    str
        The key itself where it has no plain name.
    """
    return MODELS[model].title if model in MODELS else model


def with_interval(c_index: dict[str, float]) -> str:
    """Write a C-index and its interval.

    Parameters
    ----------
    c_index : dict
        ``estimate``, ``low``, ``high``.

    Returns
    -------
    str
        Two decimals each.

    Examples
    --------
    >>> with_interval({"estimate": 0.7112, "low": 0.651, "high": 0.772})
    '0.71 (95 % interval 0.65 to 0.77)'
    """
    low, high = c_index["low"], c_index["high"]
    return f"{c_index['estimate']:.2f} (95 % interval {low:.2f} to {high:.2f})"


def main_model(metrics: dict[str, Any]) -> str | None:
    """Name the model that the evaluation is about.

    Parameters
    ----------
    metrics : dict
        ``metrics.json``.

    Returns
    -------
    str or None
        Its key; None where only volume was evaluated.
    """
    return next((model for model in metrics["models"] if model != VOLUME), None)


def headline(metrics: dict[str, Any]) -> str:
    """Say what was found, in one plain sentence.

    Parameters
    ----------
    metrics : dict
        ``metrics.json``.

    Returns
    -------
    str
        Text, not yet escaped.
    """
    model, models = main_model(metrics), metrics["models"]
    cohort = f"{metrics['cohort']['patients']} patients with {metrics['cohort']['events']} events"
    volume = models.get(VOLUME)
    if model is None and metrics["withheld"]:
        return f"{cohort} are too few to judge a model; {_volume_clause(volume)}."
    if model is None:
        return f"In {cohort}, {_volume_clause(volume)}."
    found = (
        f"In {cohort}, the {model_name(model)[0].lower()}{model_name(model)[1:]} ranked patients "
        f"by risk with a C-index of {with_interval(models[model]['c_index'])}"
    )
    if volume is None:
        return f"{found}. There is no tumour volume to compare it with."
    return f"{found}; {_volume_clause(volume)}."


def _volume_clause(volume: dict[str, Any] | None) -> str:
    if volume is None:
        return "nor is there a tumour volume to fall back on"
    return f"tumour volume alone reached a C-index of {with_interval(volume['c_index'])}"


def comparison(metrics: dict[str, Any]) -> str | None:
    """Say whether the model does better than volume.

    Parameters
    ----------
    metrics : dict
        ``metrics.json``.

    Returns
    -------
    str or None
        One sentence; None without a model or without volume.
    """
    model, models = main_model(metrics), metrics["models"]
    if model is None or VOLUME not in models:
        return None
    gain = paired_gain(metrics)
    if gain is None:
        if models[model]["c_index"]["low"] > models[VOLUME]["c_index"]["high"]:
            return "The two intervals do not overlap."
        return "The two intervals overlap: this cohort alone does not settle which is better."
    if gain.low > 0:
        verdict = "The model did better than volume"
    elif gain.high < 0:
        verdict = "The model did worse than volume"
    else:
        verdict = "This does not show that the model does better or worse than volume"
    said = f"{gain.estimate:+.2f} (95 % interval {gain.low:+.2f} to {gain.high:+.2f})"
    return f"{verdict}: compared fold by fold, its C-index differs by {said}."


def paired_gain(metrics: dict[str, Any]) -> Interval | None:
    """Compare model and volume within the same outer folds.

    Parameters
    ----------
    metrics : dict
        ``metrics.json``.

    Returns
    -------
    Interval or None
        Difference in C-index with Nadeau and Bengio's interval; None without two shared folds.
    """
    model = main_model(metrics)
    if metrics["kind"] != "cross-validation" or model is None or VOLUME not in metrics["models"]:
        return None
    ours, volume = (_by_fold(metrics["models"][name].get("folds", ())) for name in (model, VOLUME))
    shared = sorted(ours.keys() & volume.keys())
    if len(shared) < 2:
        return None
    # The interval is cut to 0 ... 1, where a C-index lives; a difference lives in -1 ... 1.
    halves = [(ours[fold] - volume[fold] + 1) / 2 for fold in shared]
    interval = nadeau_bengio(halves, 1 / (metrics["design"]["folds"] - 1))
    return Interval(*(2 * end - 1 for end in interval))


def _by_fold(folds: Iterable[dict[str, Any]]) -> dict[tuple[int, int], float]:
    return {
        (fold["repeat"], fold["fold"]): fold["c_index"]
        for fold in folds
        if fold.get("c_index") is not None
    }


def how_done(metrics: dict[str, Any]) -> str:
    """Say in one paragraph how the numbers were made.

    Parameters
    ----------
    metrics : dict
        ``metrics.json``.

    Returns
    -------
    str
        Text, not yet escaped.
    """
    design = metrics["design"]
    if metrics["kind"] == "validation":
        return (
            f"A model fitted elsewhere ({design.get('model')}) was applied unchanged to this "
            f"cohort. The intervals come from {design.get('bootstraps')} bootstrap samples of the "
            f"patients (seed {design.get('seed')}). High risk means a risk score above the median "
            "of the patients that the model was trained on."
        )
    return (
        f"Nested cross-validation: {design.get('repeats')} repeats of {design.get('folds')} outer "
        f"folds{_tuning(design.get('inner_folds'))} (seed {design.get('seed')}). "
        "Patients were never split between folds, folds held events in equal shares, and "
        "everything that is fitted was fitted on training patients only. "
        "C-indices count pairs of patients within one test fold and are averaged over folds and "
        f"repeats; interval: {design.get('interval')}, which allows for folds sharing training "
        "patients. High risk means a risk score above the median of that fold's training patients; "
        "a patient belongs to the group of most repeats."
    )


def _tuning(inner_folds: int | None) -> str:
    return "" if inner_folds is None else f", with {inner_folds} inner folds for tuning"
