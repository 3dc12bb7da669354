"""A run directory: what is kept, what is refused, and by whom it is held."""

import errno
import json
import multiprocessing
import os
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest

from radpipe.errors import FileChangedError, RunError
from radpipe.store import (
    KEY_COLUMNS,
    MASK_VOLUME,
    Entry,
    Failure,
    InputFile,
    Provenance,
    Row,
    Run,
    RunWriter,
    row_key,
    writer_of,
)
from radpipe.store.lock import is_held
from radpipe.store.log import RunLog
from radpipe.store.table import read_row_keys

MADE_BY = Provenance("none", "0", {"setting": {"binWidth": 25}})
FEATURE = "original_firstorder_Mean"


def entry(case_id: str, key: str) -> Entry:
    keys = dict.fromkeys(KEY_COLUMNS, case_id) | {"label": 1}
    return Entry(keys, key, {"image": f"{case_id}.nii", "mask": f"{case_id}_mask.nii"})


def put(writer: RunWriter, key: str, value: float, **told: object) -> None:
    writer.run.rows.put(key, Row({MASK_VOLUME: 8.0, FEATURE: value}, dict(told)))
    writer.rows.add(key)


def tables(writer: RunWriter, *entries: Entry) -> dict[str, int]:
    return writer.write_tables(entries, [FEATURE], KEY_COLUMNS, MADE_BY)


def test_rows_of_before_and_of_now_make_the_table_of_one_go(tmp_path: Path) -> None:
    both = [entry("b", "k2"), entry("a", "k1")]
    with writer_of(tmp_path / "once") as writer:
        for key, value in (("k1", 0.1 + 0.2), ("k2", 2.0)):
            put(writer, key, value, voxels=7, told="x")
        tables(writer, *both)
    with writer_of(tmp_path / "twice") as writer:
        writer.start(MADE_BY, {})
        put(writer, "k1", 0.1 + 0.2, voxels=7, told="x")
        tables(writer, entry("a", "k1"))
    with writer_of(tmp_path / "twice") as writer:
        assert writer.rows == {"k1"}
        put(writer, "k2", 2.0, voxels=7, told="x")
        assert tables(writer, *both) == {"cases": 2, "rows": 2, "failures": 0}
    for name in ("features.parquet", "diagnostics.parquet", "failures.parquet"):
        once, twice = (tmp_path / run / name for run in ("once", "twice"))
        assert once.read_bytes() == twice.read_bytes(), name
    assert read_row_keys(tmp_path / "once" / "features.parquet") == ["k2", "k1"]


def test_a_run_killed_between_two_tables_loses_and_mixes_nothing(tmp_path: Path) -> None:
    """The feature table is new, the diagnostics still the old ones, the single row is there."""
    with writer_of(tmp_path) as writer:
        writer.start(MADE_BY, {})
        put(writer, "old", 1.0)
        tables(writer, entry("a", "old"))
        before = (tmp_path / "diagnostics.parquet").read_bytes()
        put(writer, "new", 2.0)
        single = (tmp_path / "rows" / "new.json").read_bytes()
        tables(writer, entry("a", "old"), entry("b", "new"))
    (tmp_path / "diagnostics.parquet").write_bytes(before)
    (tmp_path / "rows").mkdir(exist_ok=True)
    (tmp_path / "rows" / "new.json").write_bytes(single)
    with writer_of(tmp_path) as writer:
        assert writer.rows == {"old", "new"}
        tables(writer, entry("b", "new"), entry("a", "old"))
        writer.finish(MADE_BY, {})
    assert list(Run(tmp_path).features()[0][FEATURE]) == [2.0, 1.0]
    assert list(Run(tmp_path).diagnostics()["row_key"]) == ["new", "old"]


def test_a_row_takes_the_place_of_an_earlier_failure(tmp_path: Path) -> None:
    with writer_of(tmp_path) as writer:
        writer.run.rows.put("k", Failure("read", "ImageError", "cannot", "mend"))
        assert RunWriter(writer.run).failures["k"].message == "cannot"
        put(writer, "k", 1.0)
        again = RunWriter(writer.run)
    assert (again.rows, again.failures) == ({"k"}, {})


def test_a_part_file_of_a_killed_process_is_no_row(tmp_path: Path) -> None:
    with writer_of(tmp_path) as writer:
        writer.start(MADE_BY, {})
        (tmp_path / "rows" / "k.json.part-1").write_text('{"features": {')
        (tmp_path / "qc" / "k.png.part-1").write_bytes(b"half")
        (tmp_path / "earlier-1.part-1").mkdir()
        assert RunWriter(writer.run).rows == set()
    with writer_of(tmp_path):
        assert not list(tmp_path.rglob("*.part-*"))


