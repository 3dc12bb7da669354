"""The engine ``fast``, and on command what kills batches. Voxels far from the ROI command.

Voxel (0, 0, 0) of the image holds the number of a fault, voxel (0, 0, 1) that of the case, under
which each call is noted down. Environment variables:

- ``FAULTY_CALLS``: the file that gets a line ``case pid`` a call,
- ``FAULTY_TIMES``: a file that gets a line ``start end`` a call, in seconds,
- ``FAULTY_OFF``: the faults are mended,
- ``FAULTY_PAUSE``: seconds that every call takes besides,
- ``FAULTY_VANISHES``: a file that is removed at the first call,
- ``FAULTY_FOLDER``: where the images are, and where a fault notes that it happened once.
"""

import ctypes
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import SimpleITK as sitk

from radpipe.extraction.engines import fast

GROWTH_BYTES = 200_000_000
GROWTH_EVERY_SECONDS = 0.1


class Engine:
    name = "faulty"
    values_version = fast.Engine.values_version

    def __init__(self, threads: int = 1) -> None:
        self._engine = fast.Engine(threads)

    def check(self, settings: Any) -> None:
        self._engine.check(settings)

    def versions(self) -> Mapping[str, str]:
        return self._engine.versions()

    def execute(self, settings: Any, image: sitk.Image, *more: Any, **named: Any) -> dict[str, Any]:
        number = round(image[1, 0, 0])
        append(os.environ["FAULTY_CALLS"], f"{number} {os.getpid()}")
        if vanishing := os.environ.get("FAULTY_VANISHES"):
            Path(vanishing).unlink(missing_ok=True)
        time.sleep(float(os.environ.get("FAULTY_PAUSE", "0")))
        started = time.time()
        found: dict[str, Any] = self._engine.execute(settings, image, *more, **named)
        if times := os.environ.get("FAULTY_TIMES"):
            append(times, f"{started} {time.time()}")
        fault = round(image[0, 0, 0])
        if fault and not os.environ.get("FAULTY_OFF"):
            list(FAULTS.values())[fault - 1](number)
        return found


def append(path: str, line: str) -> None:
    # One write to a file opened for appending: processes do not cut each other's lines.
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{line}\n".encode())
    os.close(file)


def raise_error(number: int) -> NoReturn:
    raise ValueError("poison in case <b>")


def segfault(number: int) -> None:
    ctypes.string_at(0)


def leave(number: int) -> None:
    os._exit(3)


def kill(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_once(number: int) -> None:
    happened = Path(os.environ["FAULTY_FOLDER"]) / f"happened-{number}"
    if not happened.exists():
        happened.touch()
        kill(number)


def grow(number: int) -> None:
    kept = []
    while True:
        # Zeros alone would be pages that are promised and never there.
        kept.append(bytearray(b"x") * GROWTH_BYTES)
        time.sleep(GROWTH_EVERY_SECONDS)


def loop_in_python(number: int) -> None:
    while True:
        pass


def loop_in_c(number: int) -> None:
    # PyDLL keeps the GIL: no signal handler, no other thread of this process runs from now on.
    ctypes.PyDLL(None).sleep(10**6)


def rewrite_image(number: int) -> None:
    path = str(Path(os.environ["FAULTY_FOLDER"]) / f"p{number}_image.nii.gz")
    image = sitk.ReadImage(path)
    # The commands, in the first slice, stay.
    image[:, :, 4:] = image[:, :, 4:] * 1.5
    sitk.WriteImage(image, path)


FAULTS = {
    "raise": raise_error,
    "segfault": segfault,
    "exit": leave,
    "kill": kill,
    "kill once": kill_once,
    "grow": grow,
    "loop": loop_in_python,
    "loop in C": loop_in_c,
    "rewrite": rewrite_image,
}
