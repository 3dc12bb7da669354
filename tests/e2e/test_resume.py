"""What a further command on a run directory takes over, and what it computes again."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from typer.testing import CliRunner, Result

from radpipe.cli import app
from radpipe.errors import RunError
from radpipe.extraction.engines import base
from tests.faults import faulty_engine
from tests.faults.harness import Cohort, failures_of, make_line, marked, stored

EVERY = {0: 1, 1: 1, 2: 1, 3: 1}


class Bench:
    """A cohort of four cases, commands on it in this process, and what they made the engine do."""

    def __init__(self, manifest: Path) -> None:
        self.folder = manifest.parent
        self.manifest = manifest
        self.run = self.folder / "RUN"
        self.set_params("featureClass: {firstorder: , shape: }")

    def set_params(self, text: str, name: str = "p.yaml") -> None:
        (self.folder / name).write_text(text + "\n")

    def extract(
        self, *more: object, out: str = "RUN", params: tuple[str, ...] = ("p.yaml",)
    ) -> int:
        result = self.command(*more, out=out, params=params)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code

    def command(
        self, *more: object, out: str = "RUN", params: tuple[str, ...] = ("p.yaml",)
    ) -> Result:
        self.calls_path.write_text("")
        named = [part for name in params for part in ("--params", self.folder / name)]
        options = ["--out", self.folder / out, "--engine", "faulty", "--workers", 0, *more]
        return CliRunner().invoke(app, ["extract", *map(str, [self.manifest, *named, *options])])

    @property
    def calls_path(self) -> Path:
        return self.folder / "calls.txt"

    def calls(self) -> Counter[int]:
        return Counter(int(line.split()[0]) for line in self.calls_path.read_text().splitlines())

    def change_manifest(self, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
        change(pd.read_csv(self.manifest)).to_csv(self.manifest, index=False)

    def change_mask(self, number: int) -> None:
        path = str(self.folder / f"p{number}_mask.nii.gz")
        mask = sitk.ReadImage(path)
        mask[11, 10, 5] = 0
        sitk.WriteImage(mask, path)

    def features(self, out: str = "RUN") -> pd.DataFrame:
        return pd.read_parquet(self.folder / out / "features.parquet")


@pytest.fixture
def bench(make_cohort: Cohort, monkeypatch: pytest.MonkeyPatch) -> Bench:
    manifest = make_cohort(4, marked(4, {}))
    monkeypatch.setitem(base.ENGINES, "faulty", faulty_engine.__name__)
    monkeypatch.setenv("FAULTY_CALLS", str(manifest.parent / "calls.txt"))
    return Bench(manifest)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """List the names of files whose bytes are hashed from now on."""
    names: list[str] = []
    digest = hashlib.file_digest

    def noted(file: Any, *more: Any) -> Any:
        names.append(Path(file.name).name)
        return digest(file, *more)

    monkeypatch.setattr(hashlib, "file_digest", noted)
    return names


def test_the_same_command_again_computes_and_hashes_nothing(
    bench: Bench, hashed: list[str]
) -> None:
    assert bench.extract() == 0
    assert bench.calls() == EVERY
    assert {name for name in hashed if name.endswith(".nii.gz")} == {
        f"p{number}_{kind}.nii.gz" for number in range(4) for kind in ("image", "mask")
    }
    tables = {path.name: path.read_bytes() for path in bench.run.glob("*.parquet")}
    assert len(tables) == 3
    hashed.clear()
    assert bench.extract() == 0
    assert not bench.calls()
    assert not [name for name in hashed if name.endswith(".nii.gz")]
    assert {path.name: path.read_bytes() for path in bench.run.glob("*.parquet")} == tables
    assert not list(bench.run.glob("earlier-*"))


@pytest.mark.parametrize(
    "changed",
    [
        "featureClass: {firstorder: , shape: }\nsetting: {binWidth: 20}",
        "featureClass: {firstorder: , shape: }\nsetting: {normalize: true}",
        "featureClass: {firstorder: [Mean, Range], shape: }",
        "featureClass: {firstorder: , shape: }\nimageType: {Original: , Square: }",
    ],
)
def test_after_a_changed_setting_nothing_is_reused_and_nothing_is_lost(
    bench: Bench, changed: str
) -> None:
    bench.extract()
    earlier = (bench.run / "features.parquet").read_bytes()
    bench.set_params(changed)
    assert bench.extract() == 0
    assert bench.calls() == EVERY
    assert (bench.run / "earlier-1" / "features.parquet").read_bytes() == earlier
    assert bench.extract(out="FRESH") == 0
    pd.testing.assert_frame_equal(bench.features(), bench.features("FRESH"), check_exact=True)


@pytest.mark.parametrize(
    "changed",
    [
        "featureClass: {firstorder: , shape: }\nsetting: {binWidth: 25}",
        "setting: {label: 1, binWidth: 25}\nfeatureClass: {shape: , firstorder: []}",
        "# a comment\nfeatureClass: {firstorder: , shape: }",
    ],
)
def test_settings_that_say_the_same_in_other_words_change_nothing(
    bench: Bench, changed: str
) -> None:
    bench.extract()
    bench.set_params(changed)
    assert bench.extract() == 0
    assert not bench.calls()


def test_another_engine_or_other_values_of_it_are_computed_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.extract()
    monkeypatch.setattr(faulty_engine.Engine, "values_version", "of another day")
    assert bench.extract() == 0
    assert bench.calls() == EVERY
    assert bench.extract("--engine", "fast") == 0
    assert not bench.calls()
    assert len(list(bench.run.glob("earlier-*"))) == 2


def test_a_changed_mask_is_computed_anew_and_it_alone(bench: Bench) -> None:
    bench.extract()
    before = bench.features()
    bench.change_mask(2)
    assert bench.extract() == 0
    assert bench.calls() == {2: 1}
    after = bench.features()
    differs = (before["mask_volume_mm3"] != after["mask_volume_mm3"]).tolist()
    assert differs == [False, False, True, False]
    bench.extract(out="FRESH")
    pd.testing.assert_frame_equal(after, bench.features("FRESH"), check_exact=True)
    kept = pd.read_parquet(bench.run / "earlier-1" / "features.parquet")
    pd.testing.assert_frame_equal(kept, before, check_exact=True)


def test_a_reordered_manifest_reorders_the_table(bench: Bench) -> None:
    bench.extract()
    before = bench.features()
    bench.change_manifest(lambda table: table.iloc[[2, 0, 3, 1]])
    assert bench.extract() == 0
    assert not bench.calls()
    after = bench.features()
    assert list(after["case_id"]) == ["p2", "p0", "p3", "p1"]
    pd.testing.assert_frame_equal(
        after.sort_values("case_id", ignore_index=True), before, check_exact=True
    )
    diagnostics = pd.read_parquet(bench.run / "diagnostics.parquet")
    assert list(diagnostics["case_id"]) == list(after["case_id"])


def test_cases_added_are_computed_and_cases_left_out_leave_the_table(bench: Bench) -> None:
    whole = pd.read_csv(bench.manifest)
    bench.change_manifest(lambda table: table.iloc[:2])
    bench.extract()
    assert bench.calls() == {0: 1, 1: 1}
    bench.change_manifest(lambda table: whole)
    assert bench.extract() == 0
    assert bench.calls() == {2: 1, 3: 1}
    bench.change_manifest(lambda table: whole.iloc[1:])
    assert bench.extract() == 0
    assert not bench.calls()
    assert list(bench.features()["case_id"]) == ["p1", "p2", "p3"]


def test_a_touched_file_is_hashed_again_and_its_row_reused(bench: Bench, hashed: list[str]) -> None:
    bench.extract()
    os.utime(bench.folder / "p1_image.nii.gz", (1e9, 1e9))
    hashed.clear()
    assert bench.extract() == 0
    assert [name for name in hashed if name.endswith(".nii.gz")] == ["p1_image.nii.gz"]
    assert not bench.calls()
    hashed.clear()
    bench.extract()
    assert not [name for name in hashed if name.endswith(".nii.gz")]


def test_names_and_further_columns_come_from_the_manifest_of_today(bench: Bench) -> None:
    bench.extract()
    bench.change_manifest(
        lambda table: table.assign(case_id=["a", "b", "c", "d"], patient_id=7, centre="Ghent")
    )
    assert bench.extract() == 0
    assert not bench.calls()
    after = bench.features()
    assert list(after["case_id"]) == ["a", "b", "c", "d"]
    assert set(after["patient_id"]) == {"7"}
    assert set(after["centre"]) == {"Ghent"}
    diagnostics = pd.read_parquet(bench.run / "diagnostics.parquet").set_index("case_id")
    assert (bench.run / diagnostics.loc["b", "picture"]).is_file()


def test_files_moved_elsewhere_are_the_same_cases(bench: Bench) -> None:
    bench.extract()
    (bench.folder / "moved").mkdir()
    for path in bench.folder.glob("*.nii.gz"):
        path.rename(bench.folder / "moved" / path.name)
    bench.change_manifest(
        lambda table: table.assign(image="moved/" + table["image"], mask="moved/" + table["mask"])
    )
    assert bench.extract() == 0
    assert not bench.calls()
    paths = pd.read_parquet(bench.run / "diagnostics.parquet")["image"]
    assert all("moved" in path for path in paths)


def test_another_label_is_another_case(bench: Bench) -> None:
    path = str(bench.folder / "p1_mask.nii.gz")
    mask = sitk.ReadImage(path)
    mask[:, :, :5] = mask[:, :, :5] * 3
    sitk.WriteImage(mask, path)
    bench.change_manifest(lambda table: table.assign(label=[1, 1, 1, 1]))
    bench.extract()
    bench.change_manifest(lambda table: table.assign(label=[1, 3, 1, 1]))
    assert bench.extract() == 0
    assert bench.calls() == {1: 1}
    bench.change_manifest(lambda table: table.assign(label=[1, "all", 1, 1]))
    assert bench.extract() == 0
    assert set(bench.calls()) <= {1}
    assert list(bench.features()["label"]) == [1, 1, 3, 1, 1]


def test_fresh_computes_everything_again(bench: Bench) -> None:
    bench.extract()
    before = bench.features()
    assert bench.extract("--fresh") == 0
    assert bench.calls() == EVERY
    pd.testing.assert_frame_equal(bench.features(), before, check_exact=True)


def test_failed_cases_are_tried_again_unless_told_not_to(bench: Bench) -> None:
    missing = bench.folder / "p1_mask.nii.gz"
    missing.rename(bench.folder / "aside")
    assert bench.extract() == 1
    assert failures_of(bench.run).keys() == {"p1"}
    assert bench.extract("--retry", "none") == 1
    assert not bench.calls()
    (bench.folder / "aside").rename(missing)
    assert bench.extract() == 0
    assert bench.calls() == {1: 1}
    assert not failures_of(bench.run)


def test_several_parameter_files_read_an_image_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from radpipe.extraction.io.read import READERS

    read = []
    reader = READERS[".nii.gz"]
    monkeypatch.setitem(READERS, ".nii.gz", lambda path: (read.append(path.name), reader(path))[1])
    bench.set_params("featureClass: {firstorder: }\nsetting: {binWidth: 10}", "q.yaml")
    assert bench.extract(params=("p.yaml", "q.yaml")) == 0
    assert Counter(read) == {
        f"p{number}_{kind}.nii.gz": 1 for number in range(4) for kind in ("image", "mask")
    }
    for name in ("p", "q"):
        assert bench.extract(out=f"ALONE-{name}", params=(f"{name}.yaml",)) == 0
        together = (bench.run / name / "features.parquet").read_bytes()
        assert together == (bench.folder / f"ALONE-{name}" / "features.parquet").read_bytes()
    assert bench.extract(params=("p.yaml", "q.yaml")) == 0
    assert not bench.calls()
    bench.set_params("featureClass: {firstorder: }\nsetting: {binWidth: 11}", "q.yaml")
    assert bench.extract(params=("p.yaml", "q.yaml")) == 0
    assert bench.calls() == EVERY
    assert not list((bench.run / "p").glob("earlier-*"))


def test_json_tells_what_was_done(bench: Bench) -> None:
    bench.extract()
    bench.change_mask(3)
    (bench.folder / "p0_mask.nii.gz").unlink()
    result = bench.command("--json")
    told = json.loads(result.stdout)
    assert told["exit_code"] == result.exit_code == 1
    (run,) = told["runs"]
    assert {name: run[name] for name in ("cases", "rows", "reused", "computed", "failures")} == {
        "cases": 4, "rows": 3, "reused": 2, "computed": 1, "failures": 1,
    }  # fmt: skip
    assert Path(run["features"]).samefile(bench.run / "features.parquet")
    assert Path(run["run"]).samefile(bench.run)


def test_a_run_in_use_is_refused_with_its_holders_name(
    make_cohort: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(base.ENGINES, "faulty", faulty_engine.__name__)
    line = make_line(make_cohort, 6)
    first = line.start(line.command(workers=0), pause=0.8)
    line.wait_for_calls(2)
    refused = CliRunner().invoke(app, line.command(workers=0)[3:])
    assert isinstance(refused.exception, RunError)
    for part in (f"process {first.pid}", socket.gethostname(), "status"):
        assert part in str(refused.exception)
    told = CliRunner().invoke(app, ["status", str(line.folder / "RUN")])
    assert told.exit_code == 0
    assert "of 6" in told.stdout
    _, complaint = first.communicate(timeout=60)
    assert first.returncode == 0, complaint
    assert len(stored(line.folder / "RUN")) == 6


def test_merged_sites_are_one_table(bench: Bench) -> None:
    """What was computed on two machines is merged, and the same bytes as computed on one."""
    whole = pd.read_csv(bench.manifest)
    for site, rows in (("A", whole.iloc[:2]), ("B", whole.iloc[2:])):
        bench.change_manifest(lambda table, rows=rows: rows)
        assert bench.extract(out=site) == 0
    bench.change_manifest(lambda table: whole)
    runs = [str(bench.folder / site) for site in "AB"]
    merged = CliRunner().invoke(app, ["merge", *runs, "--out", str(bench.folder / "BOTH")])
    assert merged.exit_code == 0, merged.exception
    assert bench.extract() == 0
    names = bench.features().columns
    assert np.array_equal(bench.features("BOTH")[names].iloc[:, 5:], bench.features().iloc[:, 5:])
    assert list(bench.features("BOTH")["case_id"]) == list(whole["patient_id"])
