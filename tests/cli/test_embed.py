"""`radpipe embed` as a user runs it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install 'radpipe[cnn]'")
pytest.importorskip("monai", reason="needs MONAI: pip install 'radpipe[cnn]'")

import radpipe  # noqa: E402
from radpipe.cli import main  # noqa: E402
from radpipe.errors import RunError  # noqa: E402
from radpipe.networks.spec import Window  # noqa: E402
from radpipe.store import Run  # noqa: E402
from radpipe.store.files import sha256_of  # noqa: E402
from radpipe.store.table import read_row_keys, read_table  # noqa: E402
from tests.conftest import Pair  # noqa: E402
from tests.unit.extraction.embedding.tiny import (  # noqa: E402
    OFFSETS,
    SLOPES,
    SPEC,
    Means,
    register,
    write_weights,
)

Cohort = Callable[..., Path]
COLUMNS = ["tiny_0000", "tiny_0001", "tiny_0002"]


class Bench:
    """Commands in a folder: what they print, and how they end."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        self.folder, self._monkeypatch, self._capfd = folder, monkeypatch, capfd
        self.weights = write_weights(folder / "tiny.pth")

    def __call__(self, verb: str, *arguments: object) -> tuple[int, str, str]:
        self._monkeypatch.setattr("sys.argv", ["radpipe", verb, *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = self._capfd.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    def embed(self, manifest: Path, *more: object, out: str = "RUN") -> tuple[int, str, str]:
        given = ["--encoder", "tiny", "--weights", self.weights, "--out", self.folder / out]
        return self("embed", manifest, *given, "--workers", 0, "--quiet", *more)

    def table(self, out: str = "RUN") -> pd.DataFrame:
        return pd.read_parquet(self.folder / out / "embeddings.parquet")

    def settings(self, out: str = "RUN") -> dict[str, object]:
        provenance = read_table(self.folder / out / "embeddings.parquet")[1]
        assert provenance is not None
        return provenance.settings


@pytest.fixture
def bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Bench]:
    register(monkeypatch)
    logger = logging.getLogger("radpipe")
    before = list(logger.handlers)
    yield Bench(tmp_path, monkeypatch, capfd)
    logger.handlers[:] = before


def told_modality(manifest: Path, *modalities: str) -> Path:
    table = pd.read_csv(manifest)
    table.assign(modality=list(modalities)).to_csv(manifest, index=False)
    return manifest


def empty(pair: Pair) -> None:
    pair.change_mask(lambda array: array.fill(0))


def at_border(pair: Pair) -> None:
    empty(pair)
    pair.change_mask(lambda array: array.__setitem__(np.s_[:2, :3, :3], 1))


def huge(pair: Pair) -> None:
    pair.change_mask(lambda array: array.fill(1))


def test_each_case_has_its_own_outcome(make_cohort: Cohort, bench: Bench) -> None:
    manifest = make_cohort(6, {1: empty, 2: at_border, 3: huge})
    (bench.folder / "p4_image.nii.gz").unlink()
    told_modality(manifest, *["CT"] * 6)
    code, out, err = bench.embed(manifest)
    assert code == 1
    assert out.startswith("4 of 6 cases, in ")
    assert out.endswith(f" s: {bench.folder / 'RUN' / 'embeddings.parquet'}\n")
    assert "case p1" in err
    assert "case p4" in err
    assert "the ROI exceeds the patch in 1 of 4 cases" in err
    assert "p3" in err
    table = bench.table()
    assert list(table["case_id"]) == ["p0", "p2", "p3", "p5"]
    assert list(table.columns) == [
        "case_id", "patient_id", "modality", "roi", "label", "mask_volume_mm3", *COLUMNS,
    ]  # fmt: skip
    assert table[COLUMNS].dtypes.eq(np.float64).all()
    keys = read_row_keys(bench.folder / "RUN" / "embeddings.parquet")
    for row, key in enumerate(keys):
        mean = Run(bench.folder / "RUN").patch_run.patches.get(key).intensities.mean(dtype=float)
        truth = np.array(SLOPES) * mean + OFFSETS
        np.testing.assert_allclose(table.loc[row, COLUMNS].astype(float), truth, rtol=1e-5)
    told = Run(bench.folder / "RUN").patch_run.diagnostics().set_index("case_id")
    assert told["patch_padded"]["p2"] > 0.3
    assert told["patch_outside"].gt(0).tolist() == [False, False, True, False]
    assert bench.settings()["encoder"] == {
        "architecture": "means",
        "keys": radpipe.networks.encoders.ENCODERS["tiny"].keys,
        "weights_sha256": sha256_of(bench.weights),
        "source": {"repository": "someone/tiny", "file": "tiny.pth", "revision": None,
                   "sha256": None},
        "licence": "MIT",
        "reference": "none",
    }  # fmt: skip


def test_the_same_command_again_computes_nothing(make_cohort: Cohort, bench: Bench) -> None:
    manifest = make_cohort(3)
    assert bench.embed(manifest)[0] == 0
    before = (bench.folder / "RUN" / "embeddings.parquet").read_bytes()
    calls = Means.calls
    code, out, _ = bench.embed(manifest, "--json")
    assert code == 0
    told = json.loads(out)
    assert (told["reused"], told["computed"], told["exit_code"]) == (3, 0, 0)
    assert calls == Means.calls == 3
    assert (bench.folder / "RUN" / "embeddings.parquet").read_bytes() == before
    # A case more costs one case.
    assert bench.embed(make_cohort(4))[0] == 0
    assert calls + 1 == Means.calls
    assert sorted(path.name for path in (bench.folder / "RUN").iterdir()) == [
        "embeddings.parquet", "lock", "patches",
    ]  # fmt: skip


def test_interrupted_it_goes_on_to_the_same_bytes(make_cohort: Cohort, bench: Bench) -> None:
    manifest = make_cohort(8)
    Means.stops_at = 5
    code, _, err = bench.embed(manifest)
    assert code == 130
    assert "finished cases are kept" in err
    assert not (bench.folder / "RUN" / "embeddings.parquet").exists()
    stored = len(list((bench.folder / "RUN" / "vectors").rglob("*.npy")))
    assert stored >= 3
    Means.calls, Means.stops_at = 0, 10**9
    code, out, _ = bench.embed(manifest, "--json")
    told = json.loads(out)
    assert (code, told["reused"], told["reused_patches"]) == (0, stored, 8)
    assert Means.calls == 8 - stored
    assert bench.embed(manifest, out="CLEAN")[0] == 0
    tables = [bench.folder / name / "embeddings.parquet" for name in ("RUN", "CLEAN")]
    assert tables[0].read_bytes() == tables[1].read_bytes()


def test_other_weights_are_refused_and_replace_the_first_where_that_is_asked_for(
    make_cohort: Cohort, bench: Bench
) -> None:
    manifest = make_cohort(2)
    bench.embed(manifest)
    before = bench.table()
    write_weights(bench.weights, (2.0, -4.0, 1.0))
    (bench.folder / "p0_image.nii.gz").rename(bench.folder / "away.nii.gz")
    code, _, err = bench.embed(manifest)
    assert code == 2
    assert "settings.encoder.weights_sha256" in err
    assert "--fresh" in err
    pd.testing.assert_frame_equal(bench.table(), before)
    (bench.folder / "away.nii.gz").rename(bench.folder / "p0_image.nii.gz")
    assert bench.embed(manifest, "--fresh")[0] == 0
    twice = 2 * (before[COLUMNS] - np.array(OFFSETS)) + np.array(OFFSETS)
    np.testing.assert_allclose(bench.table()[COLUMNS], twice, rtol=1e-5)


@pytest.mark.parametrize("first", ["extract", "embed"])
def test_features_and_embeddings_share_a_run(make_cohort: Cohort, bench: Bench, first: str) -> None:
    manifest = make_cohort(2)
    params = bench.folder / "p.yaml"
    params.write_text("featureClass: {firstorder: [Mean]}\n")
    run = bench.folder / "RUN"
    extract = ["extract", manifest, "--params", params, "--out", run, "--workers", 0, "--quiet"]
    kept = {}
    for verb in ("extract", "embed") if first == "extract" else ("embed", "extract"):
        code, _, err = bench(*extract) if verb == "extract" else bench.embed(manifest)
        assert code == 0, err
        assert all(path.read_bytes() == content for path, content in kept.items())
        kept |= {path: path.read_bytes() for path in run.glob("*.parquet")}
    assert {path.name for path in kept} == {
        "features.parquet", "diagnostics.parquet", "failures.parquet", "embeddings.parquet",
    }  # fmt: skip
    features, embeddings = (
        pd.read_parquet(run / f"{name}.parquet") for name in ("features", "embeddings")
    )
    shared = ["case_id", "patient_id", "label", "mask_volume_mm3"]
    pd.testing.assert_frame_equal(features[shared], embeddings[shared])


def test_a_directory_of_something_else_is_refused(make_cohort: Cohort, bench: Bench) -> None:
    (bench.folder / "RUN").mkdir()
    (bench.folder / "RUN" / "thesis.txt").write_text("mine")
    code, _, err = bench.embed(make_cohort(1))
    assert code == 2
    assert "not empty, and no run" in err
    assert [path.name for path in (bench.folder / "RUN").iterdir()] == ["thesis.txt"]


def test_another_modality_is_refused_unless_forced(make_cohort: Cohort, bench: Bench) -> None:
    manifest = told_modality(make_cohort(3), "ct", "MR", "PT")
    code, _, err = bench.embed(manifest)
    assert code == 2
    assert "p1 (MR), p2 (PT)" in err
    assert not (bench.folder / "RUN").exists()
    assert bench.embed(manifest, "--force")[0] == 0
    assert bench.settings()["forced"] is True
    assert len(bench.table()) == 3


def test_a_modality_that_nobody_told_is_a_warning(make_cohort: Cohort, bench: Bench) -> None:
    code, _, err = bench.embed(make_cohort(2))
    assert code == 0
    assert "does not tell the modality of 2 case(s): p0, p1" in err
    assert bench.settings()["forced"] is False


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def pickled(path: Path) -> None:
    torch.save(Means(), path)


def renamed(path: Path) -> None:
    torch.save({"state_dict": {"module.conv.w": torch.zeros(3, 1, 1, 1, 1)}}, path)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (truncated, "cannot be read as weights"),
        (pickled, "holds more than weights"),
        (renamed, "conv.weight is missing"),
        (Path.unlink, "the nearest folder that exists is"),
    ],
)
def test_wrong_weights_are_told_before_any_image_is_read(
    make_cohort: Cohort, bench: Bench, spoil: Callable[[Path], None], told: str
) -> None:
    spoil(bench.weights)
    code, _, err = bench.embed(make_cohort(1))
    assert code == 2
    assert told in err
    assert "Traceback" not in err
    assert not (bench.folder / "RUN").exists()


