"""IBSI codes of features against the published list, where it is at hand."""

from pathlib import Path

import pandas as pd
import pytest

from radpipe.extraction.features import FEATURE_CLASSES

VALUES = Path(__file__).parents[5] / "shared" / "reference" / "ibsi1_reference_values.csv"
# The list has it as P6QZ1; codes have four characters.
SLIP = "P6QZ"
FAMILIES = {
    "firstorder": {"Statistics", "IH", "IS"}, "shape": {"Morphology (3D)"}, "glcm": {"CM"},
    "glrlm": {"RLM"}, "glszm": {"SZM"}, "gldm": {"NGLDM"}, "ngtdm": {"NGTDM"},
}  # fmt: skip
CODES = {
    (name, feature.name): feature.ibsi
    for name, each in FEATURE_CLASSES.items()
    for feature in each.features.values()
    if feature.ibsi
}


def test_no_two_features_of_a_class_share_a_code() -> None:
    assert len(CODES) > 90
    assert len({(name, code) for (name, _), code in CODES.items()}) == len(CODES)


def test_codes_are_published_and_of_that_family() -> None:
    if not VALUES.is_file():
        pytest.skip("needs ../shared/reference, which is absent")
    table = pd.read_csv(VALUES)
    published = dict(zip(table["ibsi_code"], table["feature"], strict=True))
    for (name, feature), code in CODES.items():
        if code != SLIP and name in FAMILIES:
            family, _, told = published[code].partition(" - ")
            assert family in FAMILIES[name], (name, feature, told)
