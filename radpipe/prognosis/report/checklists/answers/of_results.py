"""Answers about what was found."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from radpipe.prognosis.report.branches import without_weight
from radpipe.prognosis.report.checklists.answers.base import Answer, entering
from radpipe.prognosis.report.checklists.known import Known, at, number, span
from radpipe.prognosis.report.overlap import overlap_of
from radpipe.prognosis.report.slopes import meaningful_slope
from radpipe.prognosis.report.words import listed, sentences, smallest_p

_MOST_FEATURES = 5
_PAIRS = {"c_index": "C-index", "auc": "AUC", "uno": "Uno's C", "average_precision": "AUPRC"}

RESULTS: dict[str, Answer] = {}
answer = entering(RESULTS)


@answer
def discrimination(known: Known) -> str | None:
    """C or AUC of every model, with intervals; the main model's at the horizons."""
    found = known.get("models") or {}
    told = [_ranked(name, one) for name, one in found.items()]
    at_times = [
        f"{span(entry.get('auc'))} at {entry['time']:g}"
        for entry in known.main.get("horizons") or ()
        if entry.get("time") is not None and span(entry.get("auc"))
    ]
    over_time = f"AUC of {known.get('main')}: {listed(at_times)}." if at_times else None
    return sentences([*told, over_time], by="\n")


def _ranked(name: str, model: dict[str, Any]) -> str | None:
    told = [f"{word} {span(model[key])}" for key, word in _PAIRS.items() if span(model.get(key))]
    return f"{name}: {', '.join(told)}." if told else None


@answer
def main_result(known: Known) -> str | None:
    """C or AUC of the main model, and what it is above the baselines."""
    return sentences([_ranked(str(known.get("main")), known.main), comparison(known)])


@answer
def comparison(known: Known) -> str | None:
    """Differences from the baselines."""
    versus = known.main.get("versus") or {}
    # Three digits: two would hide whether an interval holds zero.
    told = [
        f"{span(found, 3, signed=True)} over {name}"
        for name, found in versus.items()
        if span(found)
    ]
    if not told:
        return None
    shared = overlap_of(known.metrics)
    return sentences(
        [
            f"Difference in {known.measure_name} of {known.get('main')}: {listed(told)}.",
            None if shared is None else "Training patients are among these: it shows no gain.",
            without_weight(known.main),
        ]
    )


@answer
def likelihood_gain(known: Known) -> str | None:
    """What radiomics adds to clinical columns and volume."""
    found = span(known.main.get("likelihood_gain"), 3, signed=True)
    unit = "patient" if known.binary else "event"
    if found is None:
        return None
    return f"Log-likelihood gained per {unit} over clinical columns and volume, held out: {found}."


@answer
def calibration_result(known: Known) -> str | None:
    """Slope and O/E of the main model."""
    slope = number(_slope(known))
    overall = f"Calibration slope of {known.get('main')}: {slope}." if slope else None
    told = [_observed(entry) for entry in known.main.get("horizons") or ()]
    ratios = [one for one in told if one]
    return sentences(
        [overall, f"Observed to expected events: {listed(ratios)}." if ratios else None]
    )


def _slope(known: Known) -> float | None:
    found, predictions = known.main.get("calibration_slope"), known.tables.get("predictions")
    if predictions is None:
        return found
    times = [entry.get("time") for entry in known.main.get("horizons") or ()]
    return meaningful_slope(found, predictions, str(known.get("main")), times)


def _observed(entry: dict[str, Any]) -> str | None:
    ratio = span(at(entry, "calibration", "ratio"))
    if ratio is None:
        return None
    return ratio if entry.get("time") is None else f"{ratio} at {entry['time']:g}"


@answer
def accuracy_result(known: Known) -> str | None:
    """Brier scores beside those of a model that knows nothing."""
    main = known.main
    whole = _beside(main.get("integrated_brier"), main.get("integrated_brier_null"))
    plain = _beside(main.get("brier"), main.get("brier_null"))
    return sentences(
        [
            f"Integrated Brier score {whole}." if whole else None,
            f"Brier score {plain}." if plain else None,
        ]
    )


def _beside(value: float | None, null: float | None) -> str | None:
    if number(value) is None:
        return None
    return f"{number(value)}, without predictors {number(null) or 'not known'}"


