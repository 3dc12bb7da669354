from __future__ import annotations

from typing import Any

import pytest

from radpipe.extraction.engines.diagnostics import diagnostics_of
from radpipe.extraction.engines.pyradiomics import Engine
from radpipe.extraction.preprocess.prepare import prepare
from radpipe.extraction.settings import validated
from tests.reference import cases

RESAMPLED = {"resampledPixelSpacing": [2, 2.5, 2], "interpolator": "sitkLinear"}
SETTINGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "normalised": {"normalize": True, "resegmentRange": [-2, 2]},
    "cropped": {"preCrop": True, "binWidth": 10},
    "resampled, resegmented": {
        **RESAMPLED, "resegmentRange": [-1], "resegmentMode": "sigma", "resegmentShape": True,
    },
}  # fmt: skip
OURS, THEIRS = "diagnostics_Versions_radpipe", "diagnostics_Versions_PyRadiomics"


def assert_equal(case: str, setting: dict[str, Any]) -> None:
    content = {
        "featureClass": {"firstorder": ["Mean"]},
        "imageType": {"Original": {"binWidth": 7}},
        "setting": setting,
    }
    settings = validated(content, "test")
    image, mask = cases.CASES[case]()
    wanted = Engine().execute(settings, image, mask, label=1, label_channel=0)
    wanted = {name: value for name, value in wanted.items() if name.startswith("diagnostics_")}
    wanted.pop("diagnostics_pyradiomics_log", None)
    settings = settings.overridden(label=1, label_channel=0)
    found = diagnostics_of(prepare(image, mask, settings.setting), settings)
    assert [THEIRS if name == OURS else name for name in found] == list(wanted)
    del found[OURS], wanted[THEIRS]
    assert found == wanted


@pytest.mark.usefixtures("pyradiomics")
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("case", ["ball", "oblique", "flipped", "touching", "SAMPLE-1"])
def test_settings_and_rois(case: str, setting: str) -> None:
    assert_equal(case, SETTINGS[setting])


@pytest.mark.usefixtures("pyradiomics")
@pytest.mark.parametrize("case", [*cases.LEVELS, "2D", "diagonal", "two labels", "two channels"])
def test_pixel_types_and_unusual_masks(case: str) -> None:
    assert_equal(case, {"minimumROIDimensions": 1})


@pytest.mark.usefixtures("pyradiomics")
def test_corrected_masks() -> None:
    assert_equal("other grid", {"correctMask": True})
    assert_equal("other grid", {"correctMask": True, "preCrop": True})
    assert_equal("other grid", {"correctMask": True, "resegmentRange": [0, 200]})
