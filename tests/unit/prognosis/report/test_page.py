import base64
import json
import math
import re
import subprocess
import sys

import pandas as pd
import pytest

from radpipe.errors import RunError
from radpipe.prognosis.report import write_report
from radpipe.prognosis.report.checklists import write_checklists
from radpipe.prognosis.report.gallery import gallery
from radpipe.prognosis.report.questions import groups
from radpipe.store import write_table
from radpipe.store.files import write_json
from tests.e2e.evaluation_input import write_evaluation
from tests.e2e.report_input import HOSTILE_IDS, patient_ids, png, write_run
from tests.unit.prognosis.report.pages import Page, page_of

SETTINGS = {
    "encoder": {"weights_sha256": "0123456789abcdef"},
    "patch": {
        "size": [50, 50, 50],
        "spacing_mm": [1.0, 1.0, 1.0],
        "intensity": {"low": -1024.0, "high": 2048.0, "clip": False},
    },
}


def test_identifiers_are_text_and_never_markup(tmp_path):
    write_run(tmp_path / "run", patient_ids(5), failed=("<u>empty</u>",))
    page = page_of(tmp_path, run="run")
    for name in (*HOSTILE_IDS, "<u>empty</u>", "<i>gone</i>", "death <b>", "$x_{1}$ <b>"):
        assert name in page.text
    assert not {"b", "u", "i"} & set(page.tags)
    assert page.tags.count("script") == 1
    assert all(source.startswith(("data:", "#")) for source in page.sources)


def test_failures_are_told_with_their_remedy(tmp_path):
    write_run(tmp_path / "run", patient_ids(5), failed=("E1", "E2"))
    text = page_of(tmp_path, run="run").text
    for case_id in ("E1", "E2"):
        assert f"case {case_id} (image /data/x.nii.gz" in text
    # In its own column, and not in the message as well.
    assert text.count("draw the <b>ROI</b>") == 2


def test_flow_counts_who_was_lost_where(tmp_path):
    write_run(tmp_path / "run", patient_ids(5), failed=("E1", "E2"))
    flow = re.sub(r"\s+", " ", page_of(tmp_path, run="run").text)
    assert "7 Cases given to the extraction 2 failed at stage check" in flow
    assert "5 Cases with features 151 Patients in the two tables" in flow
    assert "1 clinical rows without features 150 Patients evaluated" in flow
    assert "no outcome" not in flow


def test_embeddings_alone_show_the_cases_that_patches_were_cut_of(tmp_path, caplog):
    run = tmp_path / "run"
    outside = {"patch_outside": [0.0, 0.0, 0.2, 0.0, 0.1]}
    write_run(run / "patches", patient_ids(5), failed=("E1",), told=outside)
    table = run / "embeddings.parquet"
    table.touch()

    def embedded(facts):
        told = {"encoder": "fmcib", "training": None, "components": 10, "head": "linear"}
        told["provenance"] = {"settings": SETTINGS}
        facts["source"].update(table=str(table), run=None, embeddings=told)

    text = re.sub(r"\s+", " ", page_of(tmp_path, embedded).text)
    assert "6 Cases given to the extraction 1 failed at stage check 5 Cases with a patch" in text
    assert "case E1 (image /data/x.nii.gz" in text
    assert "Are the segmentations right?" in text
    assert "In 2 of 5 cases the tumour exceeds the patch" in text
    third, fifth = patient_ids(5)[2], patient_ids(5)[4]
    assert f"it did not see 20 % of {third}, 10 % of {fifth}." in text
    assert "10 principal components at most, linear head" in text
    assert "fmcib, frozen: weights of SHA-256 0123456789ab…" in text
    assert "50 × 50 × 50 voxels of 1 × 1 × 1 mm (z, y, x)" in text
    assert "-1024 to 2048 scaled to 0 to 1, not clipped" in text
    assert "no run in" not in caplog.text


