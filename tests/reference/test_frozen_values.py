"""The engine `fast` against PyRadiomics' values, also where PyRadiomics cannot be installed."""

import csv
import gzip
from collections import defaultdict
from functools import cache
from typing import Any

import numpy as np
import pytest

from radpipe.errors import ExtractionError, ImageError
from radpipe.extraction.engines import planned_columns
from radpipe.extraction.extractor import FeatureExtractor
from radpipe.extraction.settings import read_settings
from tests.reference.cases import CASES, voxels_sha256
from tests.reference.make_reference_values import RAISES, TABLE, numbers
from tests.reference.parameters import JOBS, PARAMETERS

RELATIVE, ABSOLUTE = 1e-6, 1e-9


@cache
def frozen() -> dict[tuple[str, str], dict[str, str]]:
    """Return column to values of each job."""
    table: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    with gzip.open(TABLE, "rt", encoding="utf-8", newline="") as file:
        for line in csv.DictReader(line for line in file if not line.startswith("#")):
            table[line["case"], line["parameters"]][line["column"]] = line["values"]
    return table


def found_by(engine: str, case: str, parameters: str) -> dict[str, Any]:
    content = PARAMETERS[parameters]
    extractor = FeatureExtractor(content, engine=engine)
    found = extractor.execute(*CASES[case](), voxelBased="voxelSetting" in content)
    return {name: value for name, value in found.items() if not name.startswith("diagnostics_")}


def group(column: str) -> str:
    """Return what PyRadiomics drops as a whole, such as ``log-sigma-9-mm-3D_glcm``."""
    return column.rpartition("_")[0]


def assert_equal(found: dict[str, Any], expected: dict[str, str], planned: list[str]) -> None:
    assert [name for name in found if name in expected] == list(expected)
    dropped = set(planned) - {name for name in planned if group(name) in map(group, expected)}
    for name in found.keys() - expected.keys():
        assert name in dropped, f"{name} is no column of PyRadiomics"
        assert np.isnan(numbers(found[name])).all(), f"{name}: PyRadiomics gives none"
    for name, text in expected.items():
        wanted = np.array(text.split(), float)
        np.testing.assert_allclose(
            numbers(found[name]), wanted, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True, err_msg=name
        )


def test_the_cases_are_those_of_the_table() -> None:
    with gzip.open(TABLE, "rt", encoding="utf-8") as file:
        assert f"# voxels {voxels_sha256()}\n" in list(file)[:20]


def test_the_table_holds_every_job() -> None:
    assert set(frozen()) == set(JOBS)


def test_together_the_parameters_set_every_key() -> None:
    settings = [read_settings(content) for content in PARAMETERS.values()]
    for section in ("setting", "voxelSetting"):
        named = {name for each in settings for name in getattr(each, section).model_fields_set}
        if section == "setting":
            types = [own for each in settings for own in each.imageType.values()]
            named |= {name for own in types for name in own.model_fields_set}
        assert named == set(type(getattr(settings[0], section)).model_fields)


@pytest.mark.parametrize(("case", "parameters"), JOBS)
def test_fast_equals_pyradiomics(case: str, parameters: str) -> None:
    expected = frozen()[case, parameters]
    if RAISES in expected:
        with pytest.raises((ImageError, ExtractionError)):
            found_by("fast", case, parameters)
        return
    planned = planned_columns(read_settings(PARAMETERS[parameters]))
    assert_equal(found_by("fast", case, parameters), expected, planned)
