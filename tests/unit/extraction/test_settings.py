import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from radpipe.errors import SettingsError
from radpipe.extraction.features import FEATURE_CLASSES
from radpipe.extraction.filters import FILTERS
from radpipe.extraction.settings import Setting, VoxelSetting, read_settings

PARAMS = Path(__file__).resolve().parents[3] / "params"


@pytest.mark.parametrize("name", ["ct", "mr", "pet"])
def test_shipped_files_load_by_name_and_by_path(name: str) -> None:
    assert read_settings(name) == read_settings(PARAMS / f"{name}.yaml")


def test_numbers_keep_the_files_type() -> None:
    written = read_settings({"imageType": {"LoG": {"sigma": [1, 1.0]}}}).as_written()
    assert [type(sigma) for sigma in written["imageType"]["LoG"]["sigma"]] == [int, float]


def test_yaml_is_read_as_yaml_1_2(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("setting:\n  geometryTolerance: 1e-3\n")
    assert read_settings(path).setting.geometryTolerance == 1e-3


def test_json_is_a_parameter_file_too(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"setting": {"binCount": 32}}))
    assert read_settings(path).setting.binCount == 32


def test_defaults_leave_shape2d_out_but_a_file_without_classes_does_not() -> None:
    assert "shape2D" not in read_settings(None).featureClass
    assert "shape2D" in read_settings({}).featureClass


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"imageType": {"LoG": {"sgima": [1]}}}, ["imageType.LoG.sgima", "'sigma'"]),
        ({"imagetype": {}}, ["imagetype", "'imageType'"]),
        ({"setting": {"binwidth": 1}}, ["setting.binwidth", "'binWidth'"]),
        ({"setting": {"binWidth": "wide"}}, ["setting.binWidth", "'wide'"]),
        ({"setting": {"binWidth": True}}, ["setting.binWidth", "True"]),
        ({"setting": {"binWidth": -1}}, ["setting.binWidth", "greater than 0"]),
        ({"setting": {"binWidth": None}}, ["setting.binWidth", "None"]),
        ({"setting": {"force2D": 1}}, ["setting.force2D", "true or false"]),
        ({"setting": {"sigma": [1, "x"]}}, ["setting.sigma.1", "'x'"]),
        ({"setting": {"interpolator": "linear"}}, ["setting.interpolator", "sitkLinear"]),
        ({"setting": {"wavelet": "haarr"}}, ["setting.wavelet", "expected: a discrete", "'haar'"]),
        ({"voxelSetting": {"voxelBatch": 0}}, ["voxelSetting.voxelBatch: wrong", "equal to 1"]),
        ({"featureClass": {"glcm": ["Contrst"]}}, ["featureClass.glcm.Contrst", "'Contrast'"]),
        ({"featureClass": {"GLCM": None}}, ["featureClass.GLCM"]),
        ({"imageType": {"Log": {}}}, ["imageType.Log", "'LoG'"]),
    ],
)
def test_a_mistake_is_told_with_its_path_and_the_nearest_name(
    content: dict[str, Any], told: list[str]
) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(content)
    for part in told:
        assert part in str(caught.value)
    assert "Value error" not in str(caught.value)


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2\n", "- 1\n"])
def test_no_parameter_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"p\.yaml"):
        read_settings(path)


def test_an_unknown_name_lists_the_shipped_files() -> None:
    with pytest.raises(SettingsError, match="ct, mr, pet"):
        read_settings("xray")


def test_arrays_and_tuples_of_a_script_are_taken() -> None:
    settings = read_settings({"imageType": {"LoG": {"sigma": np.arange(1.0, 3.0)}}})
    settings = settings.overridden(resampledPixelSpacing=(2, 2.5, np.float64(3)))
    assert settings.imageType["LoG"].sigma == [1.0, 2.0]
    assert settings.setting.resampledPixelSpacing == [2, 2.5, 3.0]


def test_what_a_run_records_does_not_depend_on_how_defaults_are_written() -> None:
    plain = read_settings({"imageType": {"Original": None}})
    told = read_settings({"imageType": {"Original": {"binWidth": 25}}, "setting": {"level": 1}})
    assert plain.complete() == told.complete()
    assert plain.complete() != read_settings({"setting": {"binWidth": 10}}).complete()


def test_what_a_run_records_can_be_read_back() -> None:
    settings = read_settings({"setting": {"binWidth": 10}, "voxelSetting": {"initValue": -1}})
    told = settings.complete()
    assert told["voxelSetting"] == VoxelSetting(initValue=-1).model_dump()
    assert set(told["setting"]) == set(Setting.model_fields)
    assert read_settings(told).complete() == told


def test_names_are_pyradiomics_own(pyradiomics: None) -> None:
    import radiomics

    for name, theirs in radiomics.getFeatureClasses().items():
        known = theirs.getFeatureNames()
        assert list(FEATURE_CLASSES[name].names) == [f for f, old in known.items() if not old]
        assert list(FEATURE_CLASSES[name].deprecated) == [f for f, old in known.items() if old]
    assert set(FILTERS) == set(radiomics.getImageTypes())


def test_keys_are_pyradiomics_own(pyradiomics: None) -> None:
    import radiomics
    from ruamel.yaml import YAML

    schema = YAML(typ="safe", pure=True).load(Path(radiomics.getParameterValidationFiles()[0]))
    sections = schema["mapping"]
    assert set(Setting.model_fields) == set(sections["setting"]["mapping"])
    assert set(VoxelSetting.model_fields) == set(sections["voxelSetting"]["mapping"])


def test_defaults_are_pyradiomics_own(pyradiomics: None) -> None:
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    ours = Setting().model_dump()
    for name, value in RadiomicsFeatureExtractor().settings.items():
        assert ours[name] == value, name