def test_an_encoder_fitted_in_the_folds_tells_how(tmp_path):
    training = {"method": "vicreg", "epochs": 30, "patience": 3, "augmentations": ["flip", "blur"]}

    def embedded(facts):
        told = {"encoder": "radpipe-small", "training": training}
        facts["source"]["embeddings"] = {**told, "provenance": {"settings": SETTINGS}}

    page = page_of(tmp_path, embedded)
    told = (
        "radpipe-small, fitted anew in every training fold: vicreg, 30 epochs, "
        "augmentation flip, blur, patience 3"
    )
    assert told in page.text
    write_checklists(tmp_path / "evaluation", tmp_path / "lists")
    clear = (tmp_path / "lists" / "clear.csv").read_text(encoding="utf-8")
    assert told in clear
    assert "The encoder was shown patches of 50 × 50 × 50 voxels" in clear
    # Where its models were withheld, it was fitted in no fold.
    (tmp_path / "baselines").mkdir()
    page = page_of(tmp_path / "baselines", embedded, models=("volume",))
    assert "fitted anew in every training fold" not in page.text


def test_missing_run_says_where_it_was_looked_for(tmp_path, caplog):
    page = page_of(tmp_path, run="elsewhere/run")
    assert "no run in elsewhere/run" in caplog.text and "--run" in caplog.text
    assert "elsewhere/run" in page.text
    assert str(tmp_path / "run") in page.text
    assert "Are the segmentations right?" not in page.text


def test_run_that_is_named_must_be_one(tmp_path):
    write_evaluation(tmp_path / "evaluation")
    with pytest.raises(RunError, match="no run in this directory"):
        write_report(tmp_path / "evaluation", tmp_path / "r.html", run=tmp_path / "nothing")


def test_run_that_is_named_is_shown(tmp_path):
    write_evaluation(tmp_path / "evaluation")
    write_run(tmp_path / "moved", ["only-case"])
    page = write_report(tmp_path / "evaluation", tmp_path / "r.html", run=tmp_path / "moved")
    assert "only-case" in page.read_text("utf-8")


def test_too_few_events_give_a_banner_and_no_model(tmp_path):
    page = page_of(tmp_path, withheld=True, patients=24)
    assert "Fewer than 20 events." in page.text
    assert "8 events; at least 20 are needed" in page.text
    assert "What does the model use?" not in page.text
    assert "Is it better than tumour volume?" not in page.text
    assert "Tumour volume alone" in page.text


def test_models_withheld_for_one_reason_are_named_together(tmp_path):
    def withhold(facts):
        facts["withheld"] = {"cox": "8 events.", "fusion": "8 events.", "clinical": "no column"}

    text = page_of(tmp_path, withhold, withheld=True, patients=24).text
    assert "Elastic-net Cox model, Fusion: 8 events." in text
    assert "Clinical columns alone: no column." in text


def test_few_without_the_event_are_as_bad_as_few_with_it(tmp_path):
    def turn(facts):
        facts["cohort"].update(events=facts["cohort"]["patients"] - 1)

    text = page_of(tmp_path, turn, binary=True).text
    assert "Fewer than 20 patients without the event." in text
    assert "1 patient without the event cannot tell" in text


def test_a_point_for_an_interval_is_no_precision(tmp_path):
    def level(facts):
        facts["models"]["fusion"]["c_index"] = dict.fromkeys(("estimate", "low", "high"), 0.5)

    assert "All patients got the same score." in page_of(tmp_path, level).text


def test_enough_events_give_no_banner(tmp_path):
    assert 'class="banner"' not in page_of(tmp_path).html


def test_validation_is_named_as_such(tmp_path):
    text = page_of(tmp_path, kind="validation").text
    assert "external validation" in text
    assert "1000 bootstrap samples" in text
    assert "Nested cross-validation" not in text
    assert "3 of 30 columns drifted." in text
    assert "After recalibration on this cohort" in text


def test_training_patients_in_a_validation_get_a_banner(tmp_path):
    def meet(facts):
        facts["overlap"], facts["leaks"]["found"] = 40, {"patient_id": 40}

    page = page_of(tmp_path, meet, kind="validation")
    assert "40 of 150 patients bear the identifier" in page.text
    assert page.text.count("external") == page.text.count("this is no external validation") == 1
    assert "did better" not in page.text
    assert "unseen" not in page.text
    assert "The result holds" not in page.text


def test_a_table_standardised_on_its_own_gets_a_banner(tmp_path):
    page = page_of(
        tmp_path, lambda facts: facts["drift"].update(standardised=True), kind="validation"
    )
    assert "A table standardised on its own." in page.text


