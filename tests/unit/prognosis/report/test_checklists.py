import csv
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from radpipe.errors import RunError
from radpipe.prognosis.report.checklists import write_checklists
from radpipe.prognosis.report.checklists.answers import ANSWERS
from radpipe.prognosis.report.checklists.items import CHECKLISTS
from radpipe.prognosis.report.checklists.known import Known
from radpipe.prognosis.report.checklists.write import UNKNOWN, lines_of
from radpipe.store.files import read_json, write_json
from tests.e2e.evaluation_input import write_evaluation
from tests.e2e.report_input import patient_ids, write_run

BY_NAME = {each.name: each for each in CHECKLISTS}
# As published: how many items, and the letters of those that have several parts.
ITEMS = {"tripod_ai": 27, "clear": 58, "metrics": 30, "ibsi": 76}
PARTS = {
    "tripod_ai": {
        3: "abc", 5: "ab", 6: "abc", 8: "abc", 9: "abc", 12: "abcdefg", 18: "abcdef", 20: "abc",
        23: "ab", 27: "abc",
    },
    "clear": {},
    "metrics": {},
    "ibsi": {
        2: "abc", 3: "abcde", 4: "abcde", 9: "abc", 18: "abc", 31: "abc", 32: "abc", 34: "ab",
        35: "ab", 48: "abcd", 50: "abcd", 56: "abc",
    },
}  # fmt: skip
SETTING = {
    "binWidth": 25,
    "binCount": None,
    "resampledPixelSpacing": [1, 1, 3],
    "interpolator": "sitkBSpline",
    "padDistance": 5,
    "normalize": False,
    "resegmentRange": [-400, 300],
    "resegmentMode": "absolute",
    "distances": [1],
    "gldm_a": 0,
    "symmetricalGLCM": True,
    "weightingNorm": None,
    "force2D": False,
}


def _answers(name, known):
    return {line.item.number: line.answer for line in lines_of(BY_NAME[name], known)}


def _extracted(**setting):
    settings = {
        "imageType": {"Original": {}, "LoG": {"sigma": [2.0]}},
        "featureClass": {"glcm": None},
        "setting": SETTING | setting,
    }
    provenance = {"engine": "fast", "values_version": "1", "settings": settings, "control": None}
    return {"source": {"provenance": provenance}}


def _evaluated(folder, **evaluation):
    write_evaluation(folder / "e", **evaluation)
    write_checklists(folder / "e", folder / "checklists")
    return folder / "checklists"


def _rows(path):
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return {row["No."]: row for row in csv.DictReader(lines)}


@pytest.mark.parametrize("name", ITEMS)
def test_numbers_are_those_that_were_published(name):
    wanted = []
    for number in range(1, ITEMS[name] + 1):
        parts = PARTS[name].get(number)
        wanted += [f"{number}{letter}" for letter in parts] if parts else [str(number)]
    assert [item.number for item in BY_NAME[name].items()] == wanted


@pytest.mark.parametrize("checklist", CHECKLISTS, ids=lambda each: each.name)
def test_every_item_says_what_it_asks(checklist):
    for item in checklist.items():
        assert item.section and item.topic and item.asks.endswith((".", "?")), item.number


def test_items_and_answers_fit_together():
    asked = {name for each in CHECKLISTS for item in each.items() for name in item.answers}
    assert asked == set(ANSWERS)


@pytest.mark.parametrize("name", ITEMS)
@pytest.mark.parametrize("kind", ["cross-validation", "validation"])
def test_nothing_known_of_images_or_results_is_made_up(name, kind):
    """Without numbers only what radpipe itself does may be told."""
    told = {
        number: answer
        for number, answer in _answers(name, Known({"kind": kind})).items()
        if answer != UNKNOWN
    }
    assert not any(
        re.search(r"\d+ (patient|event|feature|case)", answer) for answer in told.values()
    )
    if name == "ibsi":
        assert set(told) <= {"72", "74", "75"}


@pytest.mark.parametrize(
    ("name", "number"),
    [("tripod_ai", "18a"), ("tripod_ai", "17"), ("clear", "8"), ("metrics", "28"), ("ibsi", "7")],
)
def test_what_only_authors_know_is_left_to_them(name, number, tmp_path):
    row = _rows(_evaluated(tmp_path) / f"{name}.csv")[number]
    assert (row["Answer"], row["Yours to add"], row["Page"]) == (UNKNOWN, "all of it", "")


