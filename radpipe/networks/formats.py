"""What a file of weights is, told by its first bytes: nothing here imports torch."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from pathlib import Path

from radpipe.errors import ModelError
from radpipe.store.files import nearest_folder

TORCH, SAFETENSORS = "torch", "safetensors"
EXPECTED = "a whole file of torch or of safetensors"
# That of safetensors' own reader.
_LONGEST_HEADER = 100_000_000
_READ, _SHOWN = 200, 60
_PACKED = {b"\x1f\x8b": "a file packed by gzip", b"PK": "a zip archive of other files"}
_TEXTS = {
    b"version https://git-lfs": "a Git-LFS pointer, which stands for the file",
    b"<": "a web page",
    b"{": "JSON",
    b"[": "JSON",
}


def format_of(path: Path) -> str:
    """Tell whose format a file of weights is in, whatever it is called.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        ``torch`` or ``safetensors``; whether the rest of it can be read is another question.

    Raises
    ------
    ModelError
        It is missing, or something else: what a download that failed leaves is named.
    """
    start = _start(path)
    if start.startswith(b"\x80") or (start.startswith(b"PK\x03\x04") and not _is_archive(path)):
        return TORCH
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= _LONGEST_HEADER:
        return SAFETENSORS
    raise ModelError(
        "the file cannot be read as weights",
        where=str(path),
        found=_named(start),
        expected=EXPECTED,
        remedy="fetch the file itself, or unpack what holds it",
    )


def _is_archive(path: Path) -> bool:
    """Tell whether a zip that is whole holds other files than torch's."""
    with suppress(zipfile.BadZipFile, OSError), zipfile.ZipFile(path) as archive:
        return not any(name.endswith("data.pkl") for name in archive.namelist())
    return False


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_READ)
    except FileNotFoundError as error:
        raise ModelError(
            "no such file",
            where=str(path),
            found=nearest_folder(path),
            expected="a file of weights, or a directory that radpipe saved",
            remedy="mend the path",
        ) from error
    except OSError as error:
        raise ModelError(
            "the file cannot be read as weights",
            where=str(path),
            found=error.strerror,
            expected="a file that may be read",
            remedy="mend the path, or the file's permissions",
        ) from error


def _named(start: bytes) -> str:
    if not start:
        return "an empty file"
    packed = next((kind for sign, kind in _PACKED.items() if start.startswith(sign)), None)
    if packed is not None:
        return packed
    if any(byte < 32 and byte not in b"\t\r\n" for byte in start):
        return f"bytes of something else: {start[:8].hex(' ')}"
    bare = start.lstrip()
    kind = next((kind for sign, kind in _TEXTS.items() if bare.startswith(sign)), "text")
    return f"{kind}: {' '.join(start.decode('utf-8', 'replace').split())[:_SHOWN]!r}"