def test_hospitals_without_harmonisation_get_a_banner(tmp_path):
    page = page_of(tmp_path, lambda facts: facts["design"].update(unharmonised={"Lyon": 12}))
    assert "for ComBat to learn: Lyon (12)." in page.text


def test_a_binary_endpoint_has_a_roc_curve_and_no_survival_curves(tmp_path):
    page = page_of(tmp_path, binary=True)
    assert "an AUC of" in page.text
    assert any(alt.startswith("ROC curves") for alt in page.alts)
    for word in ("Kaplan", "follow-up", "C-index", "log-rank", "isk"):
        assert word not in page.text


def test_readers_are_not_told_to_run_anything(tmp_path):
    for run in (None, "elsewhere"):
        assert "--run" not in page_of(tmp_path / str(run), run=run).text


def test_what_is_null_is_left_out_or_a_dash(tmp_path):
    """Any number of ``metrics.json`` may be null: the page is written all the same."""
    never = {"title", "baseline", "branches", "folds", "folds_without_pairs"}

    def empty(facts):
        for model in facts["models"].values():
            for key in model.keys() - never:
                model[key] = None
        facts["controls"] = dict.fromkeys(facts["controls"])
        facts["leaks"] = None

    text = page_of(tmp_path, empty).text
    assert "that could not be computed" in text
    assert "Is it calibrated?" not in text


def test_only_part_of_a_horizon_may_be_known(tmp_path):
    def forget(facts):
        for model in facts["models"].values():
            entry = model["horizons"][0]
            entry.update(auc=None, brier=None, decision=None)
            entry["calibration"].update(slope=None, intercept=None)

    page = page_of(tmp_path, forget)
    assert sum(alt.startswith("Decision curves") for alt in page.alts) == 1
    assert sum(alt.startswith("Calibration of") for alt in page.alts) == 2


def test_paths_are_shown_by_their_last_part(tmp_path):
    def lay_far_away(facts):
        facts["source"].update(table='/home/me/"a"/t.csv', run="/home/me/runs/RUN")

    html = page_of(tmp_path, lay_far_away, kind="validation").html
    for shown, path in (("t.csv", "/home/me/&#34;a&#34;/t.csv"), ("RUN", "/home/me/runs/RUN")):
        assert f'<td title="{path}">{shown}</td>' in html
    assert '<td title="/x/model">model</td>' in html
    assert "A trained model (model)" in html


@pytest.mark.parametrize(
    ("point", "told"),
    [
        ((1.0, 1.0, 1.0), "100 (–)"),
        ((0.0, math.nan, math.nan), "0 (–)"),
        ((0.75, 0.5, 0.9), "75 (50\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}90)"),
        (None, "–"),
    ],
)
def test_a_band_is_shown_where_there_is_one(point, told):
    assert groups.percent_at(point) == told


def test_the_report_needs_no_package_that_fits_models(tmp_path):
    write_evaluation(tmp_path / "e")
    block = "for name in ('sklearn', 'xgboost', 'skglm', 'optuna'): sys.modules[name] = None"
    code = f"import sys\n{block}\nfrom radpipe.cli import main; main()"
    call = ["report", str(tmp_path / "e"), "--out", str(tmp_path / "r.html")]
    ended = subprocess.run([sys.executable, "-c", code, *call], capture_output=True, text=True)
    assert ended.stderr == ""
    assert "fold by fold" in Page((tmp_path / "r.html").read_text("utf-8")).text


def test_same_evaluation_same_bytes(tmp_path):
    write_run(tmp_path / "run", patient_ids(5))
    write_evaluation(tmp_path / "evaluation", run="run")
    pages = [write_report(tmp_path / "evaluation", tmp_path / f"{n}.html") for n in "ab"]
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_numbers_at_risk_and_curve_stand_in_the_table(tmp_path):
    text = page_of(tmp_path).text
    assert re.search(r"High\s*\d+\s*\d+", text)
    assert "% without event at (months)" in text


def test_every_figure_carries_its_numbers(tmp_path):
    page = page_of(tmp_path)
    files = [source for source in page.sources if source.startswith("data:text/csv")]
    # One a figure; contributions and selection are drawn as bars of a table, the flow as boxes.
    assert len(files) == page.tags.count("img") + 3
    for file in files:
        lines = base64.b64decode(file.split(",")[1]).decode("utf-8").splitlines()
        assert len(lines) > 1
        assert all(re.fullmatch(r'[a-z_"% ()]+', name) for name in lines[0].split(","))