def test_answers_hold_the_numbers_of_the_evaluation(tmp_path):
    folder = _evaluated(tmp_path)
    metrics = read_json(tmp_path / "e" / "metrics.json")
    interval = metrics["models"]["fusion"]["c_index"]
    estimate, low, high = (f"{interval[end]:.2f}" for end in ("estimate", "low", "high"))
    rows = _rows(folder / "tripod_ai.csv")
    assert f"fusion: C-index {estimate} ({low} to {high})" in rows["23a"]["Answer"]
    counts = f"{metrics['cohort']['patients']} patients, {metrics['cohort']['events']} events"
    assert counts in rows["20a"]["Answer"]
    assert (
        "5,143 patients for 1,218 candidate parameters; the cohort has fewer"
        in rows["10"]["Answer"]
    )


@pytest.mark.parametrize(
    "evaluation",
    [{}, {"binary": True}, {"kind": "validation"}, {"withheld": True}, {"models": ("volume",)}],
    ids=str,
)
def test_every_kind_of_evaluation_is_answered(evaluation, tmp_path):
    folder = _evaluated(tmp_path, **evaluation)
    written = {path.name for path in folder.iterdir()}
    assert written == {f"{name}.{ending}" for name in ITEMS for ending in ("html", "csv")}
    for name, count in ITEMS.items():
        rows = _rows(folder / f"{name}.csv")
        assert len(rows) >= count
        assert not [row for row in rows.values() if re.search(r"\b(None|nan)\b", row["Answer"])]


def test_baselines_alone_claim_no_learning(tmp_path):
    rows = _rows(_evaluated(tmp_path, withheld=True) / "clear.csv")
    for number in ("32", "33", "35"):
        assert "Only baselines were evaluated" in rows[number]["Answer"]
        assert "cluster" not in rows[number]["Answer"]


def test_evaluation_and_validation_differ(tmp_path):
    inner = _rows(_evaluated(tmp_path / "a") / "metrics.csv")
    outer = _rows(_evaluated(tmp_path / "b", kind="validation") / "metrics.csv")
    assert inner["27"]["Answer"] == UNKNOWN == outer["26"]["Answer"]
    assert inner["26"]["Answer"] != UNKNOWN != outer["27"]["Answer"]


def test_training_patients_are_no_external_test():
    metrics = {
        "kind": "validation",
        "cohort": {"patients": 60, "events": 20},
        "overlap": 12,
        "leaks": {"checked": ["patient_id", "image"], "found": {"image": 12}},
    }
    told = "12 of 60 patients were training patients (12 by image)"
    found = _answers("tripod_ai", Known(metrics))
    for number in ("1", "2"):
        assert f"{told}: this is no external validation" in found[number]
    assert "another cohort" not in " ".join(found.values())
    gain = {"versus": {"volume": {"estimate": 0.1, "low": 0.05, "high": 0.15}}}
    better = metrics | {"main": "cox", "models": {"cox": gain}}
    assert "it shows no gain" in _answers("tripod_ai", Known(better))["25"]
    assert "unseen patients" not in " ".join(found.values())
    assert _answers("metrics", Known(metrics))["27"] == f"{told}: no external test."


@pytest.mark.parametrize(("overlap", "told"), [(0, "in which no training"), (None, "is not known")])
def test_a_title_says_to_whom_the_model_was_applied(overlap, told):
    answer = _answers("tripod_ai", Known({"kind": "validation", "overlap": overlap}))["1"]
    assert told in answer


@pytest.mark.parametrize(
    ("trials", "told"), [(0, "5 inner folds for calibration;"), (20, "tuning (20 trials of")]
)
def test_inner_folds_tune_only_where_something_was_tried(trials, told):
    design = {"repeats": 1, "folds": 5, "inner_folds": 5, "trials": trials}
    known = Known({"kind": "cross-validation", "design": design, "models": {"cox": {}}})
    assert told in _answers("tripod_ai", known)["12a"]


