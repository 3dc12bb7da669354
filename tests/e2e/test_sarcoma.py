"""The whole line on 24 real sarcoma patients: FDG-PET, original + LoG + wavelets at 3 mm."""

import json
from pathlib import Path

import pandas as pd
import pytest

from radpipe.extraction.batch import Options, extract_run

pytest.importorskip("xgboost")


@pytest.fixture(scope="module")
def sarcoma(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    from tests.conftest import SHARED

    if not SHARED.is_dir():
        pytest.skip("needs the real data in ../shared/data, which is absent")
    pytest.importorskip("radiomics", reason="needs PyRadiomics (Python 3.11 only)")
    folder = tmp_path_factory.mktemp("sarcoma")
    rows = [
        {
            "patient_id": patient.name,
            "image": patient / "PET_image.nii.gz",
            "mask": patient / "PET_mask.nii.gz",
            "modality": "PET",
        }
        for patient in sorted((SHARED / "sts" / "nifti").iterdir())
    ]
    pd.DataFrame(rows).to_csv(folder / "cohort.csv", index=False)
    extract_run(folder / "cohort.csv", "pet", folder / "RUN", options=Options(workers=2))
    return folder / "RUN", SHARED / "sts" / "clinical.csv"


def test_every_patient_is_a_row_or_a_named_failure(sarcoma: tuple[Path, Path]) -> None:
    features = pd.read_parquet(sarcoma[0] / "features.parquet")
    failures = pd.read_parquet(sarcoma[0] / "failures.parquet")
    assert len(features) + len(failures) == 24
    assert len(features) >= 22
    bands = [name for name in features.columns if name.startswith("wavelet-HHH")]
    assert len(bands) == 93
    assert "log-sigma-6-0-mm-3D_glcm_Contrast" in features.columns
    assert features.drop(columns=features.columns[:5]).notna().all(axis=None)


def test_eight_deaths_give_baselines_and_a_banner(
    sarcoma: tuple[Path, Path], tmp_path: Path
) -> None:
    from radpipe.prognosis.evaluation import evaluate
    from radpipe.prognosis.report import write_report

    run, clinical = sarcoma
    evaluate(run, clinical, time="os_days", event="death", unmatched="drop").save(tmp_path / "EVAL")
    metrics = json.loads((tmp_path / "EVAL" / "metrics.json").read_text())
    assert metrics["cohort"]["events"] == 8
    assert "xgb_cox" in metrics["withheld"]
    assert set(metrics["models"]) == {"volume"}
    page = write_report(tmp_path / "EVAL", tmp_path / "report.html").read_text()
    assert "8 events" in page
    assert page.count("data:image/png;base64,") >= 22
