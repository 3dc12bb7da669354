"""The model card: what a person must know before using a model."""

from __future__ import annotations

from typing import Any

_TEMPLATE = """# Model card: {model}

Predicts a risk score (higher = earlier event) for the endpoint `{time}` / `{event}`.

| | |
|---|---|
| Training patients | {patients} |
| Events | {events} |
| Median follow-up (reverse Kaplan-Meier) | {follow_up} |
| Input columns | {columns} |
| Extraction | {extraction} |
| Chosen in training | {chosen} |
| Default horizons | {horizons} |
| Versions | {versions} |

## Use

For research on patients like those of the training cohort, imaged, segmented and extracted alike.
`radpipe predict` refuses tables of other columns or extraction settings, but it cannot see another
scanner, another disease or another way to segment. It is no medical device.

## How good is it?

This card says nothing about it: the training patients cannot tell. `radpipe evaluate` on the
training cohort and `radpipe validate` on another one do, beside tumour volume alone.

## Known limits

Survival curves come from a baseline hazard on the training patients' own risk scores and are
somewhat too extreme; beyond the last training event they stay flat.

`model.json` holds salted hashes of the training patients' identifiers, by which `radpipe validate`
notices them. They name nobody, but whoever tries all short identifiers can find out who was there.
"""


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
    training, endpoint = facts["training"], facts["endpoint"]
    follow_up = training["follow_up_median"]
    return _TEMPLATE.format(
        model=facts["model"],
        time=endpoint["time"],
        event=endpoint["event"],
        patients=training["patients"],
        events=training["events"],
        follow_up="not reached" if follow_up is None else f"{follow_up:g}",
        columns=len(facts["columns"]),
        extraction=_extraction(facts["source"]["provenance"]),
        chosen=_pairs(facts["state"].get("chosen", {})) or "nothing",
        horizons=", ".join(f"{time:g}" for time in facts["horizons"]),
        versions=_pairs(facts["versions"]),
    )


def _extraction(provenance: dict[str, Any] | None) -> str:
    if provenance is None:
        return "unknown: the table did not say"
    return f"engine {provenance['engine']}, values {provenance['values_version']}"


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
