"""What is printed of an evaluation, from its measures."""

from pathlib import Path
from types import SimpleNamespace

from radpipe.cli.show import show, weights_in_words

INTERVAL = {"estimate": 0.61, "low": 0.5, "high": 0.7}


def printed(capsys, **changes):
    fusion = {"c_index": INTERVAL, "versus": {}, **changes}
    metrics = {
        "cohort": {"patients": 60, "events": 30, "excluded": {}},
        "endpoint": {"kind": "survival", "competing": {}},
        "design": {"interval": "Nadeau-Bengio 95 %"},
        "models": {"fusion": fusion},
        "main": "fusion",
        "withheld": {},
    }
    show(SimpleNamespace(metrics=metrics), Path("e"))
    return capsys.readouterr().out


def branch(fits, weighted, weight):
    return {"fits": fits, "weighted": weighted, "weight": weight}


def test_how_often_a_branch_had_a_weight_is_told(capsys):
    branches = {"clinical + volume": branch(25, 25, 0.3), "radiomics": branch(25, 3, 0.04)}
    output = printed(capsys, branches=branches)
    assert "    radiomics had a weight in 3 of 25 fits\n" in output
    assert "clinical + volume had" not in output


def test_of_one_fit_the_weights_are_told(capsys):
    branches = {"volume": branch(1, 1, 0.3), "radiomics": branch(1, 0, 0.0)}
    assert "    weights: volume 0.3, radiomics 0 (not used)\n" in printed(capsys, branches=branches)


def test_without_branches_nothing_is_said_of_them(capsys):
    output = printed(capsys)
    assert "weight" not in output
    assert "0.610 (0.500 to 0.700)" in output


def test_weights_have_three_digits():
    assert weights_in_words({"a": 0.22519, "b": 1.0}) == "a 0.225, b 1"
