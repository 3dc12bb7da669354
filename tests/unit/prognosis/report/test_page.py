import base64
import json
import math
import re
import subprocess
import sys
from html.parser import HTMLParser

import pandas as pd
import pytest

from radpipe.errors import RunError
from radpipe.prognosis.report import page, write_report
from radpipe.prognosis.report.gallery import gallery
from radpipe.store import write_table
from radpipe.store.files import read_json, write_json
from tests.e2e.report_input import HOSTILE_IDS, patient_ids, png, write_evaluation, write_run


class _Text(HTMLParser):
    """What a reader sees, and the tags that stand there."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.sources = [], "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.text += data


def _report(folder, **evaluation):
    write_evaluation(folder / "evaluation", **evaluation)
    return _Text(write_report(folder / "evaluation", folder / "r.html").read_text("utf-8"))


def test_identifiers_are_text_and_never_markup(tmp_path):
    write_run(tmp_path / "run", patient_ids(5), failed=("<u>empty</u>",))
    page = _report(tmp_path, run="run")
    for name in (*HOSTILE_IDS, "<u>empty</u>", "<i>gone</i>", "death <b>", "$x_{1}$ <b>"):
        assert name in page.text
    assert not {"script", "b", "u", "i"} & set(page.tags)
    assert all(source.startswith("data:") for source in page.sources)


def test_failures_are_told_with_their_remedy(tmp_path):
    write_run(tmp_path / "run", patient_ids(5), failed=("E1", "E2"))
    text = _report(tmp_path, run="run").text
    for case_id in ("E1", "E2"):
        assert f"case {case_id} (image /data/x.nii.gz" in text
    # In the message, and in the column beside it.
    assert text.count("draw the <b>ROI</b>") == 4


def test_missing_run_says_where_it_was_looked_for(tmp_path):
    text = _report(tmp_path, run="elsewhere/run").text
    assert "elsewhere/run" in text
    assert str(tmp_path / "run") in text
    assert "Segmentations" not in text


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
    page = _report(tmp_path, withheld=True, patients=24)
    assert "8 events; at least 20 are needed" in page.text
    assert "Gradient-boosted model: 8 events" in page.text
    assert "The features that matter" not in page.text
    # One Kaplan-Meier figure and the forest plot, of volume alone.
    assert page.tags.count("img") == 2


def test_validation_is_named_as_such(tmp_path):
    text = _report(tmp_path, kind="validation").text
    assert "external validation" in text
    assert "1000 bootstrap samples" in text
    assert "Nested cross-validation" not in text


def _changed_report(folder, change, **evaluation):
    write_evaluation(folder / "evaluation", **evaluation)
    path = folder / "evaluation" / "metrics.json"
    facts = read_json(path)
    change(facts)
    write_json(path, facts)
    return write_report(folder / "evaluation", folder / "r.html").read_text("utf-8")


def test_training_patients_in_a_validation_get_a_banner(tmp_path):
    html = _changed_report(tmp_path, lambda facts: facts.update(overlap=40), kind="validation")
    text = _Text(html).text
    assert "40 of 40 patients bear the identifier" in text
    assert "external" not in text
    assert "unseen" not in text
    assert "The result holds" not in text


def test_paths_are_shown_by_their_last_part(tmp_path):
    def lay_far_away(facts):
        facts["source"].update(table='/home/me/"a"/t.csv', run="/home/me/runs/RUN")

    html = _changed_report(tmp_path, lay_far_away, kind="validation")
    for shown, path in (("t.csv", "/home/me/&#34;a&#34;/t.csv"), ("RUN", "/home/me/runs/RUN")):
        assert f'<td title="{path}">{shown}</td>' in html
    assert '<td title="/x/model">model</td>' in html
    assert "A trained model (model)" in html


def test_folds_that_were_not_counted_are_told(tmp_path):
    def lose(facts):
        facts["models"]["volume"]["folds_without_pairs"] = 2

    assert "2 of 5 test folds held no two patients" in _Text(_changed_report(tmp_path, lose)).text


@pytest.mark.parametrize(
    ("point", "told"),
    [
        ((1.0, 1.0, 1.0), "100 (–)"),
        ((0.0, math.nan, math.nan), "0 (–)"),
        ((0.75, 0.5, 0.9), "75 (50–90)"),
        (None, "–"),
    ],
)
def test_a_band_is_shown_where_there_is_one(point, told):
    assert page._percent(point) == told


def test_the_report_needs_no_package_that_fits_models(tmp_path):
    write_evaluation(tmp_path / "e")
    block = "for name in ('scipy', 'sklearn', 'xgboost'): sys.modules[name] = None"
    code = f"import sys\n{block}\nfrom radpipe.cli import main; main()"
    call = ["report", str(tmp_path / "e"), "--out", str(tmp_path / "r.html")]
    ended = subprocess.run([sys.executable, "-c", code, *call], capture_output=True, text=True)
    assert ended.stderr == ""
    assert "fold by fold" in _Text((tmp_path / "r.html").read_text("utf-8")).text


def test_same_evaluation_same_bytes(tmp_path):
    write_run(tmp_path / "run", patient_ids(5))
    write_evaluation(tmp_path / "evaluation", run="run")
    pages = [write_report(tmp_path / "evaluation", tmp_path / f"{n}.html") for n in "ab"]
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_numbers_at_risk_and_curve_stand_in_the_table(tmp_path):
    text = _report(tmp_path).text
    assert re.search(r"High\s*\d+\s*\d+", text)
    assert "% without event at (months)" in text


@pytest.mark.parametrize("content", [None, "no json", "[]", '{"kind": "x"}'])
def test_directory_without_an_evaluation_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(RunError, match="no evaluation in this directory"):
        write_report(tmp_path, tmp_path / "r.html")


def test_newer_layout_is_refused(tmp_path):
    folder = write_evaluation(tmp_path / "evaluation")
    metrics = json.loads((folder / "metrics.json").read_text())
    write_json(folder / "metrics.json", {**metrics, "schema": 99})
    with pytest.raises(RunError, match="newer radpipe"):
        write_report(folder, tmp_path / "r.html")


def test_out_in_a_folder_that_is_not_there(tmp_path):
    folder = write_evaluation(tmp_path / "evaluation")
    with pytest.raises(RunError, match="cannot write the report"):
        write_report(folder, tmp_path / "absent" / "r.html")


def test_gallery_is_ordered_by_mask_volume_and_holds_the_files(tmp_path):
    run = write_run(tmp_path / "run", ["a", "b", "c"])
    pictures, cases = gallery(run)
    assert cases == 3
    assert [picture.case_id for picture in pictures] == ["a", "b", "c"]
    assert [picture.volume for picture in pictures] == ["1.0 ml", "2.0 ml", "3.0 ml"]
    assert base64.b64decode(pictures[2].source.split(",")[1]) == png(2)


def test_gallery_of_a_large_run_shows_both_ends(tmp_path):
    run = write_run(tmp_path / "run", [f"c{place}" for place in range(9)])
    pictures, cases = gallery(run, most=5)
    assert cases == 9
    assert [picture.case_id for picture in pictures] == ["c0", "c1", "c2", "c7", "c8"]


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
            "feature": [f"feature-{number:02d}" for number in range(20)],
            "mean_abs_contribution": [number / 100 for number in range(20)],
        }
    )
    write_table(folder / "contributions.parquet", many)
    text = _Text(write_report(folder, tmp_path / "r.html").read_text("utf-8")).text
    shown = re.findall(r"feature-\d\d", text)
    assert shown == [f"feature-{number:02d}" for number in range(19, 4, -1)]
