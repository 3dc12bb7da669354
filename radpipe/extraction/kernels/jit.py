"""How kernels are compiled, and where the machine code is kept.

numba keys its own cache by a file's time stamp and never looks into the functions that a kernel
calls: after a change of an inner kernel it served the old one. Here the directory's name holds a
hash of every kernel's source.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import llvmlite.binding
import numba
import platformdirs

log = logging.getLogger("radpipe")
_Function = TypeVar("_Function", bound=Callable[..., Any])


def source_hash() -> str:
    """Hash what decides the machine code.

    Returns
    -------
    str
        16 hexadecimal digits of every kernel's source, the compilers, Python and the processor.
    """
    machine = f"{sys.implementation.cache_tag} {llvmlite.binding.get_host_cpu_name()}"
    compilers = f"{numba.__version__} {llvmlite.__version__}"
    digest = hashlib.sha256(f"{machine} {compilers}".encode())
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _cache_directory() -> Path:
    wanted = os.environ.get("RADPIPE_CACHE_DIR") or platformdirs.user_cache_dir("radpipe")
    name = f"kernels-{source_hash()}"
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    for parent in (Path(wanted), Path(tempfile.gettempdir()) / f"radpipe-{user}"):
        try:
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = parent / name
            folder.mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            log.warning("compiled code cannot be kept in %s: %s", parent, error)
            continue
        if _is_ours(parent):
            return folder
        log.warning("compiled code is not kept in %s, where anybody may write", parent)
    return Path(tempfile.mkdtemp(prefix="radpipe-"))


def _is_ours(folder: Path) -> bool:
    """Tell whether nobody else may put code there that we would run."""
    state = folder.stat()
    return not hasattr(os, "getuid") or (state.st_uid == os.getuid() and not state.st_mode & 0o002)


CACHE_DIRECTORY = _cache_directory()


@contextmanager
def compiling(what: str) -> Iterator[bool]:
    """Say once on a machine that kernels are compiled, and remember that they are.

    Parameters
    ----------
    what : str
        Which kernels.

    Yields
    ------
    bool
        Whether they have to be: the block should then call each of them.
    """
    done = CACHE_DIRECTORY / f"{what}-compiled"
    needed = not numba.config.DISABLE_JIT and not done.exists()
    if needed:
        log.warning(
            "compiling the kernels of %s, once on this machine: half a minute or more …", what
        )
    yield needed
    if needed:
        done.touch()


def kernel(function: _Function) -> _Function:
    """Compile a loop over numpy arrays at its first call: serial, without the GIL, cached.

    Parameters
    ----------
    function : callable
        Numpy in, numpy out; no settings, no input or output.

    Returns
    -------
    callable
        The same, compiled; as it was under ``NUMBA_DISABLE_JIT=1``.
    """
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(CACHE_DIRECTORY)
    try:
        # numba asks for the directory here and not at the first call.
        return cast(_Function, numba.njit(nogil=True, cache=True)(function))
    finally:
        numba.config.CACHE_DIR = before
