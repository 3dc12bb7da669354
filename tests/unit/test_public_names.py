import resource
import subprocess
import sys

import pytest

import radpipe
import radpipe.errors

HEAVY = ("pandas", "SimpleITK", "distributed", "pydantic", "matplotlib", "xgboost", "radiomics")


@pytest.mark.parametrize("name", radpipe.__all__)
def test_every_public_name_loads(name: str) -> None:
    pytest.importorskip("sklearn")
    assert callable(getattr(radpipe, name))


def test_every_error_is_one_that_the_package_exports() -> None:
    found = [each for each in vars(radpipe.errors).values() if isinstance(each, type)]
    errors = [each for each in found if issubclass(each, Exception)]
    assert len(errors) > 1
    assert all(issubclass(each, radpipe.RadpipeError) for each in errors)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="exctract"):
        radpipe.exctract  # noqa: B018


def test_import_and_help_load_nothing_heavy() -> None:
    code = f"import sys, radpipe, radpipe.cli; print([m for m in {HEAVY} if m in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert found.strip() == "[]"


def test_help_is_quick() -> None:
    command = [sys.executable, "-c", "from radpipe.cli import main; main()", "--help"]
    subprocess.run(command, check=True, capture_output=True)
    seconds = []
    for _ in range(5):
        # Processor time: what else the machine does must not fail this.
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < 0.5
