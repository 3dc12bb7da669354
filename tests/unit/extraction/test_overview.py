import json
import os
import re
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

from radpipe.errors import RunError
from radpipe.extraction.overview import write_overview
from radpipe.extraction.overview.cases import FLAGS, cases_of
from radpipe.store import Row, write_table
from radpipe.store.files import read_json, write_json
from radpipe.store.lock import sole_writer
from tests.e2e.report_input import HOSTILE_IDS, png, write_run


class _Page(HTMLParser):
    """What a reader without scripts sees, the tags that stand there, and the scripts' data."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.text, self.scripts, self._inside = [], "", [], ""
        self.feed(path.read_text("utf-8"))
        self.data = json.loads(self.scripts[0], parse_constant=pytest.fail)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._inside = tag

    def handle_data(self, data):
        if self._inside == "script":
            self.scripts.append(data)
        elif self._inside != "style":
            self.text += data

    def handle_endtag(self, tag):
        self._inside = ""

    def case(self, name):
        return next(one for one in self.data["cases"] if one["case_id"] == name)


def _page(run, **more):
    return _Page(write_overview(run.path, **more))


def test_names_are_text_and_never_markup(tmp_path):
    failed = "</script><u>ünï"
    page = _page(write_run(tmp_path / "run", list(HOSTILE_IDS), failed=(failed,)))
    assert [one["case_id"] for one in page.data["cases"]] == [*HOSTILE_IDS, failed]
    assert all(name in page.text for name in (*HOSTILE_IDS, failed, "draw the <b>ROI</b>"))
    # One script of data, one of the page's own.
    assert page.tags.count("script") == len(page.scripts) == 2
    assert "u" not in page.tags
    assert "<u>" not in page.scripts[0]


@pytest.mark.parametrize(
    ("column", "cells", "flag"),
    [
        ("flat_image_types", [0, 1, 3], "flat"),
        ("roi_voxels", [64, 63, 1], "tiny"),
        ("roi_touches_edge", [False, True, True], "clipped"),
        ("patch_outside", [0.0, 0.01, 0.9], "larger"),
        ("patch_padded", [0.5, 0.51, 1.0], "padded"),
    ],
)
def test_flags_of_diagnostics(tmp_path, column, cells, flag):
    run = write_run(tmp_path / "run", ["a", "b", "c"], told={column: cells})
    assert [case["flags"] for case in cases_of(run).done] == [[], [flag], [flag]]


def _run_of_patches(folder, names, outside):
    run = write_run(folder, names, told={"patch_outside": outside})
    patch = {"size": [32, 32, 32], "spacing_mm": [3.0, 2.0, 2.0]}
    facts = read_json(run.facts_path) | {"engine": "patches", "settings": {"patch": patch}}
    write_json(run.facts_path, facts)
    return run


def test_a_run_of_patches_speaks_of_patches(tmp_path):
    text = _page(_run_of_patches(tmp_path / "run", ["a", "b"], [0.0, 0.2])).text
    assert "2 of 2 cases have a patch; none failed, 1 has a flag." in text
    assert "32 × 32 × 32 voxels of 3 × 2 × 2 mm (z, y, x)" in text
    assert not any(told in text for told in ("Features a case", "Undefined", "Flat features"))
    assert "Larger than the patch" in text
    assert "Larger than the patch" not in _page(write_run(tmp_path / "other", ["a"])).text


def test_seconds_come_from_the_log(tmp_path):
    run = write_run(tmp_path / "run", ["a", "b", "c"], seconds=[0.5, 2.25, 61.0])
    # As where the same row was computed again.
    run.log.add("done", row_key=f"{0:032x}", seconds=0.75)
    page = _page(run)
    assert [one["seconds"] for one in page.data["cases"]] == [0.75, 2.25, 61.0]
    assert [one["text"]["seconds"] for one in page.data["cases"]] == ["0.75", "2.25", "61"]


def test_undefined_features_are_counted_with_their_reasons(tmp_path):
    told = {"diagnostics_Undefined": [None, json.dumps({"x": "flat", "y": "thin", "z": "flat"})]}
    nan = np.nan
    values = {"x": [1.0, nan], "y": [nan, nan], "z": [2.0, nan]}
    first, second = cases_of(write_run(tmp_path / "run", ["a", "b"], told=told, values=values)).done
    # No case has y: the settings' doing.
    assert (first["undefined"], first["reasons"], first["flags"]) == (1, [], [])
    assert (second["undefined"], second["reasons"]) == (3, ["2 × flat", "1 × thin"])
    assert second["flags"] == ["undefined"]


def test_columns_of_the_manifest_are_no_features(tmp_path):
    run = write_run(tmp_path / "run", ["a", "b"])
    table = run.features()[0]
    table.insert(5, "centre", [np.nan, "Bern"])
    write_table(run.features_path, table)
    found = cases_of(run)
    assert found.features == 1
    assert [case["undefined"] for case in found.done] == [0, 0]


def test_failure_says_once_what_and_where(tmp_path):
    case = cases_of(write_run(tmp_path / "run", ["a"], failed=("E1",))).failed[0]
    assert case["message"] == "nothing is segmented"
    assert (case["remedy"], case["image"]) == ("draw the <b>ROI</b>", "/data/x.nii.gz")
    assert case["flags"] == ["failed"]


def test_unknown_is_neither_zero_nor_a_flag(tmp_path):
    run = write_run(tmp_path / "run", ["a"])
    write_table(run.diagnostics_path, pd.DataFrame({"case_id": ["a"]}))
    case = _page(run).case("a")
    assert case["voxels"] is None
    assert case["text"]["voxels"] == case["text"]["seconds"] == "–"
    assert case["flags"] == []
    assert case["picture"] == ""


def test_every_flag_is_explained_with_its_threshold(tmp_path):
    of_features = _page(write_run(tmp_path / "run", ["a"])).text
    of_patches = _page(_run_of_patches(tmp_path / "patches", ["a"], [0.0])).text
    for text, patches in ((of_features, False), (of_patches, True)):
        shown = [flag for flag in FLAGS if flag.of_patches in (None, patches)]
        assert 3 < len(shown) < len(FLAGS)
        assert all(flag.name in text and flag.why in text for flag in shown)
        assert "fewer than 64 voxels" in text


@pytest.mark.parametrize("out", [None, "elsewhere/deep/page.html", "run #1 ü/my.html"])
def test_pictures_are_found_from_where_the_page_lies(tmp_path, out):
    run = write_run(tmp_path / "run #1 ü", ["a"])
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    page = write_overview(run.path, None if out is None else tmp_path / out)
    link = unquote(_Page(page).case("a")["picture"])
    assert (page.parent / link).read_bytes() == png(0)
    assert page == (run.path / "report.html" if out is None else tmp_path / out)


def test_links_do_not_depend_on_the_working_directory(tmp_path, monkeypatch):
    run = write_run(tmp_path / "run", ["a"])
    absolute = write_overview(run.path, tmp_path / "p.html").read_bytes()
    monkeypatch.chdir(tmp_path)
    assert write_overview("run", "p.html").read_bytes() == absolute


def test_no_file_outside_the_run_is_shown(tmp_path):
    (tmp_path / "secret.png").write_bytes(png())
    places = ["../secret.png", str(tmp_path / "secret.png"), "qc/link.png", "qc/absent.png", ""]
    run = write_run(tmp_path / "run", list("abcde"), told={"picture": places})
    (run.qc_path / "link.png").symlink_to(tmp_path / "secret.png")
    assert [one["picture"] for one in _page(run).data["cases"]] == [""] * 5


def test_finished_run_says_how_it_went(tmp_path):
    page = _page(write_run(tmp_path / "run", ["a", "b"], failed=("c",)))
    assert "2 of 3 cases have features; 1 failed." in page.text
    assert "1 min 15 s" in page.text
    assert "not finished" not in page.text


def _unfinished(path, ids, **more):
    run = write_run(path, ids, **more)
    write_json(run.facts_path, {**read_json(run.facts_path), "state": "running", "cases": 9})
    return run


def test_unfinished_run_shows_what_its_tables_hold(tmp_path):
    run = _unfinished(tmp_path / "run", ["a", "b"])
    run.rows.path.mkdir()
    run.rows.put("0" * 32, Row({"f": 1.0}))
    page = _page(run)
    assert "So far 2 of 9 cases have features; none failed." in page.text
    assert "No command is at it" in page.text
    assert "1 more case is done, but in no table yet" in page.text
    assert len(page.data["cases"]) == 2


def test_unfinished_run_tells_who_writes_it(tmp_path):
    run = _unfinished(tmp_path / "run", ["a"])
    with sole_writer(run.path):
        assert f"being written by process {os.getpid()} on " in _page(run).text


def test_unfinished_run_without_tables(tmp_path):
    run = _unfinished(tmp_path / "run", [])
    for path in (run.features_path, run.diagnostics_path, run.failures_path):
        path.unlink()
    page = _page(run)
    assert "So far 0 of 9 cases have features" in page.text
    assert page.data["cases"] == []


def test_case_between_two_tables_is_shown_once(tmp_path):
    """The table of features has been replaced, that of failures not yet."""
    run = _unfinished(tmp_path / "run", ["a", "b"], failed=("b", "c"))
    assert [one["case_id"] for one in _page(run).data["cases"]] == ["a", "b", "c"]


def test_same_run_same_bytes(tmp_path):
    run = write_run(tmp_path / "run", ["a", "b"], failed=("c",))
    assert write_overview(run.path).read_bytes() == write_overview(run.path).read_bytes()


def test_settings_and_versions_stand_there(tmp_path):
    facts = {
        "settings": {"setting": {"binWidth": 12.5}},
        "versions": {"radpipe": "0.1.0"},
        "cohort": {"manifest": "my/cohort.csv"},
    }
    text = _page(write_run(tmp_path / "run", ["a"], facts=facts)).text
    assert re.search(r'"binWidth": 12\.5', text)
    assert "radpipe 0.1.0" in text
    assert "my/cohort.csv" in text


def test_directory_that_is_no_run(tmp_path):
    with pytest.raises(RunError, match="no run in this directory"):
        write_overview(tmp_path)


def test_out_in_a_folder_that_is_not_there(tmp_path):
    run = write_run(tmp_path / "run", ["a"])
    with pytest.raises(RunError, match="cannot write the page"):
        write_overview(run.path, tmp_path / "absent" / "p.html")
