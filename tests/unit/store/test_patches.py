"""Patches on disk: read whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radpipe.errors import RunError
from radpipe.store import Provenance, Run, write_table
from radpipe.store.patches import PatchFolder, StoredPatch, read_patch


@pytest.fixture
def patch() -> StoredPatch:
    values = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32)
    return StoredPatch(values, values > 0)


@pytest.fixture
def folder(tmp_path: Path, patch: StoredPatch) -> PatchFolder:
    folder = Run(tmp_path).patches
    folder.put("key", patch)
    return folder


def test_a_patch_is_read_as_it_was_kept(folder: PatchFolder, patch: StoredPatch) -> None:
    found = folder.get("key")
    np.testing.assert_array_equal(found.intensities, patch.intensities)
    np.testing.assert_array_equal(found.roi, patch.roi)
    assert (found.intensities.dtype, found.roi.dtype) == (np.float32, np.bool_)
    assert folder.has("key")
    assert not folder.has("other")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_no_byte_that_is_another_changes_a_patch_unnoticed(
    folder: PatchFolder, patch: StoredPatch, save: Callable[..., None]
) -> None:
    path = folder.path_of("key")
    save(path, intensities=patch.intensities, roi=patch.roi)
    whole = path.read_bytes()
    refused = 0
    for place in range(len(whole)):
        path.write_bytes(
            whole[:place] + bytes([whole[place] ^ (1 + place % 255)]) + whole[place + 1 :]
        )
        if folder.has("key"):
            np.testing.assert_array_equal(folder.get("key").intensities, patch.intensities)
            np.testing.assert_array_equal(folder.get("key").roi, patch.roi)
        else:
            refused += 1
            with pytest.raises(RunError, match="cannot be read"):
                folder.get("key")
    # Dates and rights of the archive's members are nothing to a patch.
    assert refused > 0.7 * len(whole)


def test_a_patch_that_is_cut_short_is_not_there(folder: PatchFolder) -> None:
    path = folder.path_of("key")
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert not folder.has("key")


@pytest.mark.parametrize("content", [None, b"garbage"])
def test_the_error_names_the_case_and_what_mends_it(
    folder: PatchFolder, content: bytes | None
) -> None:
    run, path = Run(folder.path.parent), folder.path_of("key")
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(RunError) as nameless:
        read_patch(path)
    assert nameless.value.where == str(path)
    told = pd.DataFrame({"case_id": ["p0", "p1"], "row_key": ["other", "key"]})
    write_table(run.diagnostics_path, told, Provenance("patches", "1"))
    with pytest.raises(RunError) as error:
        read_patch(path)
    assert error.value.where == f"case p1, {path}"
    assert "the same `radpipe embed` command" in str(error.value.remedy)
    assert "--fresh" not in str(error.value)
    run.diagnostics_path.write_bytes(b"no table")
    with pytest.raises(RunError, match="a patch cannot be read"):
        read_patch(path)
