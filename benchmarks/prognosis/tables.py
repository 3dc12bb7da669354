"""Published tables, and which of their columns plays which part."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

# The volume is named where several have equal right: one phase of the scan, one time point.
SURVIVAL: dict[str, dict[str, Any]] = {
    "hn1_maastro": {
        "id": "ID",
        "time": "overall_survival_in_days",
        "event": "event_overall_survival",
        "clinical_columns": (
            "age_at_diagnosis",
            "biological_sex",
            "clin_t",
            "clin_n",
            "overall_hpv_p16_status",
        ),
    },
    "nsclc_radiogenomics": {
        "id": "Case ID",
        "time": "Survival.time",
        "event": "deadstatus.event",
        "clinical_columns": (
            "Age at Histological Diagnosis",
            "Gender",
            "Pathological T stage",
            "Pathological N stage",
        ),
    },
    "lung1_unscaled": {
        "id": "PatientID",
        "time": "Survival.time",
        "event": "deadstatus.event",
        "clinical_columns": (
            "age",
            "gender",
            "clinical.T.Stage",
            "Clinical.N.Stage",
            "Histology",
        ),
    },
}
BINARY: dict[str, dict[str, Any]] = {
    "Arita2018": {"volume": "T2_original_Total_Volume"},
    "C4KC-KiTS": {"volume": "late_original_shape_MeshVolume"},
    "Head-Neck-Radiomics-HN1": {},
    "Lu2019": {},
    "NSCLC-Radiogenomics": {},
    "Veeraraghavan2020": {"volume": "Volume"},
}


def survival_tables(chosen: argparse.Namespace) -> dict[str, tuple[pd.DataFrame, dict[str, Any]]]:
    """Read tables with times, and what ``evaluate`` is to be told of each."""
    return {
        name: (pd.read_csv(_found(chosen.data / f"{name}.csv"), low_memory=False), roles)
        for name, roles in SURVIVAL.items()
        if chosen.tables is None or name in chosen.tables
    }


def binary_tables(chosen: argparse.Namespace) -> dict[str, tuple[pd.DataFrame, dict[str, Any]]]:
    """Read tables without times. All columns are features, whatever they are called."""
    common = {"id": "ID", "event": "Target", "features": "*"}
    return {
        name: (
            pd.read_csv(_found(chosen.data / "radmlbench" / f"{name}.csv.gz")),
            {**common, **roles},
        )
        for name, roles in BINARY.items()
        if chosen.tables is None or name in chosen.tables
    }


def _found(path: Path) -> Path:
    if not path.is_file():
        raise SystemExit(f"no {path}: where are the published tables? Say so with --data")
    return path