@pytest.mark.parametrize(
    ("encoder", "options", "told"),
    [
        ("tiney", [], "did you mean 'tiny'?"),
        ("tiny", [], "tiny needs weights"),
        ("tiny", ["--weights", "tiny.pth", "--compat"], "--compat"),
        ("tiny", ["--weights", "tiny.pth", "--method", "vicreg"], "--method"),
        ("tiny", ["--weights", "tiny.pth", "--augment", "flips"], "--augment"),
        ("tiny", ["--weights", "tiny.pth", "--spacing", "2"], "--spacing"),
        ("tiny", ["--weights", "tiny.pth", "--window", "0,100"], "--window"),
        ("tiny", ["--weights", "tiny.pth", "--revision", "0" * 40], "--revision"),
        ("tiny", ["--weights", "tiny.pth", "--sha256", "0" * 64], "SHA-256"),
        ("tiny", ["--weights", "tiny.pth", "--device", "tpu"], "no such device"),
        ("tiny", ["--weights", "hub"], "a revision"),
        ("radpipe-small", ["--window=-inf,0"], "--window"),
        ("radpipe-small", ["--method", "cox"], "inside their folds"),
        ("radpipe-small", ["--method", "vicregg"], "did you mean 'vicreg'?"),
        ("tiny", ["--weights", "tiny.pth", "--sha256", "abc"], "64 hexadecimal digits"),
        ("radpipe-small", ["--window", "100,0"], "--window"),
        ("radpipe-small", ["--window", "100"], "--window"),
        ("radpipe-small", ["--spacing", "1,2"], "--spacing"),
        ("radpipe-small", ["--spacing", "-1"], "--spacing"),
        ("radpipe-small", ["--sha256", "0" * 64], "--sha256"),
        ("radpipe-small", ["--weights", "."], "no encoder in this directory"),
    ],
)
def test_options_that_make_no_sense_are_told_before_any_image_is_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, encoder: str, options: list[str], told: str
) -> None:
    monkeypatch.chdir(bench.folder)
    manifest = bench.folder / "cohort.csv"
    manifest.write_text("patient_id,image,mask,modality\nA,no.nii,no.nii,CT\n")
    code, _, err = bench("embed", manifest, "--encoder", encoder, "--out", "RUN", *options)
    assert code == 2
    assert told in err
    assert "Traceback" not in err
    assert not (bench.folder / "RUN").exists()


