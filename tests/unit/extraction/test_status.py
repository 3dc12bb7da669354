"""How far a run is, as its log and its lock tell."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from radpipe.cli import app
from radpipe.errors import RunError
from radpipe.extraction.batch import Options, extract_run, extract_runs
from radpipe.extraction.batch.status import Status, status_of
from radpipe.store import writer_of
from radpipe.store.files import write_json
from tests.conftest import Pair

SMALL = {"featureClass": {"firstorder": ["Mean"]}}
Cohort = Callable[..., Path]


def empty(pair: Pair) -> None:
    pair.change_mask(lambda array: array.fill(0))


def test_a_run_is_running_while_it_runs_and_finished_afterwards(
    make_cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from radpipe.extraction.batch import work

    seen: list[Status] = []
    plain = work.run_job

    def watched(*given: object) -> object:
        seen.append(status_of(tmp_path / "run"))
        return plain(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(work, "run_job", watched)
    extract_run(make_cohort(4, {1: empty}), SMALL, tmp_path / "run")
    assert [(each.state, each.done, each.failed) for each in seen] == [
        ("running", 0, 0),
        ("running", 1, 0),
        ("running", 1, 1),
        ("running", 2, 1),
    ]
    assert {each.cases for each in seen} == {4}
    assert "process " in seen[0].holder
    assert "/s" in seen[-1].pace
    assert "only zeros" in seen[-1].last_failures[0]
    after = status_of(tmp_path / "run")
    assert (after.state, after.cases, after.done, after.failed) == ("finished", 4, 3, 1)
    assert (after.holder, after.pace) == ("", "")


def test_a_run_that_was_stopped_says_how_to_go_on(
    make_cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from radpipe.extraction.batch import work

    plain = work.run_job

    def stop_at_the_third(plan: object, job: object) -> object:
        if job.units[0].place == 2:  # type: ignore[attr-defined]
            raise RunError("the disk is full")
        return plain(plan, job)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(work, "run_job", stop_at_the_third)
        with pytest.raises(RunError, match="full"):
            extract_run(make_cohort(4), SMALL, tmp_path / "run")
    told = CliRunner().invoke(app, ["status", str(tmp_path / "run")]).stdout
    assert ": stopped" in told
    assert "2 of 4 cases have a row, 0 failed" in told
    assert "the same `radpipe extract` command again" in told
    extract_run(tmp_path / "cohort.csv", SMALL, tmp_path / "run")
    again = status_of(tmp_path / "run")
    assert (again.state, again.done) == ("finished", 4)


def test_before_its_first_case_a_command_is_preparing(make_cohort: Cohort, tmp_path: Path) -> None:
    extract_run(make_cohort(2), SMALL, tmp_path / "run")
    with writer_of(tmp_path / "run"):
        told = status_of(tmp_path / "run")
        assert (told.state, told.cases, told.done, told.failed) == ("preparing", 0, 0, 0)
        assert "of 0 cases" not in " ".join(told.in_words())
        assert "preparing by process " in told.in_words()[0]
    assert status_of(tmp_path / "run").state == "finished"
    assert status_of(tmp_path / "run").done == 2


def test_failures_taken_over_are_counted(
    make_cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from radpipe.extraction.batch import work

    extract_run(make_cohort(3, {1: empty}), SMALL, tmp_path / "run")
    make_cohort(4, {1: empty})
    seen: list[Status] = []
    plain = work.run_job

    def watched(*given: object) -> object:
        seen.append(status_of(tmp_path / "run"))
        return plain(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(work, "run_job", watched)
    options = Options(retry="none")
    extract_run(tmp_path / "cohort.csv", SMALL, tmp_path / "run", options=options)
    assert [(each.cases, each.done, each.failed) for each in seen] == [(4, 2, 1)]


def test_a_command_on_another_host_may_be_running(make_cohort: Cohort, tmp_path: Path) -> None:
    """Its lock may not show here: some network file systems keep locks to one host."""
    run = extract_run(make_cohort(1), SMALL, tmp_path / "run")
    holder = {"pid": 7, "host": "node3.elsewhere", "user": "u", "since": "2020-01-01"}
    write_json(run.path / "holder.json", holder)
    told = status_of(run.path)
    assert told.state == "may be running"
    assert "may be running by process 7 on node3.elsewhere" in told.in_words()[0]
    long_ago = time.time() - 3600
    os.utime(run.path / "run.log", (long_ago, long_ago))
    assert status_of(run.path).state == "finished"


def test_the_runs_of_several_parameter_files_are_all_told(
    make_cohort: Cohort, tmp_path: Path
) -> None:
    extract_runs(make_cohort(1), {tmp_path / "out" / name: SMALL for name in "ab"})
    told = CliRunner().invoke(app, ["status", str(tmp_path / "out")]).stdout
    assert f"{tmp_path / 'out' / 'a'}: finished" in told
    assert f"{tmp_path / 'out' / 'b'}: finished" in told


def test_no_run_has_no_status(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no run\.json"):
        status_of(tmp_path)
