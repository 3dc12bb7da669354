"""How far embeddings are, as `radpipe status` tells it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch", reason="needs torch: pip install 'radpipe[cnn]'")
pytest.importorskip("monai", reason="needs MONAI: pip install 'radpipe[cnn]'")

from radpipe.cli import app  # noqa: E402
from radpipe.errors import RunError  # noqa: E402
from radpipe.extraction.batch import extract_run, work  # noqa: E402
from radpipe.extraction.embedding import Order, embed_run  # noqa: E402
from radpipe.networks import course  # noqa: E402
from radpipe.store import Run  # noqa: E402
from radpipe.store.files import write_json  # noqa: E402
from tests.conftest import Pair  # noqa: E402
from tests.unit.extraction.embedding.tiny import Means, register, write_weights  # noqa: E402

Cohort = Callable[..., Path]
SMALL = {"featureClass": {"firstorder": ["Mean"]}}
GO_ON = "give the same `radpipe embed` command again: it does what is missing"


def status(run: Path) -> list[str]:
    told = CliRunner().invoke(app, ["status", str(run)])
    assert told.exit_code == 0, told.exception
    return told.stdout.splitlines()


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Order:
    register(monkeypatch)
    return Order("tiny", write_weights(tmp_path / "tiny.pth"))


def empty(pair: Pair) -> None:
    pair.change_mask(lambda array: array.fill(0))


def test_a_training_tells_its_epoch_while_it_runs_stopped_and_done(
    make_cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, run = make_cohort(8), tmp_path / "RUN"
    order = Order("radpipe-small", epochs=3, spacing_mm=(4.0, 4.0, 4.0))
    save, seen = course.save_checkpoint, []

    def stopping(*more: object) -> None:
        save(*more)
        seen.append(status(run))
        if len(seen) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(course, "save_checkpoint", stopping)
    with pytest.raises(KeyboardInterrupt):
        embed_run(manifest, order, run)
    assert seen[0][0].startswith(f"{run}, embeddings: running by process ")
    assert seen[0][1:] == [
        "patches: 8 of 8, 0 failed",
        "encoder: training, epoch 1 of 3",
        "embeddings: none yet",
    ]
    assert status(run) == [
        f"{run}, embeddings: stopped",
        "patches: 8 of 8, 0 failed",
        "encoder: training stopped, epoch 2 of 3",
        "embeddings: none yet",
        GO_ON,
    ]
    embed_run(manifest, order, run)
    finished = [
        f"{run}, embeddings: finished",
        "patches: 8 of 8, 0 failed",
        "encoder: fitted to these cases",
        "embeddings: 8 of 8",
    ]
    assert status(run) == finished
    # With a case more, the encoder is another's.
    with monkeypatch.context() as patched:
        patched.setattr(course, "save_checkpoint", lambda *_: stop())
        with pytest.raises(KeyboardInterrupt):
            embed_run(make_cohort(9), order, run)
    assert status(run)[1:] == [
        "patches: 9 of 9, 0 failed",
        "encoder: fitted to other cases than these",
        "embeddings: none yet",
        GO_ON,
    ]


def stop() -> None:
    raise KeyboardInterrupt


def test_embeddings_of_given_weights_are_counted(
    make_cohort: Cohort, tmp_path: Path, tiny: Order
) -> None:
    manifest, run = make_cohort(6, {1: empty}), tmp_path / "RUN"
    Means.stops_at = 3
    with pytest.raises(KeyboardInterrupt):
        embed_run(manifest, tiny, run)
    kept = len(list(Run(run).vectors_path.rglob("*.npy")))
    assert kept > 0
    *told, failed = status(run)
    assert told == [
        f"{run}, embeddings: stopped",
        "patches: 5 of 6, 1 failed",
        "encoder: given",
        f"embeddings: {kept} of 5",
        GO_ON,
    ]
    assert failed.startswith("failed: case p1")
    Means.stops_at = 10**9
    embed_run(manifest, tiny, run)
    assert status(run)[0] == f"{run}, embeddings: finished"
    assert status(run)[2:4] == ["encoder: given", "embeddings: 5 of 5"]
    (run / "embeddings.parquet").unlink()
    assert status(run)[2:] == ["encoder: none yet", "embeddings: none yet", GO_ON, failed]


def test_a_case_without_numbers_is_no_missing_one(
    make_cohort: Cohort, tmp_path: Path, tiny: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Means.forward

    def failing_once(network: Means, x: torch.Tensor) -> torch.Tensor:
        found = plain(network, x)
        return found if Means.calls == 1 else found * float("nan")

    monkeypatch.setattr(Means, "forward", failing_once)
    embed_run(make_cohort(2), tiny, tmp_path / "RUN")
    first, *_, last = status(tmp_path / "RUN")
    assert first.endswith("embeddings: finished")
    assert last == "embeddings: 1 of 2, 1 left out for NaN or infinity"


def test_a_command_on_another_host_may_be_running(
    make_cohort: Cohort, tmp_path: Path, tiny: Order
) -> None:
    run = tmp_path / "RUN"
    Means.stops_at = 0
    with pytest.raises(KeyboardInterrupt):
        embed_run(make_cohort(2), tiny, run)
    holder = {"pid": 7, "host": "node3.elsewhere", "user": "u", "since": "2020-01-01"}
    write_json(run / "holder.json", holder)
    assert "embeddings: may be running by process 7 on node3" in status(run)[0]
    long_ago = time.time() - 3600
    os.utime(Run(run).patch_run.log.path, (long_ago, long_ago))
    assert status(run)[0] == f"{run}, embeddings: stopped"


def test_patches_that_are_not_all_cut_are_told(
    make_cohort: Cohort, tmp_path: Path, tiny: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, plain = tmp_path / "RUN", work.run_job

    def stop_at_the_third(plan: object, job: object) -> object:
        if job.units[0].place == 2:  # type: ignore[attr-defined]
            assert status(run)[0].startswith(f"{run}, embeddings: running by process ")
            raise RunError("the disk is full")
        return plain(plan, job)  # type: ignore[arg-type]

    monkeypatch.setattr(work, "run_job", stop_at_the_third)
    with pytest.raises(RunError, match="full"):
        embed_run(make_cohort(4), tiny, run)
    assert status(run) == [
        f"{run}, embeddings: stopped",
        "patches: 2 of 4, 0 failed",
        "encoder: none yet",
        "embeddings: none yet",
        GO_ON,
    ]


def test_features_and_embeddings_of_one_run_are_told_apart(
    make_cohort: Cohort, tmp_path: Path, tiny: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, run = make_cohort(3), tmp_path / "RUN"
    extract_run(manifest, SMALL, run)
    features = [f"{run}: finished", "3 of 3 cases have a row, 0 failed"]
    assert status(run) == features
    plain, seen = Means.forward, []

    def watched(network: Means, x: torch.Tensor) -> torch.Tensor:
        seen.append(status(run))
        return plain(network, x)

    with monkeypatch.context() as patched:
        patched.setattr(Means, "forward", watched)
        embed_run(manifest, tiny, run)
    assert seen[0][:2] == features
    assert seen[0][2].startswith(f"{run}, embeddings: running by process ")
    assert status(run)[:2] == features
    assert status(run)[2:] == [
        f"{run}, embeddings: finished",
        "patches: 3 of 3, 0 failed",
        "encoder: given",
        "embeddings: 3 of 3",
    ]
    # Features that are made again leave the embeddings what they are.
    shutil.rmtree(Run(run).vectors_path, ignore_errors=True)
    (run / "embeddings.parquet").unlink()
    job = work.run_job

    def seen_at_work(*given: object) -> object:
        seen.append(status(run))
        return job(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(work, "run_job", seen_at_work)
    extract_run(manifest, {"featureClass": {"firstorder": ["Energy"]}}, run)
    assert seen[-1][0].startswith(f"{run}: running by process ")
    assert f"{run}, embeddings: stopped" in seen[-1]