def test_a_manifest_that_is_missing_or_has_our_columns_is_wrong_input(
    make_cohort: Cohort, bench: Bench
) -> None:
    assert "CohortError" in bench.embed(bench.folder / "none.csv")[2]
    manifest = make_cohort(1)
    pd.read_csv(manifest).assign(tiny_0001=1).to_csv(manifest, index=False)
    code, _, err = bench.embed(manifest)
    assert code == 2
    assert "tiny_0001" in err
    assert not (bench.folder / "RUN").exists()


def test_weights_that_are_no_numbers_are_told_before_any_image_is_read(
    make_cohort: Cohort, bench: Bench
) -> None:
    write_weights(bench.weights, (float("nan"), 1.0, 1.0))
    code, _, err = bench.embed(make_cohort(1))
    assert code == 2
    assert f"{bench.weights}: the weights are damaged; found: conv.weight holds NaN" in err
    assert not (bench.folder / "RUN").exists()


def test_an_embedding_that_is_no_number_costs_its_own_case(
    make_cohort: Cohort, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bright(pair: Pair) -> None:
        pair.change_image(lambda array: array.__imul__(1e8))

    # Times 1e35, a voxel of about 1e8 is beyond what float32 holds, and all others are not.
    register(monkeypatch, patch=replace(SPEC, intensity=Window(0.0, 200.0, clip=False)))
    write_weights(bench.weights, (1e35, 1.0, 1.0))
    manifest = make_cohort(3, {1: bright})
    for reused in (0, 2):
        code, out, err = bench.embed(manifest, "--json")
        told = json.loads(out)
        assert (code, told["exit_code"], told["not_finite"]) == (1, 1, ["p1"])
        assert (told["cases"], told["rows"], told["failures"]) == (3, 2, 1)
        assert told["reused"] == reused
        assert "NaN or infinity in 1 of 3 cases" in err
        assert err.rstrip().splitlines()[-1].startswith("2 of 3 cases")
        assert list(bench.table()["case_id"]) == ["p0", "p2"]
    with pytest.warns(UserWarning, match="1 of 3 cases failed.* p1: the embedding holds NaN"):
        table = radpipe.embed(manifest, "tiny", bench.weights, out=bench.folder / "RUN")
    (failure,) = table.attrs["failures"]
    assert (failure["case_id"], failure["stage"]) == ("p1", "embed")
    log = Run(bench.folder / "RUN").patch_run.log.events()
    assert [each["case_id"] for each in log if each["event"] == "left out"] == ["p1"] * 3
    means = [
        Run(bench.folder / "RUN").patch_run.patches.get(key).intensities.mean(dtype=float)
        for key in read_row_keys(bench.folder / "RUN" / "embeddings.parquet")
    ]
    np.testing.assert_allclose(bench.table()["tiny_0001"], np.add(means, OFFSETS[1]), rtol=1e-5)


@pytest.mark.parametrize("stops_at", [0, 10**9])
def test_the_same_command_mends_a_damaged_patch(
    make_cohort: Cohort, bench: Bench, stops_at: int
) -> None:
    manifest, run = make_cohort(3), Run(bench.folder / "RUN")
    Means.stops_at = stops_at
    bench.embed(manifest)
    key = read_row_keys(run.patch_run.features_path)[1]
    patch = run.patch_run.patches.path_of(key)
    whole = patch.read_bytes()
    patch.write_bytes(whole[:100])
    with pytest.raises(RunError, match=r"case p1, .*: a patch cannot be read"):
        run.patch_run.patches.get(key)
    Means.stops_at = 10**9
    assert bench.embed(manifest)[0] == 0
    assert patch.read_bytes() == whole
    assert [e["case_id"] for e in run.patch_run.log.events() if e["event"] == "done"] == [
        "p0", "p1", "p2", "p1",
    ]  # fmt: skip
    bench.embed(manifest, out="CLEAN")
    tables = [bench.folder / name / "embeddings.parquet" for name in ("RUN", "CLEAN")]
    assert tables[0].read_bytes() == tables[1].read_bytes()


def test_a_script_gets_the_same_as_a_table(make_cohort: Cohort, bench: Bench) -> None:
    manifest = make_cohort(3, {1: empty})
    bench.embed(manifest)
    with pytest.warns(UserWarning, match="1 of 3 cases failed"):
        found = radpipe.embed(manifest, "tiny", bench.weights)
    pd.testing.assert_frame_equal(
        found[COLUMNS], bench.table().set_index("case_id")[COLUMNS], check_exact=True
    )
    assert found.attrs["provenance"]["engine"] == "tiny"
    assert [failed["case_id"] for failed in found.attrs["failures"]] == ["p1"]
    assert found.attrs["run"] is None