def test_permutations_tell_how_little_few_of_them_can(tmp_path):
    rows = _rows(_evaluated(tmp_path) / "clear.csv")
    told = " ".join(row["Answer"] for row in rows.values())
    # 1/15 and 1/5: the fixture has fourteen and four.
    assert "14 permutations, whose smallest possible p is 0.067" in told
    assert "features it is 0.60 (4 permutations, whose smallest possible p is 0.2)" in told


def test_a_branch_without_weight_is_told(tmp_path):
    branches = {
        "clinical + volume": {"fits": 5, "weighted": 5},
        "radiomics": {"fits": 5, "weighted": 0},
    }
    fusion = {"title": "Fusion", "branches": branches}
    known = Known({"main": "fusion", "models": {"fusion": fusion}})
    told = " ".join(_answers("clear", known).values())
    assert "Radiomics got weight 0 in all 5 fits" in told
    fusion["versus"] = {"volume": {"estimate": 0.1, "low": 0.05, "high": 0.15}}
    assert "Radiomics got weight 0 in all 5 fits" in _answers("tripod_ai", known)["2"]


def test_settings_of_the_extraction():
    found = _answers("ibsi", Known(_extracted()))
    assert found["50a"] == "radpipe resampled images with BSpline (SimpleITK's name)."
    assert "1 x 1 x 3 mm" in found["51"]
    assert found["55"] == "Voxels outside -400 to 300 (absolute) leave the ROI."
    assert found["56b"] == "Bins of a fixed width: 25."
    assert found["57"] == "Image types: LoG (sigma [2.0]), Original."
    assert found["64"] == "Symmetric."
    assert found["65"].endswith("in voxels: 1.")


def test_other_settings_of_the_extraction():
    other = _extracted(
        binCount=32,
        resampledPixelSpacing=None,
        resegmentRange=None,
        symmetricalGLCM=False,
        force2D=True,
        force2Ddimension=0,
        weightingNorm="euclidean",
    )
    found = _answers("ibsi", Known(other))
    assert found["50a"] == found["50b"] == "radpipe did not resample images."
    assert found["51"] == UNKNOWN
    assert found["55"] == "radpipe did not re-segment ROIs."
    assert found["56b"] == "Fixed number of bins: 32."
    assert "merged" in found["62"] and "two dimensions" in found["62"]
    assert found["63"] == "By the norm: euclidean."
    assert found["64"] == "Not symmetric."


@pytest.mark.parametrize(
    ("modalities", "number", "beside"),
    [
        (["CT"], "19", True),
        (["CT"], "14", False),
        (["MR"], "19", False),
        (["MR"], "14", True),
        (["PT"], "16", False),
        (["CT", "PT"], "16", False),
        (["T1"], "14", False),
        ([], "14", False),
    ],
)
def test_items_of_another_modality(modalities, number, beside):
    answer = _answers("ibsi", Known({}, modalities=modalities))[number]
    assert answer == (f"Does not apply: the cases are {modalities[0]}." if beside else UNKNOWN)


def test_images_of_the_run():
    known = Known(
        {},
        columns=[
            "original_glcm_Contrast",
            "log-sigma-2-0-mm-3D_glcm_Id",
            "original_shape_Sphericity",
        ],
        spacing_mm=np.array([[1.0, 1.0, 5.0], [0.5, 0.5, 5.0], [0.5, 0.5, 5.0]]),
    )
    found = _answers("ibsi", known)
    assert found["28"] == "Pixels of 0.5 to 1 (median 0.5) mm, as the files say."
    assert found["30"] == "Slices 5 mm apart, as the files say."
    assert "glcm 2, shape 1." in found["58"] and "3 features a case." in found["58"]


def test_run_is_read(tmp_path):
    spacing = ["[1.0, 1.0, 2.5]"] * 6
    told = {"diagnostics_Image-original_Spacing": spacing}
    write_run(tmp_path / "run", patient_ids(6), failed=("x",), told=told)
    write_evaluation(tmp_path / "e", run="run")
    write_checklists(tmp_path / "e", tmp_path / "checklists")
    rows = _rows(tmp_path / "checklists" / "ibsi.csv")
    assert rows["8"]["Answer"] == "Modality: CT."
    assert rows["30"]["Answer"] == "Slices 2.5 mm apart, as the files say."
    assert rows["19"]["Answer"] == "Does not apply: the cases are CT."
    flow = _rows(tmp_path / "checklists" / "tripod_ai.csv")["20a"]["Answer"]
    assert flow.startswith("Extraction: 7 cases, 1 failed.")


