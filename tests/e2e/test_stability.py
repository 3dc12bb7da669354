"""Which features of real sarcomas withstand another scan and another hand."""

from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from radpipe.extraction.batch import Options, extract_run
from radpipe.extraction.perturb import perturb_cohort
from radpipe.prognosis.tables.stability import load_stability
from tests.conftest import SHARED

pytestmark = pytest.mark.slow

COUNT = 5
PARAMS = {
    "imageType": {"Original": {}, "Wavelet": {}},
    "featureClass": {"firstorder": ["Mean", "Median"], "shape": None, "glcm": ["Contrast"]},
    "setting": {"binWidth": 0.5},
}


@pytest.fixture(scope="module")
def perturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not SHARED.is_dir():
        pytest.skip("needs the real data in ../shared/data, which is absent")
    pytest.importorskip("skimage")
    folder = tmp_path_factory.mktemp("stability")
    patients = sorted((SHARED / "sts" / "nifti").iterdir())[:8]
    rows = [
        {
            "patient_id": patient.name,
            "image": patient / "PET_image.nii.gz",
            "mask": patient / "PET_mask.nii.gz",
        }
        for patient in patients
    ]
    made = perturb_cohort(pd.DataFrame(rows), folder / "P", count=COUNT, workers=2)
    assert made.failures == ()
    run = extract_run(made.manifest, PARAMS, folder / "RUN", options=Options(workers=2))
    assert run.failures().empty
    return run.path


def test_every_version_has_its_row(perturbed: Path) -> None:
    features = pd.read_parquet(perturbed / "features.parquet")
    assert (features.groupby("unperturbed").size() == COUNT).all()
    assert features["unperturbed"].nunique() == 8
    # Grown, shrunk and redrawn, but the same tumour.
    original = features.groupby("unperturbed")["original_shape_MeshVolume"]
    assert (original.std() / original.mean()).between(0.02, 0.3).all()


def test_size_and_uptake_withstand_what_noise_does_not(perturbed: Path) -> None:
    found = load_stability(perturbed)
    assert found.loc["original_shape_MeshVolume", "low"] > 0.9
    assert found.loc["original_firstorder_Mean", "low"] > 0.75
    # The middle of the finest diagonal details is noise about zero.
    assert found.loc["wavelet-HHH_firstorder_Median", "icc"] < 0.5
    assert found.notna().all(axis=None)


def test_correlations_are_those_of_an_analysis_of_variance(perturbed: Path) -> None:
    features = pd.read_parquet(perturbed / "features.parquet")
    found = load_stability(perturbed)
    for name in ("original_shape_Sphericity", "original_glcm_Contrast"):
        groups = [each.to_numpy() for _, each in features.groupby("unperturbed")[name]]
        ratio = stats.f_oneway(*groups).statistic
        expected = (ratio - 1) / (ratio + COUNT - 1)
        assert found.loc[name, "icc"] == pytest.approx(expected, rel=1e-6)
