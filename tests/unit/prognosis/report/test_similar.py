"""The page of predicted patients and those who looked alike."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from radpipe.prognosis.report.similar import MOST_SHOWN, write_similar
from tests.unit.prognosis.embedded import vectors, write_run

SURVIVAL = {"event": "death", "time": "os_days"}


def row(case, risk, others):
    told = {"case_id": case, "risk_score": risk, "group": "high", "similar_percentile": 40.0}
    for rank, (other, cosine, time, event) in enumerate(others, 1):
        told |= {
            f"similar_{rank}": other,
            f"similar_{rank}_cosine": cosine,
            f"similar_{rank}_time": time,
            f"similar_{rank}_event": event,
        }
    return told


@pytest.fixture
def runs(tmp_path):
    def run(name, ids):
        patches = np.random.default_rng(0).normal(size=(len(ids), 6, 6, 6)).astype(np.float32)
        return write_run(tmp_path / name, vectors(ids), patches=patches)

    return run("new", ["A", "B"]), run("training", ["x", "y"])


def test_each_patient_stands_beside_those_who_looked_alike(runs, tmp_path):
    scores = pd.DataFrame(
        [
            row("A", -1.0, [("x", 0.91, 730.5, False), ("y", 0.5, 365.25, True)]),
            row("B", 2.0, [("y", 0.25, 365.25, True), (np.nan, np.nan, np.nan, np.nan)]),
        ]
    )
    page = write_similar(scores, SURVIVAL, *runs, tmp_path / "page.html").read_text()
    assert page.index("B: number 1 of 2 by risk") < page.index("A: number 2 of 2 by risk")
    assert page.count("<img") == page.count("data:image/png") == 5
    assert "censored at 24\u00a0months<br>cosine 0.91" in page
    assert page.count("event at 12\u00a0months") == 2


def test_a_table_of_a_run_has_its_patches_and_another_says_that_it_has_none(runs, tmp_path):
    scores = pd.DataFrame([row("A", 1.0, [("x", 0.9, 730.5, False)])])
    csv = tmp_path / "training.csv"
    csv.touch()
    table = runs[0] / "embeddings.parquet"
    page = write_similar(scores, SURVIVAL, table, csv, tmp_path / "page.html").read_text()
    assert page.count("<img") == 1
    assert f"No pictures of {csv}" in page and f"No pictures of {table}" not in page


def test_a_binary_endpoint_has_no_times_and_no_patches_no_pictures(runs, tmp_path):
    scores = pd.DataFrame([row("C", 0.0, [("x", 0.9, np.nan, False)])])
    endpoint = {"event": "relapse", "time": None}
    page = write_similar(scores, endpoint, *runs, tmp_path / "page.html").read_text()
    assert "<li>x: no event, cosine 0.90</li>" in page
    assert "<img" not in page


def test_of_many_the_highest_risks_are_shown(runs, tmp_path):
    rows = [row(f"p{n}", float(n), [("x", 0.9, 1.0, True)]) for n in range(MOST_SHOWN + 7)]
    page = write_similar(pd.DataFrame(rows), SURVIVAL, *runs, tmp_path / "page.html").read_text()
    assert len(re.findall(r"number \d+ of 57 by risk", page)) == MOST_SHOWN
    assert "p6:" not in page
    assert "The 50 of 57 patients at the highest risk" in page
