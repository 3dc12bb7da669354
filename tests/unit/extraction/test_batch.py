"""A cohort with poisoned cases: each is one named failure, and nothing else is lost."""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import SimpleITK as sitk

import radpipe
from radpipe.errors import CohortError, RunError, SettingsError, WorkerDiedError
from radpipe.extraction.batch import Options, extract_run
from radpipe.extraction.batch.job import failure_of
from tests.conftest import Pair

SMALL = {"featureClass": {"firstorder": None, "shape": None, "glcm": ["Contrast"]}}
Cohort = Callable[..., Path]


def test_one_row_a_case_with_every_planned_column(make_cohort: Cohort, tmp_path: Path) -> None:
    run = extract_run(make_cohort(3), SMALL, tmp_path / "run", csv=True)
    features, provenance = run.features()
    assert list(features["case_id"]) == ["p0", "p1", "p2"]
    assert list(features.columns[:6]) == [
        "case_id", "patient_id", "modality", "roi", "label", "mask_volume_mm3",
    ]  # fmt: skip
    assert (features.dtypes.iloc[5:] == np.float64).all()
    assert features.shape[1] == 6 + 18 + 14 + 1
    assert run.failures().empty
    assert provenance is not None
    assert provenance.settings["setting"]["binWidth"] == 25
    written = pd.read_csv(run.path / "features.csv")
    assert np.array_equal(written.iloc[:, 5:], features.iloc[:, 5:])
    assert run.diagnostics()["image_sha256"].str.len().eq(64).all()
    assert (run.path / run.diagnostics()["picture"][0]).read_bytes().startswith(b"\x89PNG")


def test_the_masks_volume_is_a_column_without_the_shape_class(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    only = {"featureClass": {"firstorder": ["Mean"]}, "setting": {"resegmentRange": [80, 400]}}
    features, _ = extract_run(make_cohort(1), only, tmp_path / "run").features()
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "p0_mask.nii.gz")))
    assert features["mask_volume_mm3"][0] == mask.sum() * 1.0 * 1.5 * 2.0


