import re

import pytest

from radpipe.prognosis.models.card import model_card

ENDPOINT = {"kind": "survival", "time": "os_days", "event": "death", "value": None, "competing": {}}
CALIBRATION = {"slope": 0.893, "intercept": None, "baseline": {}}


def _facts(**changes):
    return {
        "model": "cox",
        "columns": ["a", "b", "age"],
        "parameters": {"reduction": {"correlation": 0.9, "keep": 30}},
        "state": {"calibration": CALIBRATION, "chosen": {"strength": 0.5}},
        "endpoint": ENDPOINT,
        "training": {
            "patients": 137,
            "events": 74,
            "follow_up_median": 900.0,
            "excluded": {"without an outcome": 3, "without features": 0},
            "roles": {"clinical_columns": ["age", "unused"], "batch": None},
            "volume": "v",
        },
        "horizons": [365.0, 730.5],
        "source": {"provenance": None},
        "versions": {"radpipe": "0.1.0"},
        **changes,
    }


def _row(card, name):
    return re.search(rf"^\| {re.escape(name)} \| (.*) \|$", card, re.MULTILINE)[1]


def test_training_cohort_is_told():
    card = model_card(_facts())
    assert _row(card, "Training patients") == "137"
    assert _row(card, "Events") == "74"
    assert _row(card, "Left out: without an outcome") == "3"
    assert "without features" not in card
    assert _row(card, "Clinical columns") == "age"
    assert _row(card, "Default horizons") == "365, 730.5"
    assert _row(card, "Extraction") == "unknown: the table did not say"


def test_calibration_and_settings_are_told():
    card = model_card(_facts())
    assert "slope 0.893 per standard deviation of the score, a Breslow baseline hazard" in card
    assert "Settings: strength 0.5" in card
    assert "rank correlation of 0.9" in card


def test_steps_that_were_asked_for_are_told():
    asked = {
        "correlation": 0.8,
        "keep": 12,
        "selection": "mrmr",
        "stability": {"a": 0.9},
        "volume_dependence": 0.7,
    }
    card = model_card(_facts(parameters={"reduction": asked}))
    for told in ("0.8", "12 kept by mrmr", "unstable ones dropped", "follow volume (0.7)"):
        assert told in card
    assert "mrmr" not in model_card(_facts())


def test_binary_endpoint_has_no_times():
    endpoint = {**ENDPOINT, "kind": "binary", "time": None}
    state = {"calibration": {"slope": 1.2, "intercept": -0.4, "baseline": None}}
    card = model_card(_facts(endpoint=endpoint, state=state, horizons=[]))
    assert "probability of the event (`death`)" in card
    assert "intercept -0.4" in card
    assert not re.search("follow-up|[Ss]urvival|horizon", card)


def test_competing_events_are_cause_specific():
    card = model_card(_facts(endpoint={**ENDPOINT, "value": "1", "competing": {"2": 7}}))
    assert "`death` is 1" in card
    assert "2 (7 patients)" in card and "cause-specific" in card
    assert "ompeting" not in model_card(_facts())


def test_fusion_tells_its_weights_and_branches():
    state = {
        "calibration": CALIBRATION,
        "chosen": {"weights": {"clinical + volume": 0.667, "radiomics": 0.0}},
        "branches": {
            "clinical + volume": {"columns": ["age", "v"], "state": {"chosen": {}}},
            "radiomics": {"columns": ["a", "b"], "state": {"chosen": {"l1_ratio": 0.7}}},
        },
    }
    card = model_card(_facts(model="fusion", state=state))
    assert "clinical + volume 0.667, radiomics 0" in card
    assert "weight 0 told no more than chance" in card
    assert "Branch `radiomics`: 2 columns; settings: l1_ratio 0.7" in card


def test_strongest_coefficients_come_first_and_zeros_not_at_all():
    coefficients = {"weak": 0.01, "strong": -0.5, "none": 0.0}
    state = {"calibration": CALIBRATION, "learnt": {"coefficients": coefficients}}
    card = model_card(_facts(state=state))
    assert "`strong` -0.5, `weak` 0.01 (2 of 3 are not zero)" in card
    assert "`none`" not in card


@pytest.mark.parametrize("control", [None, "shuffled-voxels"])
def test_extraction_is_told(control):
    provenance = {"engine": "fast", "values_version": "1", "control": control}
    told = _row(model_card(_facts(source={"provenance": provenance})), "Extraction")
    assert told.startswith("engine fast, values 1")
    assert ("hold nothing to learn from" in told) == (control is not None)


def test_name_with_a_bar_ends_no_cell():
    training = {**_facts()["training"], "volume": "a|b"}
    assert _row(model_card(_facts(training=training)), "Volume") == r"a\|b"


def test_the_end_of_follow_up_is_told():
    curve = {"times": [10.0, 1595.0, 2262.5], "survival": [0.9, 0.5, 0.5]}
    training = {**_facts()["training"], "without_predictors": curve}
    card = model_card(_facts(training=training))
    assert "end with the longest follow-up, 2262.5: later times are refused" in card
    assert "later times" not in model_card(_facts())


def test_the_card_says_that_it_is_sealed():
    assert re.search(r"refuses the model where the card was\s+changed", model_card(_facts()))
