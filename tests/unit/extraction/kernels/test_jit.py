"""Where machine code is kept, in processes of their own: the directory is chosen at import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHOW = "from radpipe.extraction.kernels import jit; print(jit.CACHE_DIRECTORY)"
needs_posix = pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs POSIX permissions")


def chosen(**environment: str) -> Path:
    command = [sys.executable, "-c", SHOW]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | environment
    )
    return Path(ended.stdout.strip())


def test_the_directory_is_the_one_asked_for_and_named_by_the_sources(tmp_path: Path) -> None:
    from radpipe.extraction.kernels.jit import source_hash

    assert chosen(RADPIPE_CACHE_DIR=str(tmp_path)) == tmp_path / f"kernels-{source_hash()}"


def test_the_name_changes_with_any_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from radpipe.extraction.kernels import jit

    for name in ("outer", "inner"):
        (tmp_path / f"{name}.py").write_text("x = 1")
    monkeypatch.setattr(jit, "__file__", str(tmp_path / "jit.py"))
    before = jit.source_hash()
    (tmp_path / "inner.py").write_text("x = 2")
    assert jit.source_hash() != before


def test_where_that_cannot_be_made_a_temporary_one_serves(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    found = chosen(RADPIPE_CACHE_DIR=str(tmp_path / "file"), TMPDIR=str(tmp_path))
    assert found.is_dir()
    assert tmp_path in found.parents


@needs_posix
def test_a_directory_that_others_may_write_to_is_not_trusted(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    found = chosen(RADPIPE_CACHE_DIR=str(shared), TMPDIR=str(tmp_path))
    assert shared not in found.parents
    assert tmp_path in found.parents
