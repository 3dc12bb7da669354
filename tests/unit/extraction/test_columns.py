"""Planned columns against what PyRadiomics gives."""

from typing import Any

import pytest

from radpipe.extraction.engines import engine_named, planned_columns
from radpipe.extraction.engines.base import ENGINES
from radpipe.extraction.settings import read_settings
from tests.conftest import Pair

FIRSTORDER = {"firstorder": ["Mean", "Energy"], "shape": None}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "content",
    [
        None,
        {"featureClass": FIRSTORDER, "imageType": {"LoG": {"sigma": [1, 1.0, 2.5]}}},
        {"featureClass": FIRSTORDER, "imageType": {"Wavelet": {"level": 2, "start_level": 1}}},
        {"featureClass": FIRSTORDER, "imageType": {"Wavelet": {}}, "setting": {"force2D": True}},
        {"featureClass": FIRSTORDER, "imageType": {"LBP2D": {}, "LBP3D": {"lbp3DLevels": 3}}},
        {
            "featureClass": {
                "firstorder": ["StandardDeviation", "Mean"],
                "shape": ["Compactness1"],
            },
            "imageType": {
                name: {}
                for name in ("Square", "SquareRoot", "Logarithm", "Exponential", "Gradient")
            },
        },
    ],
)
def test_planned_columns_are_pyradiomics_own_in_its_order(
    pyradiomics: None, pair: Pair, content: dict[str, Any] | None, engine: str
) -> None:
    settings = read_settings(content)
    found = engine_named(engine).execute(settings, pair.image, pair.mask)
    features = [name for name in found if not name.startswith("diagnostics_")]
    assert planned_columns(settings) == features


def test_a_column_is_planned_where_pyradiomics_drops_it(pyradiomics: None, pair: Pair) -> None:
    settings = read_settings({"featureClass": FIRSTORDER, "imageType": {"LoG": {"sigma": [60.0]}}})
    found = engine_named("pyradiomics").execute(settings, pair.image, pair.mask)
    dropped = set(planned_columns(settings)) - set(found)
    assert dropped == {f"log-sigma-60-0-mm-3D_firstorder_{name}" for name in ("Mean", "Energy")}
    assert "sigma(60)" in found["diagnostics_pyradiomics_log"]
    ours = engine_named("fast").execute(settings, pair.image, pair.mask)
    assert set(ours["diagnostics_Undefined"]) == dropped
