"""What is made once for several ROIs must be what each of them would have made by itself."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.cohort import Case
from radpipe.errors import ImageError, LabelNotFoundError
from radpipe.extraction import image_types
from radpipe.extraction.case import load_case, row_of
from radpipe.extraction.filters import wavelet
from radpipe.extraction.preprocess import pair as reading
from radpipe.extraction.preprocess import prepare as preparing
from radpipe.extraction.settings import ExtractionSettings, read_settings
from radpipe.extraction.shared import Scope, Shared
from radpipe.store import Row

# As plain Python the kernels take minutes here, and are compared with PyRadiomics elsewhere.
pytestmark = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="minutes long without compiled kernels"
)
LABELS = (2, 5, 70_000)
CLASSES = dict.fromkeys(["shape", "firstorder", "glcm", "glszm"])
FILTERED: dict[str, Any] = {"Original": {}, "LoG": {"sigma": [1.5]}, "Wavelet": {}}
POINTWISE: dict[str, Any] = {"Square": {}, "SquareRoot": {}, "Logarithm": {}, "Exponential": {}}
FINE = {"resampledPixelSpacing": [1.2, 1.2, 1.5], "padDistance": 4}


def settings_of(image_types: dict[str, Any], **setting: Any) -> ExtractionSettings:
    return read_settings(
        {"imageType": image_types, "featureClass": CLASSES, "setting": {"binWidth": 8, **setting}}
    )


SETTINGS: dict[str, list[ExtractionSettings]] = {
    "like CT": [settings_of(FILTERED, **FINE, binWidth=width) for width in (8, 16)],
    "like MR": [
        settings_of(
            FILTERED, **FINE, normalize=True, normalizeScale=scale, removeOutliers=3,
            binWidth=width, voxelArrayShift=300,
        )
        for scale, width in ((100, 5), (100, 9), (50, 5))
    ],
    "like PET": [
        settings_of(FILTERED, **FINE, interpolator="sitkLinear"),
        settings_of(FILTERED, **FINE, interpolator="sitkLinear", binCount=12),
    ],
    "whole image": [
        settings_of({**FILTERED, **POINTWISE}),
        settings_of({**FILTERED, **POINTWISE, "Gradient": {}}, normalize=True, binWidth=0.3),
    ],
    "cropped, resegmented": [
        settings_of(FILTERED, preCrop=True),
        settings_of(FILTERED, preCrop=True, resegmentRange=[20, 130]),
        settings_of(FILTERED, preCrop=True, resegmentRange=[20, 130], resegmentShape=True),
    ],
    # What an image type overrides reaches its filter, but not the steps before.
    "overridden": [
        settings_of({"LoG": {"sigma": [1.5], "padDistance": 3}}, **FINE, preCrop=crop)
        for crop in (True, False)
    ]
    + [settings_of({"LoG": {"sigma": [1.5], "padDistance": 3}}, preCrop=True, padDistance=pad)
       for pad in (1, 2)],
}  # fmt: skip


@pytest.fixture
def cases(tmp_path: Path) -> list[Case]:
    """Two masks of three labels each, of one image."""
    rng = np.random.default_rng(3)
    z, y, x = np.mgrid[:14, :32, :30]
    image = sitk.GetImageFromArray((rng.normal(60, 30, z.shape) + y).astype(np.float32))
    found = []
    for name, shift in (("a", 0), ("b", 2)):
        labels = np.zeros(z.shape, np.uint32)
        for label, centre in zip(LABELS, ((4, 8, 8), (8, 22, 9), (9, 12, 21)), strict=True):
            distances = (
                ((z - centre[0]) * 2) ** 2 + (y - centre[1] - shift) ** 2 + (x - centre[2]) ** 2
            )
            labels[distances < 36] = label
        mask = sitk.GetImageFromArray(labels)
        for each, path in ((image, "image"), (mask, f"mask_{name}")):
            each.SetSpacing((1.0, 1.5, 2.0))
            sitk.WriteImage(each, str(tmp_path / f"{path}.nrrd"))
        found += [
            Case(f"{name}{label}", "p", tmp_path / "image.nrrd", tmp_path / f"mask_{name}.nrrd",
                 label, 0)
            for label in LABELS
        ]  # fmt: skip
    return found


def rows_of(
    cases: list[Case], wanted: list[ExtractionSettings], engine: str, shared: Shared | None
) -> list[Row]:
    return [
        row_of(load_case(case, settings, shared), settings, engine)
        for case in cases
        for settings in wanted
    ]


def assert_same(found: list[Row], expected: list[Row]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert list(one.features) == list(other.features)
        values = [np.array(list(row.features.values())) for row in (one, other)]
        np.testing.assert_array_equal(*values)
        assert one.diagnostics == other.diagnostics


@pytest.mark.parametrize("name", SETTINGS)
def test_every_bit_is_that_of_separate_extractions(cases: list[Case], name: str) -> None:
    wanted = SETTINGS[name]
    expected = rows_of(cases, wanted, "fast", None)
    assert len({tuple(row.features.values()) for row in expected}) > len(cases)
    assert_same(rows_of(cases, wanted, "fast", Shared(len(cases), len(wanted))), expected)
    for settings in wanted:
        found = rows_of(cases, [settings], "fast", Shared(len(cases), 1))
        assert_same(found, rows_of(cases, [settings], "fast", None))


@pytest.mark.usefixtures("pyradiomics")
def test_pyradiomics_gets_the_same_images(cases: list[Case]) -> None:
    wanted = SETTINGS["like PET"]
    found = rows_of(cases[:2], wanted, "pyradiomics", Shared(2, 2))
    assert_same(found, rows_of(cases[:2], wanted, "pyradiomics", None))


class Calls(Counter[str]):
    """Counts calls of functions, which it leaves as they are."""

    def of(self, monkeypatch: pytest.MonkeyPatch, place: Any, name: str) -> None:
        function = getattr(place, name)

        def counted(*given: Any, **named: Any) -> Any:
            self[name] += 1
            return function(*given, **named)

        monkeypatch.setattr(place, name, counted)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    calls = Calls()
    calls.of(monkeypatch, reading, "read_image")
    calls.of(monkeypatch, reading, "read_mask")
    calls.of(monkeypatch, reading, "extents_of")
    calls.of(monkeypatch, preparing, "normalised")
    calls.of(monkeypatch, preparing, "resampled")
    calls.of(monkeypatch, wavelet, "apply")
    return calls


def test_each_thing_is_made_once(cases: list[Case], calls: Calls) -> None:
    rows_of(cases, SETTINGS["like MR"], "fast", Shared(len(cases), 3))
    # Two scales; and of each ROI two images, one of which is asked for at two widths.
    assert calls == {
        "read_image": 1, "read_mask": 2, "extents_of": 2, "normalised": 2, "resampled": 12,
        "apply": 12,
    }  # fmt: skip


def test_a_large_roi_is_filtered_again(
    cases: list[Case], calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_types, "MOST_KEPT", 10)
    rows_of(cases[:1], SETTINGS["like CT"], "fast", Shared(1, 2))
    assert calls["apply"] == 2


def test_what_belongs_to_another_roi_is_forgotten() -> None:
    made = iter(range(100))

    def next_of(shared: Shared, scope: Scope) -> int:
        return shared.once(scope, "number", lambda: next(made))

    shared = Shared(2, 2)
    first = shared.at("image", "mask", 1)
    assert [next_of(first, scope) for scope in Scope] == [0, 1, 2]
    second = shared.at("image", "mask", 2)
    assert [next_of(second, scope) for scope in Scope] == [0, 1, 3]
    assert [next_of(first, scope) for scope in Scope] == [0, 1, 2]
    other_mask = shared.at("image", "other", 2)
    assert [next_of(other_mask, scope) for scope in Scope] == [0, 4, 5]
    other_image = shared.at("other", "mask", 2)
    assert [next_of(other_image, scope) for scope in Scope] == [6, 7, 8]


@pytest.mark.parametrize(
    ("rois", "settings", "kept"), [(1, 1, "mask"), (2, 1, "image mask"), (1, 2, "image mask roi")]
)
def test_without_repeats_nothing_large_is_kept(rois: int, settings: int, kept: str) -> None:
    shared = Shared(rois, settings).at("image", "mask", 1)
    assert " ".join(scope.value for scope in Scope if shared.keeps(scope)) == kept


def test_an_error_is_each_rois_own(cases: list[Case], calls: Calls) -> None:
    shared, settings = Shared(3, 1), SETTINGS["like CT"][0]
    load_case(cases[0], settings, shared)
    with pytest.raises(LabelNotFoundError, match="labels 2, 5, 70000"):
        load_case(cases[0].with_label(3), settings, shared)
    load_case(cases[1], settings, shared)
    assert calls["read_image"] == calls["read_mask"] == 1


def test_a_broken_image_fails_for_each_roi(
    cases: list[Case], spoilt: Callable[[Path], None]
) -> None:
    spoilt(cases[0].image)
    shared = Shared(2, 1)
    for case in cases[:2]:
        with pytest.raises(ImageError, match="NaN"):
            load_case(case, SETTINGS["like CT"][0], shared)


@pytest.fixture
def spoilt() -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        image = sitk.ReadImage(str(path))
        image[0, 0, 0] = np.nan
        sitk.WriteImage(image, str(path))

    return spoil
