"""Write reference_values.csv.gz: what PyRadiomics 3.0.1 gives for every job of parameters.JOBS.

Run it on Python 3.11, where PyRadiomics is installed, from the project's root:
``python -m tests.reference.make_reference_values``. The engine `pyradiomics` calls it, so that an
integer bin width is handed over as a float. The first lines, after a `#`, tell the versions and the
checksum of all voxels. Each further line is a feature, in PyRadiomics' order: its value, or all
voxels of its map in the order z, y, x. A job that PyRadiomics refuses has one line, whose column is
`raises`.
"""

from __future__ import annotations

import csv
import gzip
import io
import logging
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from radpipe.errors import RadpipeError
from radpipe.extraction.engines import engine_named
from radpipe.extraction.settings import read_settings
from tests.reference.cases import CASES, voxels_sha256
from tests.reference.parameters import JOBS, PARAMETERS

TABLE = Path(__file__).with_name("reference_values.csv.gz")
HEADER = ("case", "parameters", "column", "values")
RAISES = "raises"


def numbers(value: Any) -> np.ndarray:
    """Return a feature's value, or its map, as a flat array."""
    array = sitk.GetArrayFromImage(value) if isinstance(value, sitk.Image) else np.array([value])
    return array.astype(float).ravel()


def lines_of(case: str, parameters: str) -> Iterator[tuple[str, str, str, str]]:
    """Run one job; floats are written so that they read back to the last bit."""
    # PyRadiomics leaves a tolerance in SimpleITK for the jobs that follow.
    sitk.ProcessObject.SetGlobalDefaultCoordinateTolerance(1e-6)
    sitk.ProcessObject.SetGlobalDefaultDirectionTolerance(1e-6)
    content = PARAMETERS[parameters]
    run = engine_named("pyradiomics").execute
    try:
        found = run(read_settings(content), *CASES[case](), voxel_based="voxelSetting" in content)
    except RadpipeError as error:
        yield case, parameters, RAISES, str(error.found)
        return
    for column, value in found.items():
        if not column.startswith("diagnostics_"):
            yield case, parameters, column, " ".join(map(repr, numbers(value).tolist()))


def write(path: Path) -> None:
    text = io.StringIO(newline="")
    versions = {"Python": platform.python_version(), **engine_named("pyradiomics").versions()}
    facts = {**versions, "voxels": voxels_sha256()}
    text.writelines(f"# {name} {fact}\n" for name, fact in facts.items())
    table = csv.writer(text, lineterminator="\n")
    table.writerow(HEADER)
    for case, parameters in JOBS:
        sys.stderr.write(f"{parameters}: {case}\n")
        table.writerows(lines_of(case, parameters))
    # Without a time, the same values give the same file.
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else TABLE)