def test_net_benefit_is_above_both_simple_rules():
    """By hand: at 0.1 it is above both, at 0.2 below treating all, at 0.3 below treating none."""
    decision = {"thresholds": [0.1, 0.2, 0.3], "model": [0.2, 0.1, -0.1], "all": [0.15, 0.12, -0.2]}
    main = {"baseline": False, "horizons": [{"time": 365.0, "decision": decision}]}
    known = Known({"main": "cox", "models": {"cox": main}})
    assert "at 1 of 3 thresholds between 10% and 10% at 365." in _answers("clear", known)["48"]


def test_centres_are_told_apart():
    folds = [{"centre": "Delft", "c_index": 0.7}, {"centre": "Ulm", "c_index": None}]
    known = Known(
        {
            "main": "cox",
            "design": {"splits": "centres", "centres": ["Delft", "Ulm"], "folds": 2},
            "models": {"cox": {"folds": folds}},
        }
    )
    found = _answers("tripod_ai", known)
    assert found["23b"] == "C-index by centre left out: Delft 0.70, Ulm not defined."
    assert "Leave-one-centre-out" in found["12a"]


def test_competing_events_are_named():
    endpoint = {"kind": "survival", "event": "cause", "value": "1", "time": "days"}
    known = Known({"endpoint": endpoint | {"competing": {"2": 7}}})
    answer = _answers("tripod_ai", known)["8a"]
    assert "column cause is 1" in answer
    assert "2 (7 patients)" in answer and "cause-specific" in answer


class _Tags(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.text = [], [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.text += data


def test_hostile_names_stay_text(tmp_path):
    write_evaluation(tmp_path / "e")
    metrics = read_json(tmp_path / "e" / "metrics.json")
    metrics["endpoint"]["event"] = "<script>alert(1)</script>"
    write_json(tmp_path / "e" / "metrics.json", metrics)
    write_checklists(tmp_path / "e", tmp_path / "checklists")
    page = _Tags((tmp_path / "checklists" / "clear.html").read_text("utf-8"))
    assert "script" not in page.tags
    assert "<script>alert(1)</script>" in page.text
    assert page.links == ["https://doi.org/10.1186/s13244-023-01415-8"]


def test_page_and_table_say_the_same(tmp_path):
    folder = _evaluated(tmp_path)
    text = _Tags((folder / "metrics.html").read_text("utf-8")).text
    for row in _rows(folder / "metrics.csv").values():
        assert row["Answer"] in text and row["What is asked"] in text


def test_no_mark_is_given(tmp_path):
    rows = _rows(_evaluated(tmp_path) / "metrics.csv")
    assert list(next(iter(rows.values()))) == [
        "No.", "Asked of", "Section", "Topic", "What is asked", "Answer", "Yours to add", "Page",
    ]  # fmt: skip


def test_same_evaluation_gives_the_same_files(tmp_path):
    folder = _evaluated(tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_checklists(tmp_path / "e", folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_somebody_filled_in_is_kept(tmp_path):
    folder = _evaluated(tmp_path)
    for number in (1, 2):
        (folder / "clear.csv").write_text(f"filled in {number}", encoding="utf-8")
        write_checklists(tmp_path / "e", folder)
        kept = folder / f"earlier-{number}"
        assert [path.name for path in kept.iterdir()] == ["clear.csv"]
        assert (kept / "clear.csv").read_text("utf-8") == f"filled in {number}"
        assert len(_rows(folder / "clear.csv")) == 58


def test_folder_that_cannot_be_made(tmp_path):
    write_evaluation(tmp_path / "e")
    with pytest.raises(RunError, match=r"cannot write the checklists.*--out"):
        write_checklists(tmp_path / "e", tmp_path / "none" / "checklists")


def test_chosen_features_are_those_of_the_main_model():
    selected = pd.DataFrame(
        {"model": ["xgb_cox", "cox", "cox"], "feature": ["a", "b", "c"], "chosen": [1.0, 0.2, 0.9]}
    )
    known = Known({"main": "cox"}, tables={"selected": selected})
    answer = _answers("clear", known)["46"]
    assert answer.startswith("Most often chosen: c (90% of folds), b (20% of folds);")
