"""What a file of weights is: told without torch."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from radpipe.errors import ModelError
from radpipe.networks.formats import format_of

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 57000000\n"
PAGE = b"\n <!DOCTYPE html>\n<html><title>404</title>"


def safetensors(header: dict[str, object]) -> bytes:
    # As its documentation tells: the header's length in eight bytes, then the header.
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PK\x03\x04...", "torch"),
        (b"\x80\x02}q\x00.", "torch"),
        (safetensors({"__metadata__": {}}), "safetensors"),
    ],
)
def test_a_format_is_known_by_its_bytes_whatever_the_name(
    content: bytes, kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights.txt"
    path.write_bytes(content)
    assert format_of(path) == kind


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "an empty file"),
        (b"hello\n", "text: 'hello'"),
        (b"Not Found", "text: 'Not Found'"),
        (POINTER, "a Git-LFS pointer, which stands for the file: 'version https://git-lfs."),
        (PAGE, "a web page: '<!DOCTYPE html> <html><title>404"),
        (b'{"error": "gated"}', 'JSON: \'{"error": "gated"}\''),
        # Its ninth byte is that of safetensors.
        (b'{"data":{"x": 1}}', 'JSON: \'{"data"'),
        (gzip.compress(b"a volume", mtime=0), "a file packed by gzip"),
        (b"\x89PNG\r\n\x1a\n", "bytes of something else: 89 50 4e 47"),
    ],
)
def test_what_a_failed_download_leaves_is_named(content: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read as weights") as caught:
        format_of(path)
    assert (caught.value.found or "").startswith(told)
    assert caught.value.where == str(path)
    assert "fetch the file itself" in (caught.value.remedy or "")


def test_a_file_that_is_missing_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file") as caught:
        format_of(tmp_path / "no" / "such" / "weights.pth")
    assert caught.value.found == f"the nearest folder that exists is {tmp_path}"
    assert caught.value.remedy == "mend the path"


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read as weights"):
        format_of(tmp_path)
