import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from radpipe.errors import SettingsError, WorkerDiedError
from radpipe.parallel import as_done, in_order, in_threads


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


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_keep_the_order_and_ask_for_few_items(threads: int) -> None:
    given: list[int] = []

    def numbers() -> Iterator[int]:
        for number in (2, 0, 1, 5, 4, 7, 6):
            given.append(number)
            yield number

    taken = []
    for result in in_threads(square, numbers(), threads):
        taken.append(result)
        assert len(given) - len(taken) <= threads
    assert taken == [4, 0, 1, 25, 16, 49, 36]


@pytest.mark.parametrize("threads", [1, 3])
def test_the_first_error_in_a_thread_is_raised(threads: int) -> None:
    with pytest.raises(ValueError, match="three"):
        list(in_threads(square, [2, 3, 4], threads))


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
