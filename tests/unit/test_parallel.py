import os
import signal
from pathlib import Path

import pytest

from radpipe.errors import SettingsError, WorkerDiedError
from radpipe.parallel import as_done, in_order


def square(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number**2


def die(number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_once(flag: Path) -> str:
    if not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


@pytest.mark.parametrize("workers", [0, 2])
def test_every_outcome_comes_back_with_its_place(workers: int) -> None:
    outcomes = dict(as_done(square, range(5), workers))
    assert {place: value for place, value in outcomes.items() if place != 3} == {
        0: 0, 1: 1, 2: 4, 4: 16,
    }  # fmt: skip
    assert isinstance(outcomes[3], ValueError)


def test_in_order_keeps_the_order_and_raises() -> None:
    assert in_order(square, [2, 0, 1], 0) == [4, 0, 1]
    with pytest.raises(ValueError, match="three"):
        in_order(square, [2, 3], 0)


def test_an_item_that_kills_its_worker_costs_only_itself() -> None:
    outcomes = dict(as_done(die, range(4), 2))
    assert isinstance(outcomes.pop(1), WorkerDiedError)
    assert outcomes == {0: 0, 2: 2, 3: 3}


def test_an_item_whose_worker_was_killed_is_tried_again(tmp_path: Path) -> None:
    assert in_order(die_once, [tmp_path / "flag"], 1) == ["done"]


def test_negative_workers_are_refused() -> None:
    with pytest.raises(SettingsError, match="negative"):
        list(as_done(square, [1], -1))