def hold(path: Path, held: object, let_go: object) -> None:
    with writer_of(path):
        held.set()  # type: ignore[attr-defined]
        let_go.wait(60)  # type: ignore[attr-defined]


def test_a_second_writer_is_refused_with_the_holders_name(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, let_go = context.Event(), context.Event()
    holder = context.Process(target=hold, args=(tmp_path, held, let_go))
    holder.start()
    assert held.wait(60)
    assert is_held(tmp_path)
    with pytest.raises(RunError, match=f"process {holder.pid} on .*, user "), writer_of(tmp_path):
        pass
    let_go.set()
    holder.join(60)
    assert not is_held(tmp_path)


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    held, let_go = context.Event(), context.Event()
    holder = context.Process(target=hold, args=(tmp_path, held, let_go))
    holder.start()
    assert held.wait(60)
    holder.kill()
    holder.join(60)
    assert (tmp_path / "holder.json").exists()
    with writer_of(tmp_path) as writer:
        assert writer.rows == set()


def no_flock(*_: object) -> None:
    raise OSError(errno.ENOSYS, "Function not implemented")


def hold_without_locks(path: Path, held: object, let_go: object) -> None:
    import fcntl

    fcntl.flock = no_flock
    hold(path, held, let_go)


def test_without_locks_a_marker_stands_and_its_removal_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fcntl.flock", no_flock)
    context = multiprocessing.get_context("spawn")
    held, let_go = context.Event(), context.Event()
    holder = context.Process(target=hold_without_locks, args=(tmp_path, held, let_go))
    holder.start()
    assert held.wait(60)
    assert is_held(tmp_path)
    refusal = (
        rf"process {holder.pid} on .*if that process is no longer there, remove .*lock\.marker"
    )
    with pytest.raises(RunError, match=refusal), writer_of(tmp_path):
        pass
    holder.kill()
    holder.join(60)
    # The one that was killed was on this host, and its marker is seen to be void.
    with writer_of(tmp_path) as writer:
        writer.start(MADE_BY, {})
        assert is_held(tmp_path)
    assert not is_held(tmp_path)
    assert not (tmp_path / "lock.marker").exists()


def test_a_foreign_directory_is_refused_and_a_refused_run_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(RunError, match="no run"), writer_of(tmp_path):
        pass
    with writer_of(tmp_path / "refused"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]


def test_a_full_disk_is_the_runs_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with writer_of(tmp_path) as writer:
        writer.start(MADE_BY, {})
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match=r"No space left.*make room.*kept"):
            put(writer, "k", 1.0)
        assert list((tmp_path / "rows").iterdir()) == []


def test_a_file_that_changes_while_it_is_hashed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "image.nii"
    path.write_bytes(b"before")

    def hashed(_: Path) -> str:
        path.write_bytes(b"after it")
        return "0"

    monkeypatch.setattr("radpipe.store.inputs.sha256_of", hashed)
    with pytest.raises(FileChangedError, match="changed while it was read"):
        InputFile.of(path)


def test_a_file_that_is_only_touched_has_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "image.nii"
    path.write_bytes(b"before")
    known = InputFile.of(path)
    path.chmod(0o600)
    os.link(path, tmp_path / "backup.nii")
    assert not known.unchanged()
    known.require_unchanged()


