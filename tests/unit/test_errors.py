import pickle

import pytest

from radpipe.errors import GeometryMismatchError, RadpipeError
from radpipe.parallel import Pool


def test_a_message_says_what_where_found_expected_remedy() -> None:
    error = RadpipeError("broken", where="case A", found=1, expected=2, remedy="mend it")
    assert str(error) == "case A: broken; found: 1; expected: 2; remedy: mend it"


def test_errors_travel_between_processes() -> None:
    error = GeometryMismatchError("no", where="here", found="a", expected="b", remedy="c")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is GeometryMismatchError
    assert vars(back) == vars(error)


def test_an_interrupt_behind_an_error_of_compiled_code_is_raised() -> None:
    def kernel(item: int) -> int:
        raise SystemError("returned a result with an exception set") from KeyboardInterrupt()

    with pytest.raises(KeyboardInterrupt):
        list(Pool(0).as_done(kernel, [1]))


def test_other_errors_stay_what_they_are() -> None:
    def broken(item: int) -> int:
        raise ValueError("broken") from KeyError("cause")

    ((_, outcome),) = Pool(0).as_done(broken, [1])
    assert isinstance(outcome, ValueError)
