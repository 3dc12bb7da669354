import pickle

from radpipe.errors import GeometryMismatchError, RadpipeError


def test_a_message_says_what_where_found_expected_remedy() -> None:
    error = RadpipeError("broken", where="case A", found=1, expected=2, remedy="mend it")
    assert str(error) == "case A: broken; found: 1; expected: 2; remedy: mend it"


def test_errors_travel_between_processes() -> None:
    error = GeometryMismatchError("no", where="here", found="a", expected="b", remedy="c")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is GeometryMismatchError
    assert vars(back) == vars(error)