def test_a_change_whose_time_was_set_back_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "image.nii"
    path.write_bytes(b"before")
    known = InputFile.of(path)
    path.write_bytes(b"after!")
    os.utime(path, ns=(known.mtime_ns, known.mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (known.size, known.mtime_ns)
    assert not known.unchanged()
    with pytest.raises(FileChangedError):
        known.require_unchanged()


def test_a_file_written_just_now_is_hashed_in_a_later_tick_of_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where ticks last 10 ms, a change within the one of the hash would leave no trace."""
    hashed: list[int] = []
    monkeypatch.setattr(
        "radpipe.store.inputs.sha256_of", lambda _: str(hashed.append(time.time_ns()))
    )
    path = tmp_path / "image.nii"
    path.write_bytes(b"before")
    InputFile.of(path)
    assert hashed[0] - path.stat().st_ctime_ns > 10_000_000


def test_unchanged_means_size_time_and_inode(tmp_path: Path) -> None:
    path = tmp_path / "image.nii"
    path.write_bytes(b"before")
    known = InputFile.of(path)
    assert known.unchanged()
    os.utime(path, ns=(known.mtime_ns, known.mtime_ns + 1))
    assert not known.unchanged()
    path.unlink()
    assert not known.unchanged()
    with pytest.raises(FileChangedError, match="no such file any more"):
        known.require_unchanged()


def test_a_row_key_depends_on_all_that_decides_and_on_nothing_else() -> None:
    told = {"image": "a", "label": 1, "settings": {"binWidth": 25, "sigma": [1.0]}}
    reordered = {"settings": {"sigma": [1.0], "binWidth": 25}, "label": 1, "image": "a"}
    assert row_key(told) == row_key(reordered)
    others = [told | {"label": 2}, told | {"settings": {"binWidth": 25.5, "sigma": [1.0]}}]
    # PyRadiomics names the columns of `sigma: [1]` otherwise than those of `[1.0]`.
    others.append(told | {"settings": {"binWidth": 25, "sigma": [1]}})
    assert len({row_key(each) for each in [told, *others]}) == 4


def test_a_log_line_cut_short_is_left_out(tmp_path: Path) -> None:
    log = RunLog(tmp_path / "run.log")
    log.add("done", case_id='ä "quoted"\nline')
    with log.path.open("a") as handle:
        handle.write('{"time": "2026')
    assert [event["case_id"] for event in log.events()] == ['ä "quoted"\nline']
    assert len(log.path.read_text().splitlines()) == 2
    assert json.loads(log.path.read_text().splitlines()[0])["event"] == "done"
    log.add("next")
    log.add("after it")
    assert [event["event"] for event in log.events()] == ["done", "next", "after it"]


def test_tables_are_due_by_time_and_by_what_they_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with writer_of(tmp_path) as writer:
        assert not writer.due()
        now[0] += 61
        assert writer.due()
        monkeypatch.setattr(
            "radpipe.store.writer.write_table", lambda *_: now.__setitem__(0, now[0] + 2)
        )
        tables(writer)
        # Three tables of two seconds: at most a twentieth of the time.
        now[0] += 119
        assert not writer.due()
        now[0] += 2
        assert writer.due()


def test_replaced_tables_are_set_aside_and_none_overwrites_another(tmp_path: Path) -> None:
    with writer_of(tmp_path) as writer:
        for number in (1, 2):
            put(writer, f"k{number}", float(number))
            tables(writer, entry("a", f"k{number}"))
            assert writer.is_missing(["other"])
            assert not writer.is_missing([f"k{number}", "other"])
            folder = writer.set_aside()
            assert folder.name == f"earlier-{number}"
            assert list(pd.read_parquet(folder / "features.parquet")[FEATURE]) == [float(number)]
        shutil.rmtree(tmp_path / "earlier-1")
        assert writer.set_aside().name == "earlier-3"


def test_half_a_copy_of_replaced_tables_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = shutil.copy2

    def full(source: Path, place: Path) -> None:
        if source.name == "diagnostics.parquet":
            raise OSError(errno.ENOSPC, "No space left on device")
        plain(source, place)

    with writer_of(tmp_path) as writer:
        put(writer, "k", 1.0)
        tables(writer, entry("a", "k"))
        monkeypatch.setattr(shutil, "copy2", full)
        with pytest.raises(RunError, match="No space left"):
            writer.set_aside()
        assert not list(tmp_path.glob("earlier-*"))


def test_tables_do_not_tell_which_diagnostics_came_first(tmp_path: Path) -> None:
    """Diagnostics that not every case has, and types that one case alone leaves open."""
    told = {
        "k1": {"voxels": 7, "edge": True, "why": None, "scale": 1},
        "k2": {"undefined": "x", "voxels": 8, "scale": 2.5},
        "k3": {"edge": False, "voxels": 9, "late": "y", "scale": 3.0},
    }
    every = [entry(name, key) for name, key in (("c", "k3"), ("b", "k2"), ("a", "k1"))]
    with writer_of(tmp_path / "once") as writer:
        for key in told:
            put(writer, key, float("nan"), **told[key])
        tables(writer, *every)
    with writer_of(tmp_path / "often") as writer:
        for number, key in enumerate(("k1", "k2", "k3")):
            put(writer, key, float("nan"), **told[key])
            tables(writer, *every[2 - number :])
    for name in ("features.parquet", "diagnostics.parquet"):
        once, often = (tmp_path / run / name for run in ("once", "often"))
        assert once.read_bytes() == often.read_bytes(), name
    back = pd.read_parquet(tmp_path / "often" / "diagnostics.parquet").set_index("case_id")
    assert list(back["scale"]) == [3.0, 2.5, 1.0]
    assert list(back["voxels"]) == [9, 8, 7]
    assert back["edge"].isna().tolist() == [False, True, False]
    assert list(back["edge"].dropna()) == [False, True]
    assert "why" not in back


def test_a_dropped_row_leaves_no_trace_in_the_tables(tmp_path: Path) -> None:
    with writer_of(tmp_path / "once") as writer:
        put(writer, "k1", 1.0, scale=1)
        tables(writer, entry("a", "k1"))
    with writer_of(tmp_path / "twice") as writer:
        put(writer, "k1", 1.0, scale=1)
        put(writer, "k2", 2.0, scale=2.5, undefined="x")
        tables(writer, entry("a", "k1"), entry("b", "k2"))
        assert writer.rows == {"k1", "k2"}
        tables(writer, entry("a", "k1"))
        assert writer.rows == {"k1"}
    for name in ("features.parquet", "diagnostics.parquet"):
        once, twice = (tmp_path / run / name for run in ("once", "twice"))
        assert once.read_bytes() == twice.read_bytes(), name


def test_the_feature_table_has_the_types_that_pandas_knows(tmp_path: Path) -> None:
    unnamed = entry("b", "k2")
    unnamed.keys["label"] = None
    with writer_of(tmp_path) as writer:
        put(writer, "k1", 0.1 + 0.2)
        put(writer, "k2", float("nan"))
        tables(writer, entry("a", "k1"), unnamed)
    back = pd.read_parquet(tmp_path / "features.parquet")
    assert list(back.columns) == [*KEY_COLUMNS, MASK_VOLUME, FEATURE]
    assert [str(back[name].dtype) for name in ("label", MASK_VOLUME, FEATURE)] == [
        "Int64",
        "float64",
        "float64",
    ]
    assert all(pd.api.types.is_string_dtype(back[name]) for name in KEY_COLUMNS[:4])
    assert list(back["label"].fillna(-1)) == [1, -1]
    assert back[FEATURE][0] == 0.1 + 0.2
    assert back[FEATURE].isna().tolist() == [False, True]


def test_a_row_that_vanished_is_told_and_computed_again(tmp_path: Path) -> None:
    with writer_of(tmp_path) as writer:
        writer.start(MADE_BY, {})
        put(writer, "k", 1.0)
        (tmp_path / "rows" / "k.json").unlink()
        with pytest.raises(RunError, match=r"row is gone.*no k\.json.*the same command again"):
            tables(writer, entry("a", "k"))
        assert writer.rows == set()


def test_the_table_as_text_is_never_older_than_the_table(tmp_path: Path) -> None:
    with writer_of(tmp_path) as writer:
        writer.start(MADE_BY, {})
        put(writer, "k1", 0.1 + 0.2)
        tables(writer, entry("a", "k1"))
        writer.finish(MADE_BY, {}, csv=True)
        told = pd.read_csv(tmp_path / "features.csv", dtype=str)
        assert list(told.columns) == [*KEY_COLUMNS, MASK_VOLUME, FEATURE]
        assert float(told[FEATURE][0]) == 0.1 + 0.2
        kept = (tmp_path / "features.csv").read_bytes()
        assert (writer.set_aside() / "features.csv").read_bytes() == kept
    with writer_of(tmp_path) as writer:
        put(writer, "k2", 2.0)
        tables(writer, entry("a", "k1"), entry("b", "k2"))
        assert not (tmp_path / "features.csv").exists()
        writer.finish(MADE_BY, {})
    assert not (tmp_path / "features.csv").exists()


def test_files_of_failed_cases_are_not_hashed_again(tmp_path: Path) -> None:
    path = tmp_path / "image.nii"
    path.write_bytes(b"no image")
    known = InputFile.of(path)
    with writer_of(tmp_path / "run") as writer:
        writer.start(MADE_BY, {})
        writer.run.rows.put("k", Failure("read", "ImageError", "cannot", "mend", (known,)))
    with writer_of(tmp_path / "run") as writer:
        assert writer.files == {known.path: known}
        assert writer.files[known.path].unchanged()
        writer.write_files()
    assert Run(tmp_path / "run").known_files() == ({known.path: known}, {})


def test_hashes_of_an_earlier_layout_are_forgotten(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = [1, 2, 3, "0" * 64]
    (tmp_path / "files.json").write_text(json.dumps({"files": {"/a": state}, "labels": {}}))
    assert Run(tmp_path).known_files() == ({}, {})
    assert "all files are hashed again" in caplog.text
