"""`python -m radpipe` is `radpipe`."""

import subprocess
import sys

from radpipe.version import VERSION


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def test_the_package_runs_as_a_module() -> None:
    assert python("-m", "radpipe", "--version").stdout == f"{VERSION}\n"
    ended = python("-m", "radpipe", "status", "no-such-run")
    assert ended.returncode == 2
    assert ended.stderr.startswith("radpipe: RunError: no-such-run")


def test_the_module_imports_nothing_heavy_and_starts_nothing() -> None:
    code = "import sys, radpipe.__main__"
    code += "; print(sorted({'numpy', 'pandas', 'SimpleITK'} & {*sys.modules}))"
    assert python("-c", code).stdout.strip() == "[]"
