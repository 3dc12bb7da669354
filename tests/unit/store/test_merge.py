"""Runs of several sites, or shards, made into one."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from radpipe.cli import app
from radpipe.errors import RunError
from radpipe.extraction.batch import Options, cut_patches, extract_run
from radpipe.networks.spec import PatchSpec, Window
from radpipe.store import Run, read_table, write_table
from radpipe.store.merge import merge
from radpipe.store.table import read_row_keys
from tests.conftest import Pair

SMALL = {"featureClass": {"firstorder": ["Mean", "Energy"]}}
Cohort = Callable[..., Path]


def parts(make_cohort: Cohort, folder: Path, *shares: slice, **spoil: object) -> list[Path]:
    table = pd.read_csv(make_cohort(4, **spoil))
    runs = []
    for number, share in enumerate(shares):
        table[share].to_csv(folder / f"part{number}.csv", index=False)
        run = folder / f"run{number}"
        extract_run(folder / f"part{number}.csv", SMALL, run)
        runs.append(run)
    return runs


def empty(pair: Pair) -> None:
    pair.change_mask(lambda array: array.fill(0))


def test_shards_give_the_table_of_the_whole(make_cohort: Cohort, tmp_path: Path) -> None:
    runs = parts(make_cohort, tmp_path, slice(0, 2), slice(2, 4), spoil={1: empty})
    merged = merge(runs, tmp_path / "merged")
    whole = extract_run(tmp_path / "cohort.csv", SMALL, tmp_path / "whole")
    for name in ("features.parquet", "diagnostics.parquet", "failures.parquet"):
        assert (merged.path / name).read_bytes() == (whole.path / name).read_bytes(), name
    assert merged.facts()["counts"] == {"cases": 4, "rows": 3, "failures": 1}
    assert sorted(path.name for path in merged.qc_path.iterdir()) == sorted(
        path.name for path in whole.qc_path.iterdir()
    )
    assert merged.seconds().keys() == whole.seconds().keys()


def test_a_merged_run_is_one_to_go_on_with(
    make_cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = parts(make_cohort, tmp_path, slice(0, 2), slice(1, 4))
    merge(runs, tmp_path / "merged")

    def never(*_: object) -> None:
        raise AssertionError("a case was computed again")

    monkeypatch.setattr("radpipe.extraction.batch.work.run_job", never)
    run = extract_run(tmp_path / "cohort.csv", SMALL, tmp_path / "merged")
    assert list(run.features()[0]["case_id"]) == ["p0", "p1", "p2", "p3"]


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def stop(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("ending", "error"), [(full, RunError), (stop, KeyboardInterrupt)])
@pytest.mark.parametrize("place", ["features.parquet", "diagnostics.parquet", "qc", "files.json"])
def test_a_merge_that_did_not_end_goes_on(
    make_cohort: Cohort,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    ending: Callable[..., None],
    error: type[BaseException],
) -> None:
    runs = parts(make_cohort, tmp_path, slice(0, 2), slice(2, 4))
    merge(runs, tmp_path / "undisturbed")
    replaced, copied = Path.replace, shutil.copyfile
    with monkeypatch.context() as patched:
        patched.setattr(
            Path,
            "replace",
            lambda path, to: ending() if Path(to).name == place else replaced(path, to),
        )
        patched.setattr(shutil, "copyfile", ending if place == "qc" else copied)
        with pytest.raises(error):
            merge(runs, tmp_path / "merged")
    assert Run(tmp_path / "merged").state() == "running"
    with pytest.raises(RunError, match=r"not finished.*`radpipe merge`"):
        Run(tmp_path / "merged").features()
    with pytest.raises(RunError, match="a run already"):
        merge(runs[:1], tmp_path / "merged")
    merge(runs, tmp_path / "merged")
    for name in ("features.parquet", "diagnostics.parquet", "failures.parquet", "files.json"):
        once, again = (tmp_path / run / name for run in ("undisturbed", "merged"))
        assert once.read_bytes() == again.read_bytes(), name
    assert len(list((tmp_path / "merged" / "qc").iterdir())) == 4
    with pytest.raises(RunError, match="a run already"):
        merge(runs, tmp_path / "merged")


def test_ctrl_c_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("radpipe.store.merge.merge", stop)
    told = CliRunner().invoke(app, ["merge", str(tmp_path), "--out", str(tmp_path / "merged")])
    assert told.exit_code == 130
    assert "the same command goes on" in told.stderr


def test_a_folder_of_runs_names_them_all(make_cohort: Cohort, tmp_path: Path) -> None:
    (tmp_path / "sites").mkdir()
    for run in parts(make_cohort, tmp_path, slice(0, 2), slice(2, 4)):
        run.rename(tmp_path / "sites" / run.name)
    merged = merge([tmp_path / "sites"], tmp_path / "merged")
    assert list(merged.features()[0]["case_id"]) == ["p0", "p1", "p2", "p3"]


def test_a_release_with_another_feature_is_refused(make_cohort: Cohort, tmp_path: Path) -> None:
    runs = parts(make_cohort, tmp_path, slice(0, 2), slice(2, 4))
    path = runs[1] / "features.parquet"
    table, provenance = read_table(path)
    table = table.drop(columns="original_firstorder_Energy")
    write_table(path, table, provenance, read_row_keys(path))
    with pytest.raises(RunError, match=r"different columns.*original_firstorder_Energy"):
        merge(runs, tmp_path / "merged")


def test_what_failed_in_one_run_and_is_done_in_another_is_done(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    first, second = parts(make_cohort, tmp_path, slice(0, 2), slice(1, 4))
    (tmp_path / "p1_mask.nii.gz").rename(tmp_path / "away")
    extract_run(tmp_path / "part0.csv", SMALL, first)
    assert list(Run(first).failures()["case_id"]) == ["p1"]
    merged = merge([first, second], tmp_path / "merged")
    assert merged.failures().empty
    assert len(merged.features()[0]) == 4


def test_different_settings_are_refused_and_named(make_cohort: Cohort, tmp_path: Path) -> None:
    manifest = make_cohort(1)
    for width in (10, 25):
        extract_run(manifest, {**SMALL, "setting": {"binWidth": width}}, tmp_path / str(width))
    with pytest.raises(RunError, match=r"settings\.setting\.binWidth: 10 and 25"):
        merge([tmp_path / "10", tmp_path / "25"], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_patches_are_refused_and_embeddings_beside_features_told(
    make_cohort: Cohort, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    manifest, spec = make_cohort(1), PatchSpec((4, 4, 4), (3.0, 3.0, 3.0), "SPL", Window(0, 1), 0)
    alone, both = Run(tmp_path / "alone"), Run(tmp_path / "both")
    for run in (alone, both):
        cut_patches(manifest, spec, run.patch_run.path)
    for path in (alone.path, alone.patch_run.path):
        with pytest.raises(RunError, match=r"embeddings and patches are not merged.*one manifest"):
            merge([path], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
    extract_run(manifest, SMALL, both.path)
    merge([both.path], tmp_path / "merged")
    assert f"{both.path}: its embeddings are not merged" in caplog.text
    assert not Run(tmp_path / "merged").patch_run.exists()


def test_one_name_for_two_cases_is_refused(make_cohort: Cohort, tmp_path: Path) -> None:
    runs = []
    for site, number in (("north", 0), ("south", 1)):
        table = pd.read_csv(make_cohort(2)).iloc[[number]].assign(patient_id="001")
        table.to_csv(tmp_path / f"{site}.csv", index=False)
        runs.append(extract_run(tmp_path / f"{site}.csv", SMALL, tmp_path / site).path)
    with pytest.raises(
        RunError, match=r"case 001: one case_id names different cases.*north.*south"
    ):
        merge(runs, tmp_path / "merged")


def test_the_same_image_under_two_names_is_told(
    make_cohort: Cohort, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = pd.read_csv(make_cohort(1))
    for name in ("a", "b"):
        table.assign(patient_id=name).to_csv(tmp_path / f"{name}.csv", index=False)
        extract_run(tmp_path / f"{name}.csv", SMALL, tmp_path / name)
    merged = merge([tmp_path / "a", tmp_path / "b"], tmp_path / "merged")
    assert "the same image and ROI under several names: a, b" in caplog.text
    assert list(merged.features()[0]["case_id"]) == ["a", "b"]


def test_further_columns_of_one_site_are_kept(make_cohort: Cohort, tmp_path: Path) -> None:
    table = pd.read_csv(make_cohort(2))
    table.iloc[[0]].assign(scanner="A").to_csv(tmp_path / "a.csv", index=False)
    table.iloc[[1]].to_csv(tmp_path / "b.csv", index=False)
    runs = [
        extract_run(tmp_path / f"{name}.csv", SMALL, tmp_path / name, options=Options()).path
        for name in ("b", "a")
    ]
    features, _ = merge(runs, tmp_path / "merged").features()
    assert list(features["scanner"].fillna("")) == ["", "A"]
    assert list(features.columns[:5]) == ["case_id", "patient_id", "modality", "roi", "label"]


def test_a_failure_of_another_patient_of_the_same_name_is_not_taken_for_done(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    runs = []
    for site, number in (("north", 0), ("south", 1)):
        table = pd.read_csv(make_cohort(2, {0: empty})).iloc[[number]].assign(patient_id="001")
        table.to_csv(tmp_path / f"{site}.csv", index=False)
        runs.append(extract_run(tmp_path / f"{site}.csv", SMALL, tmp_path / site).path)
    with pytest.raises(RunError, match=r"case 001: one case_id names different cases"):
        merge(runs, tmp_path / "merged")
