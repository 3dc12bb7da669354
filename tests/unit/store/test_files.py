import os
from pathlib import Path

import pandas as pd
import pytest

from radpipe.errors import RunError, TableError
from radpipe.store import Provenance, Run, read_table, write_table, writer_of
from radpipe.store.files import read_json, whole_file, write_json
from radpipe.store.table import column_names, read_columns, read_provenance


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(ValueError, match="half"), whole_file(path) as part:
        part.write_text("hal")
        raise ValueError("half")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_two_who_write_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with whole_file(path) as first:
        first.write_text("first")
        with whole_file(path) as second:
            assert second != first
            second.write_text("second")
        assert path.read_text() == "second"
    assert path.read_text() == "first"


def test_the_disk_has_the_new_name_as_well_as_the_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    write_json(tmp_path / "a.json", 1)
    assert synced == [(tmp_path / "a.json").stat().st_ino, tmp_path.stat().st_ino]


def test_json_keeps_every_bit_of_a_float(tmp_path: Path) -> None:
    values = [0.1 + 0.2, 1e-308, 2**0.5, 5e-324]
    write_json(tmp_path / "a.json", values)
    assert read_json(tmp_path / "a.json") == values


def test_a_table_carries_what_made_it(tmp_path: Path) -> None:
    frame = pd.DataFrame({"case_id": ["a"], "original_firstorder_Mean": [0.1 + 0.2]})
    made_by = Provenance("pyradiomics", "3.0.1", {"setting": {"binWidth": 25}})
    write_table(tmp_path / "t.parquet", frame, made_by)
    back, provenance = read_table(tmp_path / "t.parquet")
    assert provenance == made_by == read_provenance(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(back, frame)


def test_a_newer_layout_and_no_table_are_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", pd.DataFrame({"a": [1]}), Provenance("e", "v", {}, 99))
    with pytest.raises(TableError, match="newer radpipe"):
        read_table(tmp_path / "t.parquet")
    (tmp_path / "n.parquet").write_text("no table")
    with pytest.raises(TableError, match="newer radpipe"):
        read_provenance(tmp_path / "t.parquet")
    for read in (read_table, read_provenance, column_names):
        with pytest.raises(TableError, match="cannot read"):
            read(tmp_path / "n.parquet")
    with pytest.raises(TableError, match=r"cannot read the table.*missing"):
        list(read_columns(tmp_path / "t.parquet", ["a", "missing"]))


def test_a_directory_that_is_no_run_and_an_unfinished_run_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such directory"):
        Run(tmp_path / "run").features()
    with pytest.raises(RunError, match=r"no run\.json"):
        Run(tmp_path).features()
    with writer_of(tmp_path / "run") as writer:
        writer.start(Provenance("e", "v"), {})
    with pytest.raises(RunError, match=r"not finished.*the same `radpipe extract` command"):
        Run(tmp_path / "run").features()
