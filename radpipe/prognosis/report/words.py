"""What the report says in words, from the numbers of an evaluation."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from radpipe.prognosis.evaluation.results import COHORT
from radpipe.prognosis.models.table import MODELS, VOLUME


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
        f"In {cohort}, the {_lower(model_name(model))} ranked patients "
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
    gain = models[model].get("gain_over_volume")
    if gain is None:
        if models[model]["c_index"]["low"] > models[VOLUME]["c_index"]["high"]:
            return "The two intervals do not overlap."
        return "The two intervals overlap: this cohort alone does not settle which is better."
    if gain["low"] > 0:
        verdict = "The model did better than volume"
    elif gain["high"] < 0:
        verdict = "The model did worse than volume"
    else:
        verdict = "This does not show that the model does better or worse than volume"
    said = f"{gain['estimate']:+.2f} (95 % interval {gain['low']:+.2f} to {gain['high']:+.2f})"
    return f"{verdict}: compared fold by fold, its C-index differs by {said}."


def kind(metrics: dict[str, Any]) -> str:
    """Name the kind of evaluation; external is what shares no patient with the training.

    Parameters
    ----------
    metrics : dict
        ``metrics.json``.

    Returns
    -------
    str
        For the page's first line.
    """
    if metrics["kind"] != "validation":
        return "cross-validation"
    return "external validation" if metrics.get("overlap") == 0 else "validation"


def overlap(metrics: dict[str, Any]) -> str | None:
    """Warn of training patients among the patients of a validation.

    Parameters
    ----------
    metrics : dict
        ``metrics.json``.

    Returns
    -------
    str or None
        Text of a banner; None where there are none, or nobody knows.
    """
    count = metrics.get("overlap")
    if not count:
        return None
    return (
        f"{count} of {metrics['cohort']['patients']} patients bear the identifier of a patient "
        "that the model was trained on. On training patients a model looks better than it is: do "
        "not read this as its quality on other patients, unless the two cohorts merely number "
        "their patients alike."
    )


def grouping(metrics: dict[str, Any]) -> str:
    """Say how patients came into their risk groups.

    Parameters
    ----------
    metrics : dict
        ``metrics.json``.

    Returns
    -------
    str
        Text, not yet escaped.
    """
    if metrics["kind"] != "validation":
        ways = {
            "by a risk score from a model that had not seen this patient": main_model(metrics),
            "by the volume itself": VOLUME in metrics["models"],
        }
        return (
            f"Every patient was put into a group {', or '.join(way for way in ways if ways[way])}; "
            "the cut is the median of that fold's training patients, and a patient belongs to the "
            "group of most repeats."
        )
    cuts = metrics["design"].get("cuts", {})
    return " ".join(
        f"{model_name(name)}: high risk is above the median of {_patients(cuts.get(name))}."
        for name in metrics["models"]
    )


def _patients(cut: str | None) -> str:
    if cut == COHORT:
        return "this cohort's own patients, as that of the training patients is not known"
    return "the patients that the model was trained on"


def _lower(name: str) -> str:
    return f"{name[0].lower()}{name[1:]}"


def without_pairs(metrics: dict[str, Any]) -> list[str]:
    """Tell of test folds that could not be counted.

    Parameters
    ----------
    metrics : dict
        ``metrics.json``.

    Returns
    -------
    list of str
        One sentence a model with such folds.
    """
    return [
        f"{model_name(name)}: {model['folds_without_pairs']} of {len(model['folds'])} test folds "
        "held no two patients that can be compared, and are left out of the average."
        for name, model in metrics["models"].items()
        if model.get("folds_without_pairs")
    ]


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
            f"A trained model ({PurePath(str(design.get('model'))).name}) was applied unchanged to "
            f"this cohort. The intervals come from {design.get('bootstraps')} bootstrap samples of "
            f"the patients (seed {design.get('seed')})."
        )
    return (
        f"{_design(metrics)} (seed {design.get('seed')}). "
        "Patients were never split between folds, and folds held events in equal shares. "
        "C-indices count pairs of patients within one test fold and are averaged over folds and "
        f"repeats; interval: {design.get('interval')}, which allows for folds sharing training "
        "patients."
    )


def _design(metrics: dict[str, Any]) -> str:
    design, judged = metrics["design"], main_model(metrics) is not None
    inner = design.get("inner_folds") if judged else None
    repeats = design.get("repeats")
    outer = f"{repeats} repeat{'' if repeats == 1 else 's'} of {design.get('folds')}"
    fitted = "; everything that is fitted was fitted on training patients only" if judged else ""
    if inner is None:
        return f"Cross-validation: {outer} folds{fitted}"
    return (
        f"Nested cross-validation: {outer} outer folds, with {inner} inner folds for tuning{fitted}"
    )
