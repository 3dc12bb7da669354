"""The evaluations that tests of the report write are of the form that real ones have."""

from collections.abc import Iterator
from typing import Any

import pytest

from radpipe.prognosis.evaluation import ModelOptions, evaluate, train, validate
from radpipe.prognosis.evaluation.results import Evaluation
from tests.e2e.evaluation_input import write_evaluation
from tests.unit.prognosis.cohorts import simulate

MODELS = ("fusion", "clinical", "volume")
# What stands in these is named by models, codes, settings or packages.
NAMED_BY_DATA = {"codes", "cuts", "found", "parameters", "provenance", "recalibrated"}
NAMED_BY_DATA |= {"unseen", "versions", "versus"}
SURVIVAL = {"event": "death", "time": "os_days"}
HOW = {"clinical_columns": ["age"], "options": ModelOptions(inner_folds=2)}


def places(facts: Any, where: str = "") -> Iterator[str]:
    """Name every key in nested facts, where it stands; of several entries those of the first."""
    if isinstance(facts, list):
        facts = facts[0] if facts else None
    if isinstance(facts, dict):
        for key, value in facts.items():
            yield f"{where}/{key}"
            if key not in NAMED_BY_DATA:
                yield from places(value, f"{where}/{key}")


def form_of(metrics: dict[str, Any]) -> set[str]:
    """Name every place in measures, of the models that all evaluations have."""
    models = {name: metrics["models"][name] for name in MODELS}
    return {*places({**metrics, "models": models})}


def written(folder, **how):
    return Evaluation.load(write_evaluation(folder / "written", **how)).metrics


@pytest.mark.parametrize("endpoint", [SURVIVAL, {"event": "death"}], ids=["survival", "binary"])
def test_a_cross_validation(endpoint, tmp_path):
    small = {"models": ["fusion"], "repeats": 1, "folds": 3, "permutations": 1}
    found = evaluate(*simulate(60), **endpoint, **HOW, **small)
    told = written(tmp_path, binary="time" not in endpoint)
    assert form_of(told) == form_of(found.metrics)
    assert told["leaks"]["checked"] == found.metrics["leaks"]["checked"]


@pytest.mark.parametrize("endpoint", [SURVIVAL, {"event": "death"}], ids=["survival", "binary"])
def test_a_validation(endpoint, tmp_path):
    train(*simulate(60), **endpoint, **HOW, out=tmp_path / "model")
    found = validate(tmp_path / "model", *simulate(50, seed=9))
    told = written(tmp_path, kind="validation", binary="time" not in endpoint)
    assert form_of(told) == form_of(found.metrics)
    assert told["leaks"]["checked"] == found.metrics["leaks"]["checked"]