@answer
def benefit_result(known: Known) -> str | None:
    """Thresholds at which the model beats both simple rules."""
    told = [_useful(entry) for entry in known.main.get("horizons") or ()]
    shown = [one for one in told if one]
    return f"Net benefit above treating all and none: {listed(shown)}." if shown else None


def _useful(entry: dict[str, Any]) -> str | None:
    found = entry.get("decision")
    if not found:
        return None
    rows = zip(found["thresholds"], found["model"], found["all"], strict=True)
    better = [
        threshold
        for threshold, model, everyone in rows
        if None not in (model, everyone) and model > max(everyone, 0.0)
    ]
    where = "" if entry.get("time") is None else f" at {entry['time']:g}"
    if not better:
        return f"at no threshold{where}"
    # Not a range: there may be thresholds between where it is not better.
    return (
        f"at {len(better)} of {len(found['thresholds'])} thresholds between "
        f"{min(better):.0%} and {max(better):.0%}{where}"
    )


@answer
def optimism(known: Known) -> str | None:
    """Training minus test."""
    training, gap = number(known.main.get("training")), number(known.main.get("optimism"))
    if training is None or gap is None:
        return None
    return f"{known.measure_name} in training patients {training}: optimism {gap}."


@answer
def controls(known: Known) -> str | None:
    """Permutations."""
    labels = known.get("controls", "label_permutation") or {}
    rows = known.get("controls", "permuted_features") or {}
    shuffled = number(labels.get("mean"))
    swapped = number(rows.get("mean"))
    return sentences(
        [
            f"With permuted outcomes the mean {known.measure_name} is {shuffled}, "
            f"p {number(labels.get('p'))} ({smallest_p(len(labels['values']))})."
            if shuffled
            else None,
            f"With permuted features it is {swapped} ({smallest_p(len(rows['values']))})."
            if swapped
            else None,
            volume_correlation(known),
        ]
    )


@answer
def volume_correlation(known: Known) -> str | None:
    """Correlation of risk with volume."""
    found = number(known.main.get("correlation_with_volume"))
    if not found:
        return None
    return f"Rank correlation of the {known.risk_name} with tumour volume: {found}."


@answer
def cluster_results(known: Known) -> str | None:
    """The measure in each centre."""
    folds = known.main.get("folds") or []
    if known.get("design", "splits") != "centres":
        return None
    key = "auc" if known.binary else "c_index"
    told = [f"{fold['centre']} {number(fold.get(key)) or 'not defined'}" for fold in folds]
    return f"{_PAIRS[key]} by centre left out: {listed(told)}." if told else None


@answer
def recalibrated(known: Known) -> str | None:
    """Updated slope."""
    found = at(known.metrics, "recalibrated", str(known.get("main"))) or {}
    slope = number(found.get("slope"))
    if slope is None:
        return None
    return f"Slope refitted on this cohort: {slope}; baseline refitted. The report shows it apart."


@answer
def chosen_features(known: Known) -> str | None:
    """How often features were chosen."""
    table = known.tables.get("selected")
    if table is None or table.empty:
        return None
    mine = table[table["model"] == known.get("main")] if "model" in table else table
    top = mine.sort_values(["chosen", "feature"], ascending=[False, True]).head(_MOST_FEATURES)
    if top.empty:
        return None
    told = [
        f"{name} ({share:.0%} of folds)"
        for name, share in zip(top["feature"], top["chosen"], strict=True)
    ]
    return f"Most often chosen: {listed(told)}; selected.parquet has all."


@answer
def top_features(known: Known) -> str | None:
    """Largest contributions."""
    table = known.tables.get("contributions")
    if table is None or table.empty:
        return None
    mine = table[table["model"] == known.get("main")] if "model" in table else table
    top = mine.sort_values(["mean_abs_contribution", "feature"], ascending=[False, True])
    names = top.loc[top["mean_abs_contribution"] > 0, "feature"].head(_MOST_FEATURES)
    return f"Largest contributions: {listed(names)}." if len(names) else None


@answer
def model_files(known: Known) -> str | None:
    """Where the model is."""
    if known.is_validation:
        name = PurePath(str(known.get("design", "model"))).name
        return f"The model's folder: {name} (model.json, MODEL_CARD.md)."
    return (
        "radpipe train writes the whole model, fitted to all patients, as a folder of open formats "
        "with a model card."
    )


@answer
def feature_table(known: Known) -> str | None:
    """Where feature values are."""
    return (
        "The run's features.parquet holds every feature of every case." if known.columns else None
    )