def test_the_numbers_of_a_figure_are_those_of_the_evaluation(tmp_path):
    facts = {}
    html = page_of(tmp_path, lambda metrics: facts.update(metrics)).html
    (uri,) = re.findall(r'download="calibration_730.csv" href="([^"]+)"', html)
    rows = base64.b64decode(uri.split(",")[1]).decode().splitlines()
    curve = facts["models"]["fusion"]["horizons"][1]["calibration"]["curve"]
    assert rows[0] == "predicted,observed,low,high,patients"
    read = [[float(value) for value in row.split(",")] for row in rows[1:]]
    told = [[point[name] for name in rows[0].split(",")] for point in curve]
    assert read == [pytest.approx(point, rel=1e-5) for point in told]


@pytest.mark.parametrize("content", [None, "no json", "[]", '{"kind": "x"}'])
def test_directory_without_an_evaluation_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(RunError, match="no evaluation in this directory"):
        write_report(tmp_path, tmp_path / "r.html")


@pytest.mark.parametrize(("schema", "told"), [(99, "a newer radpipe"), (1, "an older radpipe")])
def test_another_layout_is_refused(tmp_path, schema, told):
    folder = write_evaluation(tmp_path / "evaluation")
    metrics = json.loads((folder / "metrics.json").read_text())
    write_json(folder / "metrics.json", {**metrics, "schema": schema})
    with pytest.raises(RunError, match=told):
        write_report(folder, tmp_path / "r.html")


def test_out_in_a_folder_that_is_not_there(tmp_path):
    folder = write_evaluation(tmp_path / "evaluation")
    with pytest.raises(RunError, match="cannot write the report"):
        write_report(folder, tmp_path / "absent" / "r.html")


def test_gallery_is_ordered_by_mask_volume_and_holds_the_files(tmp_path):
    run = write_run(tmp_path / "run", ["a", "b", "c"])
    pictures, cases = gallery(run)
    assert cases == 3
    assert [[*picture.lines] for picture in pictures] == [
        ["a", "1.0 ml"],
        ["b", "2.0 ml"],
        ["c", "3.0 ml"],
    ]
    assert base64.b64decode(pictures[2].source.split(",")[1]) == png(2)


def test_gallery_of_a_large_run_shows_both_ends(tmp_path):
    run = write_run(tmp_path / "run", [f"c{place}" for place in range(9)])
    pictures, cases = gallery(run, most=5)
    assert cases == 9
    assert [picture.lines[0] for picture in pictures] == ["c0", "c1", "c2", "c7", "c8"]


def test_gallery_shows_no_file_outside_the_run(tmp_path):
    places = ["../secret.png", "qc/text.png", "", "qc/absent.png"]
    run = write_run(tmp_path / "run", list("abcd"), told={"picture": places})
    (tmp_path / "secret.png").write_bytes(png())
    (run.qc_path / "text.png").write_text("no picture")
    assert [picture.source for picture in gallery(run)[0]] == [None] * 4


def test_gallery_of_a_run_without_rows_is_empty(tmp_path):
    run = write_run(tmp_path / "run", [], failed=("a",))
    write_table(run.diagnostics_path, pd.DataFrame({"case_id": pd.Series(dtype="str")}))
    assert gallery(run) == ([], 0)


def test_features_are_ranked_and_cut_to_fifteen(tmp_path):
    folder = write_evaluation(tmp_path / "evaluation")
    many = pd.DataFrame(
        {
            "model": "fusion",
            "feature": [f"feature-{number:02d}" for number in range(20)],
            "mean_abs_contribution": [number / 100 for number in range(20)],
        }
    )
    other = many.assign(model="volume", mean_abs_contribution=9.0)
    write_table(folder / "contributions.parquet", pd.concat([many, other], ignore_index=True))
    text = Page(write_report(folder, tmp_path / "r.html").read_text("utf-8")).text
    shown = re.findall(r"feature-\d\d", text)
    assert shown == [f"feature-{number:02d}" for number in range(19, 4, -1)]
