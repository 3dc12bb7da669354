"""The `pyradiomics` engine against PyRadiomics called directly, to the last bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from radpipe.extraction.extractor import FeatureExtractor
from tests.conftest import Pair, make_pair

PARAMS = Path(__file__).resolve().parents[2] / "params"
CASES = {
    "ct": ("sts/nifti/STS_002/CT_image.nii.gz", "sts/nifti/STS_002/CT_mask.nii.gz"),
    "mr": ("pyradiomics/brain1_image.nrrd", "pyradiomics/brain1_label.nrrd"),
    "pet": ("sts/nifti/STS_003/PET_image.nii.gz", "sts/nifti/STS_003/PET_mask.nii.gz"),
}


def assert_same_bits(found: dict[str, Any], expected: dict[str, Any]) -> None:
    features = [name for name in expected if not name.startswith("diagnostics_")]
    assert [name for name in found if not name.startswith("diagnostics_")] == features
    assert len(features) > 10
    for name in features:
        ours, theirs = np.float64(found[name]), np.float64(expected[name])
        assert ours.tobytes() == theirs.tobytes(), name


@pytest.mark.parametrize("params", CASES)
def test_same_bits_on_real_cases(shared: Path, pyradiomics: None, params: str) -> None:
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    image, mask = (str(shared / name) for name in CASES[params])
    theirs = RadiomicsFeatureExtractor(str(PARAMS / f"{params}.yaml"))
    assert_same_bits(
        FeatureExtractor(params, engine="pyradiomics").execute(image, mask),
        theirs.execute(image, mask),
    )


@pytest.mark.slow
@pytest.mark.parametrize("modality", ["PET", "CT", "MR_T1"])
def test_same_bits_on_every_sarcoma(shared: Path, pyradiomics: None, modality: str) -> None:
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    params = {"PET": "pet", "CT": "ct", "MR_T1": "mr"}[modality]
    ours = FeatureExtractor(params, engine="pyradiomics")
    theirs = RadiomicsFeatureExtractor(str(PARAMS / f"{params}.yaml"))
    images = sorted((shared / "sts" / "nifti").glob(f"*/{modality}_image.nii.gz"))
    assert len(images) >= 4
    for image in images:
        pair = str(image), str(image).replace("_image", "_mask")
        assert_same_bits(ours.execute(*pair), theirs.execute(*pair))


def test_a_script_changes_one_import(pyradiomics: None, pair: Pair) -> None:
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    def script(extractor: Any) -> Any:
        extractor.disableAllFeatures()
        extractor.enableFeatureClassByName("glcm")
        extractor.enableFeaturesByName(firstorder=["Mean", "Skewness"])
        extractor.enableImageTypeByName("LoG", customArgs={"sigma": [2.0], "binWidth": 4.0})
        extractor.enableImageTypes(Square={})
        extractor.settings["resampledPixelSpacing"] = [1.5, 1.5, 1.5]
        extractor.addProvenance(False)
        return extractor.execute(pair.image, pair.mask, label=1)

    ours = script(
        FeatureExtractor(engine="pyradiomics", binWidth=10.0, interpolator=sitk.sitkLinear)
    )
    theirs = script(RadiomicsFeatureExtractor(binWidth=10.0, interpolator=sitk.sitkLinear))
    assert list(ours) == list(theirs)
    assert_same_bits(ours, theirs)


def test_no_image_type_leaves_shape(pyradiomics: None, pair: Pair) -> None:
    extractor = FeatureExtractor(engine="pyradiomics")
    extractor.disableAllImageTypes()
    extractor.addProvenance(False)
    assert {name.split("_")[1] for name in extractor.execute(pair.image, pair.mask)} == {"shape"}


def test_voxel_based_gives_maps(pyradiomics: None, pair: Pair) -> None:
    extractor = FeatureExtractor({"featureClass": {"firstorder": ["Mean"]}}, engine="pyradiomics")
    found = extractor.execute(pair.image, pair.mask, voxelBased=True)
    assert isinstance(found["original_firstorder_Mean"], sitk.Image)


@pytest.mark.parametrize("engine", ["fast", "pyradiomics"])
@pytest.mark.parametrize("settings", [{"binWidth": 25}, {}])
def test_an_integer_bin_width_does_not_overflow_on_8_bit_images(
    pyradiomics: None, settings: dict[str, int], engine: str
) -> None:
    pair = make_pair(pixel=np.uint8)
    rng = np.random.default_rng(0)
    pair.change_image(lambda array: array.__setitem__(..., rng.integers(0, 256, array.shape)))
    only = {"featureClass": {"firstorder": ["Entropy"]}}
    intensities = sitk.GetArrayFromImage(pair.image)[sitk.GetArrayFromImage(pair.mask) == 1]
    share = np.unique(intensities // 25, return_counts=True)[1] / intensities.size
    found = FeatureExtractor(only, engine, **settings).execute(pair.image, pair.mask)
    entropy = -np.sum(share * np.log2(share))
    assert found["original_firstorder_Entropy"] == pytest.approx(entropy, abs=1e-9)
