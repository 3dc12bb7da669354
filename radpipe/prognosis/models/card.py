"""The model card: what a person must know before using a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from radpipe.prognosis.models.parts import XGBOOST, Embedding, Reduction
from radpipe.prognosis.models.table import EMBEDDINGS, title_of

_TEMPLATE = """# Model card: {title}

{predicts}

## What it learnt from

| | |
|---|---|
{rows}

## What it is made of

{parts}

## Use

For research on patients like those of the training cohort, imaged, segmented and extracted alike.
`radpipe predict` refuses tables of other columns or extraction settings, and tells how far each
patient is from the training patients. It cannot see another scanner, another disease or another
way to segment. It is no medical device.

This card is sealed with the model: radpipe refuses the model where the card was changed. Notes of
your own belong in another file.

## How good is it?

This card says nothing about it: the training patients cannot tell. `radpipe evaluate` on the
training cohort and `radpipe validate` on another one do, beside tumour volume alone.

## Known limits

{limits}
"""
_PRIVACY = (
    "`model.json` holds salted hashes of the training patients' identifiers, by which "
    "`radpipe validate` notices them. They name nobody, but whoever tries all short identifiers "
    "can find out who was there."
)
_MOST_COLUMNS = 12


def model_card(facts: dict[str, Any]) -> str:
    """Write the card of one model.

    Parameters
    ----------
    facts : dict
        Content of ``model.json``.

    Returns
    -------
    str
        Markdown.
    """
    rows = "\n".join(f"| {name} | {_cell(value)} |" for name, value in _rows(facts))
    return _TEMPLATE.format(
        title=_title(facts["model"], facts["state"]),
        predicts=_predicts(facts["endpoint"]),
        rows=rows,
        parts="\n".join(f"- {part}" for part in _parts(facts["state"], facts["parameters"])),
        limits="\n\n".join(_limits(facts)),
    )


def _title(model: str, state: dict[str, Any]) -> str:
    return f"{title_of(model, state.get('branches', ()))} (`{model}`)"


def _predicts(endpoint: dict[str, Any]) -> str:
    value = endpoint.get("value")
    event = f"`{endpoint['event']}`" + (f" is {value}" if value else "")
    if endpoint.get("time") is None:
        return (
            f"Predicts the probability of the event ({event}) and a risk score, its log-odds "
            "(higher = likelier event). The endpoint has no times."
        )
    return (
        f"Predicts a risk score (log-hazard; higher = earlier event) and survival probabilities "
        f"for the event {event} with times in `{endpoint['time']}`, in the unit of that column."
    )


def _rows(facts: dict[str, Any]) -> Iterator[tuple[str, object]]:
    training, endpoint = facts["training"], facts["endpoint"]
    survival = endpoint.get("time") is not None
    follow_up = training.get("follow_up_median")
    roles = training.get("roles", {})
    yield "Training patients", training["patients"]
    yield "Events", training["events"]
    if survival:
        reached = "not reached" if follow_up is None else f"{follow_up:g}"
        yield "Median follow-up (reverse Kaplan-Meier)", reached
    for why, count in (training.get("excluded") or {}).items():
        if count:
            yield f"Left out: {why}", count
    yield "Input columns", len(facts["columns"])
    taken = [name for name in roles.get("clinical_columns") or () if name in facts["columns"]]
    yield "Clinical columns", ", ".join(taken) or "none"
    yield "Volume", training.get("volume") or "none"
    if roles.get("batch"):
        yield "Harmonised by ComBat over", roles["batch"]
    if endpoint.get("origin_days"):
        yield "Times run from", endpoint["origin_days"]
    yield "Extraction", _extraction(facts["source"].get("provenance"))
    if facts["source"].get("embeddings"):
        yield "Encoder", _encoder(facts["source"]["embeddings"])
    if survival:
        yield "Default horizons", ", ".join(f"{time:g}" for time in facts["horizons"])
    yield "Versions", _pairs(facts["versions"])


def _parts(state: dict[str, Any], parameters: dict[str, Any]) -> Iterator[str]:
    chosen = {**state.get("chosen", {})}
    weights = chosen.pop("weights", None)
    if weights:
        yield f"Weights of its branches: {_pairs(weights)}"
        if not all(weights.values()):
            yield "A branch of weight 0 told no more than chance would, and plays no part"
    if chosen:
        yield f"Settings: {_pairs(chosen)}"
    for name, branch in state.get("branches", {}).items():
        settings = branch["state"].get("chosen")
        told = f"; settings: {_pairs(settings)}" if settings else ""
        yield f"Branch `{name}`: {len(branch['columns'])} columns{told}"
    if "reduction" in parameters:
        yield _steps(parameters["reduction"] or asdict(Reduction()))
    if "embedding" in parameters and EMBEDDINGS in state.get("branches", {EMBEDDINGS}):
        yield _components(parameters)
    coefficients = state.get("learnt", {}).get("coefficients")
    if coefficients:
        yield f"Coefficients of columns as they leave the steps: {_strongest(coefficients)}"
    yield _calibration(state["calibration"])


def _steps(reduction: dict[str, Any]) -> str:
    told = [f"clusters of features from a rank correlation of {reduction['correlation']:g}"]
    if reduction.get("stability"):
        told.append("unstable ones dropped")
    if reduction.get("volume_dependence") is not None:
        told.append(f"those that follow volume ({reduction['volume_dependence']:g}) dropped")
    if reduction.get("selection"):
        told.append(f"{reduction['keep']} kept by {reduction['selection']}")
    return f"Steps before features are learnt from: {', '.join(told)}"


def _components(parameters: dict[str, Any]) -> str:
    how = Embedding(**(parameters["embedding"] or {}))
    learner = "boosted trees" if how.head == XGBOOST else "ridge regression"
    return f"The embedding is at most {how.components} principal components to {learner}"


def _strongest(coefficients: Mapping[str, float]) -> str:
    used = {name: value for name, value in coefficients.items() if value != 0}
    first = sorted(used, key=lambda name: (-abs(used[name]), name))[:_MOST_COLUMNS]
    told = ", ".join(f"`{name}` {used[name]:.3g}" for name in first)
    more = len(used) - len(first)
    rest = f" and {more} more" if more else ""
    return f"{told}{rest} ({len(used)} of {len(coefficients)} are not zero)"


def _calibration(found: dict[str, Any]) -> str:
    intercept = found.get("intercept")
    base = "a Breslow baseline hazard" if intercept is None else f"intercept {intercept:.3g}"
    return (
        f"Calibration, fitted to scores of patients that the model had not seen: slope "
        f"{found['slope']:.3g} per standard deviation of the score, {base}"
    )


def _limits(facts: dict[str, Any]) -> Iterator[str]:
    endpoint = facts["endpoint"]
    competing = endpoint.get("competing")
    if competing:
        told = ", ".join(f"{code} ({count} patients)" for code, count in competing.items())
        yield (
            f"Competing events count as censored: {told}. Risks are cause-specific: a survival "
            "probability is that of a world without the other events; where these are frequent, "
            "the risk is overstated."
        )
    if endpoint.get("time") is None:
        yield "Probabilities hold where the event is as frequent as among the training patients."
    else:
        yield _end_of_follow_up(facts["training"].get("without_predictors"))
    yield _PRIVACY


def _end_of_follow_up(curve: Mapping[str, Any] | None) -> str:
    flat = "Survival curves stay flat after the last training event"
    if curve is None:
        return f"{flat}."
    end = f"{curve['times'][-1]:g}"
    return f"{flat}, and end with the longest follow-up, {end}: later times are refused."


def _extraction(provenance: dict[str, Any] | None) -> str:
    if provenance is None:
        return "unknown: the table did not say"
    control = provenance.get("control")
    spoilt = f"; control {control}: the images hold nothing to learn from" if control else ""
    return f"engine {provenance['engine']}, values {provenance['values_version']}{spoilt}"


def _encoder(embeddings: dict[str, Any]) -> str:
    if embeddings["training"] is not None:
        return f"{embeddings['encoder']}, fitted to the training patients' patches"
    weights = embeddings["provenance"]["settings"]["encoder"].get("weights_sha256", "unknown")
    return f"{embeddings['encoder']}, weights SHA-256 {weights}"


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in values.items()
    )


def _cell(value: object) -> str:
    # A bar in a column's name would end the cell.
    return str(value).replace("|", "\\|").replace("\n", " ")