def test_a_dropped_image_type_is_a_column_of_nan_with_its_reason(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    settings = {**SMALL, "imageType": {"Original": {}, "LoG": {"sigma": [60.0]}}}
    run = extract_run(make_cohort(1), settings, tmp_path / "run")
    assert np.isnan(run.features()[0]["log-sigma-60-0-mm-3D_firstorder_Mean"][0])
    told = run.diagnostics().iloc[0]
    reasons = json.loads(told["diagnostics_Undefined"])
    assert "needs more than" in reasons["log-sigma-60-0-mm-3D_firstorder_Mean"]
    assert told["missing_columns"] == ""


def test_what_pyradiomics_drops_is_a_column_of_nan_and_named(
    pyradiomics: None, make_cohort: Cohort, tmp_path: Path
) -> None:
    settings = {**SMALL, "imageType": {"Original": {}, "LoG": {"sigma": [60.0]}}}
    run = extract_run(make_cohort(1), settings, tmp_path / "run", engine="pyradiomics")
    features, provenance = run.features()
    row, missing = features.iloc[0], run.diagnostics()["missing_columns"][0].split(", ")
    dropped = [name for name in row.index if name.startswith("log-sigma-60-0-mm-3D_")]
    assert missing == dropped
    assert len(dropped) == 18 + 1
    assert row[dropped].isna().all()
    assert row.filter(like="original_").notna().all()
    assert provenance is not None
    assert provenance.engine == "pyradiomics"


def spoil_empty(pair: Pair) -> None:
    pair.change_mask(lambda array: array.fill(0))


def spoil_label(pair: Pair) -> None:
    pair.change_mask(lambda array: array.__imul__(5))


def spoil_one_voxel(pair: Pair) -> None:
    spoil_empty(pair)
    pair.change_mask(lambda array: array.__setitem__((5, 5, 5), 1))


def spoil_nan(pair: Pair) -> None:
    pair.change_image(lambda array: array.__setitem__((0, 0, 0), np.nan))


def spoil_constant(pair: Pair) -> None:
    pair.change_image(lambda array: array.fill(12))


def spoil_size(pair: Pair) -> None:
    pair.mask = pair.mask[:, :, 1:]


def spoil_spacing(pair: Pair) -> None:
    pair.mask.SetSpacing((1.0, 1.5, 2.5))


def spoil_origin(pair: Pair) -> None:
    pair.mask.SetOrigin((0.0, 0.0, 0.0))


@pytest.mark.parametrize(
    ("spoil", "stage", "error", "told"),
    [
        (spoil_empty, "check", "EmptyRoiError", "only zeros"),
        (spoil_label, "check", "LabelNotFoundError", "labels 5"),
        (spoil_one_voxel, "check", "RoiTooSmallError", "1 voxel"),
        (spoil_nan, "check", "NonFiniteImageError", "NaN or infinity"),
        (spoil_constant, "check", "ConstantRoiError", "all 12.0"),
        (spoil_size, "check", "GeometryMismatchError", "mask size"),
        (spoil_spacing, "check", "GeometryMismatchError", "mask spacing"),
        (spoil_origin, "check", "GeometryMismatchError", "mask origin"),
    ],
)
def test_a_bad_case_costs_only_itself(
    make_cohort: Cohort,
    tmp_path: Path,
    spoil: Callable[[Pair], None],
    stage: str,
    error: str,
    told: str,
) -> None:
    run = extract_run(make_cohort(3, {1: spoil}), SMALL, tmp_path / "run")
    assert list(run.features()[0]["case_id"]) == ["p0", "p2"]
    (failure,) = run.failures().to_dict("records")
    assert (failure["case_id"], failure["stage"], failure["error"]) == ("p1", stage, error)
    for part in ("case p1", "p1_image.nii.gz", told, "expected", "remedy"):
        assert part in failure["message"]
    assert failure["remedy"]


def test_bad_files_cost_only_themselves(make_cohort: Cohort, tmp_path: Path) -> None:
    manifest = make_cohort(4)
    (tmp_path / "p0_image.nii.gz").unlink()
    (tmp_path / "p1_mask.nii.gz").unlink()
    (tmp_path / "p1_mask.nii.gz").mkdir()
    whole = (tmp_path / "p2_image.nii.gz").read_bytes()
    (tmp_path / "p2_image.nii.gz").write_bytes(whole[: len(whole) // 2])
    run = extract_run(manifest, SMALL, tmp_path / "run")
    assert list(run.features()[0]["case_id"]) == ["p3"]
    failures = run.failures().set_index("case_id")
    assert (failures["error"] == "UnreadableImageError").all()
    assert "no such file" in failures["message"]["p0"]
    assert "a folder where a file is meant" in failures["message"]["p1"]
    assert "truncated" in failures["message"]["p2"]


def test_a_run_without_a_row_has_its_columns(make_cohort: Cohort, tmp_path: Path) -> None:
    run = extract_run(make_cohort(1, {0: spoil_empty}), SMALL, tmp_path / "run")
    features, _ = run.features()
    assert features.empty
    assert "original_glcm_Contrast" in features.columns
    assert len(run.failures()) == 1


def test_label_all_gives_a_row_a_label(make_cohort: Cohort, tmp_path: Path) -> None:
    def two_labels(pair: Pair) -> None:
        pair.change_mask(lambda array: array[:6].__imul__(4))

    manifest = make_cohort(2, {0: two_labels})
    table = pd.read_csv(manifest).assign(label="all")
    table.to_csv(manifest, index=False)
    (tmp_path / "p1_mask.nii.gz").unlink()
    run = extract_run(manifest, SMALL, tmp_path / "run")
    features, _ = run.features()
    assert list(features["case_id"]) == ["p0_label-1", "p0_label-4"]
    assert list(features["label"]) == [1, 4]
    assert list(features["patient_id"]) == ["p0", "p0"]
    assert list(run.failures()["case_id"]) == ["p1"]


def test_pyradiomics_batch_file(make_cohort: Cohort, tmp_path: Path) -> None:
    table = pd.read_csv(make_cohort(2))
    table.columns = ["ID", "Image", "Mask"]
    table.to_csv(tmp_path / "batch.csv", index=False)
    features, _ = extract_run(tmp_path / "batch.csv", SMALL, tmp_path / "run").features()
    assert list(features["patient_id"]) == ["p0", "p1"]


def test_settings_cohort_and_directory_are_checked_before_any_image(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    manifest = make_cohort(1)
    with pytest.raises(SettingsError):
        extract_run(manifest, {"setting": {"binWdth": 1}}, tmp_path / "run")
    with pytest.raises(SettingsError, match=r"Wavelet\.wavelet: wrong value"):
        extract_run(manifest, {"imageType": {"Wavelet": {"wavelet": "x"}}}, tmp_path / "run")
    table = pd.concat([pd.read_csv(manifest)] * 2)
    table.to_csv(manifest, index=False)
    with pytest.raises(CohortError, match="several rows"):
        extract_run(manifest, SMALL, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    with pytest.raises(RunError, match="not empty"):
        extract_run(make_cohort(1), SMALL, tmp_path)


def test_the_same_bytes_whatever_the_number_of_workers(make_cohort: Cohort, tmp_path: Path) -> None:
    manifest = make_cohort(5, {2: spoil_empty})
    here = extract_run(manifest, SMALL, tmp_path / "here", options=Options(workers=0))
    there = extract_run(manifest, SMALL, tmp_path / "there", options=Options(workers=2))
    for name in ("features.parquet", "failures.parquet", "diagnostics.parquet"):
        assert (here.path / name).read_bytes() == (there.path / name).read_bytes(), name


def test_killing_a_worker_costs_at_most_its_case(make_cohort: Cohort, tmp_path: Path) -> None:
    slow = {"imageType": {"Original": {}, "Wavelet": {}}}
    manifest = make_cohort(14)
    killed: list[int] = []

    def kill_one_worker() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not killed:
            if len(list((tmp_path / "run" / "rows").glob("*.json"))) >= 3:
                workers = [
                    child
                    for child in psutil.Process().children(recursive=True)
                    if "spawn_main" in " ".join(child.cmdline())
                ]
                workers[0].kill()
                killed.append(workers[0].pid)
            time.sleep(0.02)

    killer = threading.Thread(target=kill_one_worker)
    killer.start()
    run = extract_run(manifest, slow, tmp_path / "run", options=Options(workers=2))
    killer.join()
    assert killed
    assert len(run.failures()) <= 1
    assert len(run.features()[0]) + len(run.failures()) == 14


def test_extract_gives_a_table_that_pandas_users_know(make_cohort: Cohort, tmp_path: Path) -> None:
    manifest = make_cohort(3, {1: spoil_empty})
    table = pd.read_csv(manifest)
    for name in ("image", "mask"):
        table[name] = [str(tmp_path / path) for path in table[name]]
    with pytest.warns(UserWarning, match=r"1 of 3 cases failed.*p1.*only zeros"):
        features = radpipe.extract(table, SMALL)
    assert list(features.index) == ["p0", "p2"]
    assert features["original_firstorder_Mean"].between(60, 180).all()
    assert [failure["case_id"] for failure in features.attrs["failures"]] == ["p1"]


def test_hashes_and_times_of_every_case_also_of_failed_ones(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    manifest = make_cohort(2, {1: spoil_empty})
    run = extract_run(manifest, SMALL, tmp_path / "run")
    for number, table in enumerate((run.diagnostics(), run.failures())):
        for kind in ("image", "mask"):
            content = (tmp_path / f"p{number}_{kind}.nii.gz").read_bytes()
            assert table[f"{kind}_sha256"][0] == hashlib.sha256(content).hexdigest()
    assert run.facts()["cohort"]["sha256"] == hashlib.sha256(manifest.read_bytes()).hexdigest()
    assert all(seconds > 0 for seconds in run.seconds().values())
    assert list(run.seconds()) == list(run.diagnostics()["row_key"])


@pytest.mark.parametrize("name", ["original_firstorder_Mean", "mask_volume_mm3"])
def test_a_further_column_named_like_a_feature_is_refused_at_once(
    make_cohort: Cohort, tmp_path: Path, name: str
) -> None:
    table = pd.read_csv(make_cohort(1)).assign(**{name: 3})
    table.to_csv(tmp_path / "cohort.csv", index=False)
    with pytest.raises(CohortError, match=f"{name}.*rename"):
        extract_run(tmp_path / "cohort.csv", SMALL, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_further_columns_of_any_type_are_kept(make_cohort: Cohort, tmp_path: Path) -> None:
    table = pd.read_csv(make_cohort(2))
    for name in ("image", "mask"):
        table[name] = [str(tmp_path / path) for path in table[name]]
    table["grade"] = pd.Series(["IIa", 2], dtype=object)
    table["scanned"] = pd.to_datetime(["2020-01-02", None])
    table["age"] = [61, 62]
    features, _ = extract_run(table, SMALL, tmp_path / "run").features()
    assert list(features["grade"]) == ["IIa", "2"]
    assert features["scanned"][0].startswith("2020-01-02")
    assert list(features["age"]) == [61, 62]


def test_the_same_roi_twice_is_found_whatever_way_the_label_is_given(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    table = pd.concat([pd.read_csv(make_cohort(1))] * 2).assign(case_id=["a", "b"], label=["", 1])
    table.to_csv(tmp_path / "cohort.csv", index=False)
    with pytest.raises(CohortError, match="several rows"):
        extract_run(tmp_path / "cohort.csv", SMALL, tmp_path / "run")
    table.assign(label=["all", 1]).to_csv(tmp_path / "cohort.csv", index=False)
    with pytest.raises(CohortError, match="several rows"):
        extract_run(tmp_path / "cohort.csv", SMALL, tmp_path / "run")


def test_labels_that_make_one_case_id_twice_are_refused_before_extraction(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    table = pd.read_csv(make_cohort(2)).assign(
        case_id=["p0", "p0_label-1"], patient_id="p0", label=["all", 1]
    )
    table.to_csv(tmp_path / "cohort.csv", index=False)
    with pytest.raises(CohortError, match=r"one case_id.*p0_label-1"):
        extract_run(tmp_path / "cohort.csv", SMALL, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_label_all_follows_the_settings_channel(make_cohort: Cohort, tmp_path: Path) -> None:
    def vector(pair: Pair) -> None:
        pair.mask = sitk.Compose(pair.mask, pair.mask * 4)

    table = pd.read_csv(make_cohort(1, {0: vector})).assign(label="all")
    table.to_csv(tmp_path / "cohort.csv", index=False)
    settings = {**SMALL, "setting": {"label_channel": 1}}
    features, _ = extract_run(tmp_path / "cohort.csv", settings, tmp_path / "run").features()
    assert list(features["case_id"]) == ["p0_label-4"]


def test_wavelets_of_a_2d_image_are_refused_by_name(make_cohort: Cohort, tmp_path: Path) -> None:
    def flat(pair: Pair) -> None:
        pair.image, pair.mask = pair.image[:, :, 5], pair.mask[:, :, 5]

    manifest = make_cohort(1, {0: flat})
    plain = {"featureClass": {"firstorder": ["Mean"]}}
    assert len(extract_run(manifest, plain, tmp_path / "plain").features()[0]) == 1
    wavelets = {**plain, "imageType": {"Wavelet": {}}}
    (message,) = extract_run(manifest, wavelets, tmp_path / "run").failures()["message"]
    assert "wavelets of a 2D image" in message
    assert "remedy" in message


def test_negative_workers_make_no_directory(make_cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="negative"):
        extract_run(make_cohort(1), SMALL, tmp_path / "run", options=Options(workers=-1))
    assert not (tmp_path / "run").exists()


def test_a_case_whose_worker_died_says_so() -> None:
    failure = failure_of(WorkerDiedError("died", remedy="look"), {})
    assert (failure.stage, failure.error) == ("worker", "WorkerDiedError")


def test_the_table_tells_what_made_it(make_cohort: Cohort, tmp_path: Path) -> None:
    features = radpipe.extract(make_cohort(1), SMALL, out=tmp_path / "run")
    assert features.attrs["provenance"]["engine"] == "fast"
    assert (
        features.attrs["provenance"] == radpipe.load_features(tmp_path / "run").attrs["provenance"]
    )


def test_a_file_that_may_not_be_read_costs_only_its_case(
    make_cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbid(path: Path) -> str:
        if path.name.startswith("p1"):
            raise PermissionError(13, "Permission denied", str(path))
        return hashlib.sha256(path.read_bytes()).hexdigest()

    monkeypatch.setattr("radpipe.store.inputs.sha256_of", forbid)
    run = extract_run(make_cohort(3, {1: spoil_empty}), SMALL, tmp_path / "run")
    assert list(run.features()[0]["case_id"]) == ["p0", "p2"]
    assert list(run.failures()["case_id"]) == ["p1"]
    assert run.failures()["image_sha256"][0] == ""
    assert "Permission denied" in run.failures()["message"][0]


def test_itks_threads_change_no_bit(make_cohort: Cohort, tmp_path: Path) -> None:
    """ITK sums over threads; normalisation is the first to show it."""
    settings = {**SMALL, "setting": {"normalize": True, "resampledPixelSpacing": [1.0, 1.0, 1.0]}}
    manifest = make_cohort(4)
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    tables = []
    try:
        for threads in (1, 7):
            sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
            run = extract_run(manifest, settings, tmp_path / str(threads))
            tables.append(run.features_path.read_bytes())
            assert sitk.ProcessObject.GetGlobalDefaultNumberOfThreads() == threads
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
    assert tables[0] == tables[1]
