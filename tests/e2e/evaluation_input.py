"""A small evaluation, written by the contract alone: no model, but numbers as models give them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radpipe.prognosis.evaluation.cross_validation import CHECKED
from radpipe.prognosis.evaluation.overlap import IDENTIFIER, IMAGE, VALUES
from radpipe.prognosis.evaluation.patients import REASONS
from radpipe.prognosis.evaluation.results import SCHEMA_VERSION
from radpipe.prognosis.survival import (
    Interval,
    binary_calibration,
    calibration_at,
    concordance_index,
    log_rank_statistic,
    make_endpoint,
    nadeau_bengio,
    net_benefit,
    net_benefit_all,
)
from radpipe.prognosis.tables.clinical import WITHOUT_FEATURES
from radpipe.store import write_table
from radpipe.store.files import write_json
from tests.e2e.report_input import patient_ids

HORIZONS = (365.0, 730.0)
THRESHOLDS = np.round(np.arange(0.02, 0.99, 0.02), 2)
TITLES = {
    "fusion": "Fusion of clinical + volume and radiomics",
    "cox": "Elastic-net Cox model",
    "clinical": "Clinical columns alone",
    "volume": "Tumour volume alone",
}
BASELINES = ("clinical", "volume")
CONTROLS = {
    "label_permutation": {
        "model": "fusion",
        "values": [
            0.5 + 0.012 * step for step in (-5, -4, -3, -2, -2, -1, -1, 0, 0, 1, 1, 2, 3, 5)
        ],
        "mean": 0.49,
        "p": 0.07,
    },
    "permuted_features": {"model": "fusion", "values": [0.57, 0.6, 0.61, 0.63], "mean": 0.6},
    "events_per_variable": {
        "candidates": 1218,
        "per_candidate": 0.04,
        "used": 7.4,
        "per_used": 6.9,
        "warning": "Far below 10: only strong regularisation keeps such a model from overfitting.",
    },
    "riley": {
        "shrinkage": 5143,
        "optimism": 1039,
        "overall_risk": 300,
        "patients": 5143,
        "events": 2100,
        "events_per_parameter": 1.7,
        "r2": 0.1,
        "enough": False,
        "parameters": 1218,
    },
}


LEARNING_CURVE = (
    (0.5, 60, 0.58, 0.48, 0.67),
    (0.75, 90, 0.62, 0.53, 0.7),
    (1.0, 120, 0.66, 0.58, 0.74),
)


def write_evaluation(
    path: Path,
    *,
    run: str | None = None,
    patients: int = 150,
    kind: str = "cross-validation",
    withheld: bool = False,
    binary: bool = False,
    models: tuple[str, ...] = tuple(TITLES),
) -> Path:
    path.mkdir(parents=True)
    names = ("volume",) if withheld else models
    cohort = _cohort(patients)
    told = {name: _predictions(name, cohort, kind, binary) for name in names}
    write_table(path / "predictions.parquet", pd.concat(told.values(), ignore_index=True))
    clinical = ["case_id", "age", "sex", "stage"]
    write_table(path / "subgroups.parquet", cohort[clinical])
    if not withheld:
        _write_content(path, names)
    write_json(path / "metrics.json", metrics(run, kind, told, binary))
    return path


def _cohort(patients: int) -> pd.DataFrame:
    random = np.random.default_rng(5)
    volume, texture, age = random.standard_normal((3, patients))
    months = random.exponential(40 * np.exp(-0.7 * volume - 0.6 * texture - 0.2 * age))
    followed = random.uniform(12, 70, patients)
    return pd.DataFrame(
        {
            "patient_id": patient_ids(patients),
            "case_id": patient_ids(patients),
            "time": np.maximum(np.minimum(months, followed) * 30.4, 1).round(),
            "event": months <= followed,
            "volume": volume,
            "texture": texture,
            "age": (64 + 9 * age).round(),
            "sex": random.choice(["female", "male"], patients),
            "stage": random.choice(["I", "II", "III", None], patients, p=[0.3, 0.35, 0.3, 0.05]),
        }
    )


def _predictions(model: str, cohort: pd.DataFrame, kind: str, binary: bool) -> pd.DataFrame:
    random = np.random.default_rng(len(model))
    weight = {"fusion": (0.7, 0.45), "cox": (0.3, 0.5), "clinical": (0.2, 0), "volume": (0.7, 0)}
    repeats = 1 if kind == "validation" else 3
    tables = []
    for repeat in range(repeats):
        noise = 0.3 * random.standard_normal(len(cohort))
        risk = cohort[["volume", "texture"]] @ np.array(weight.get(model, (0.4, 0.2))) + noise
        one = cohort[["patient_id", "case_id", "time", "event"]].assign(
            model=model,
            repeat=repeat,
            fold=_fold(len(cohort), kind, random),
            risk_score=risk,
            group=np.where(risk > 0, "high", "low"),
        )
        for time in HORIZONS:
            one[f"survival_at_{time:g}"] = np.exp(-time / 1500 * np.exp(risk))
        one["probability"] = 1 / (1 + np.exp(-risk))
        left = ["time", *(f"survival_at_{time:g}" for time in HORIZONS)]
        tables.append(one.drop(columns=left if binary else "probability"))
    return pd.concat(tables, ignore_index=True)


def _fold(patients: int, kind: str, random: np.random.Generator) -> Any:
    folds = 1 if kind == "validation" else 2 if patients < 40 else 5
    return random.permutation(patients) % folds


def _write_content(path: Path, names: tuple[str, ...]) -> None:
    features = ["$x_{1}$ <b>", *(f"original_glcm_Contrast{number}" for number in range(20))]
    ranked = [
        {"model": name, "feature": feature, "mean_abs_contribution": 0.4 / (place + 1)}
        for name in names
        for place, feature in enumerate(features)
    ]
    write_table(path / "contributions.parquet", pd.DataFrame(ranked))
    chosen = [
        {
            "model": name,
            "feature": feature,
            "cluster": features[place - place % 2],
            "chosen": 0.9 / (place + 1),
            "cluster_chosen": 1.0 / (place - place % 2 + 1),
        }
        for name in names
        for place, feature in enumerate(features)
    ]
    write_table(path / "selected.parquet", pd.DataFrame(chosen))


def metrics(
    run: str | None, kind: str, predictions: dict[str, pd.DataFrame], binary: bool = False
) -> dict[str, Any]:
    first = next(iter(predictions.values())).query("repeat == 0")
    score = "auc" if binary else "c_index"
    validation = kind == "validation"
    models = {name: _model(name, rows, score, validation) for name, rows in predictions.items()}
    withheld = {} if len(models) > 1 else {"fusion": "8 events; at least 20 are needed"}
    return {
        "schema": SCHEMA_VERSION,
        "kind": kind,
        "main": next(iter(models)),
        "endpoint": _endpoint_facts(binary),
        "cohort": {
            "patients": len(first),
            "events": int(first["event"].sum()),
            "follow_up_median": None if binary else 1200.0,
            "features": 1218,
            "embeddings": 0,
            "clinical": 3,
            "excluded": {**{why: [] for why in REASONS}, WITHOUT_FEATURES: ["<i>gone</i>"]},
        },
        "design": _frozen(models, binary) if validation else _folds(binary),
        "models": models,
        **(_of_validation(models) if validation else _of_folds(score)),
        "volume_reversed": None,
        "withheld": withheld,
        "source": {
            "table": "run",
            "clinical": "clinical.csv",
            "run": run,
            "provenance": {"engine": "pyradiomics"},
            "embeddings": None,
        },
        "versions": {"radpipe": "0.1.0", "python": "3.11"},
    }


def _endpoint_facts(binary: bool) -> dict[str, Any]:
    return {
        "kind": "binary" if binary else "survival",
        "time": None if binary else "os_days",
        "event": "death <b>",
        "value": None,
        "codes": {"0": 0, "1": 1},
        "competing": {},
        "origin_days": None,
    }


def _folds(binary: bool) -> dict[str, Any]:
    return {
        "splits": "repeated",
        "centres": None,
        "repeats": 3,
        "folds": 5,
        "inner_folds": 3,
        "trials": 0,
        "permutations": 14,
        "seed": 0,
        "interval": "Nadeau-Bengio 95 %",
        "horizons": [] if binary else list(HORIZONS),
        "refused_horizons": [] if binary else [[1826.0, "4 patients at risk after it"]],
        "batch": None,
        "unharmonised": None,
        "horizon": None,
        "stability": None,
        "volume_dependence": None,
        "correlation": 0.9,
        "selection": None,
        "components": None,
        "head": None,
        "method": None,
        "epochs": None,
        "patience": None,
        "keep": 30,
        "branches": None,
    }


def _of_folds(score: str) -> dict[str, Any]:
    names = ("share", "patients", score, "low", "high")
    curve = [dict(zip(names, point, strict=True)) for point in LEARNING_CURVE]
    return {
        "controls": {**CONTROLS, "learning_curve": curve},
        "leaks": {"checked": list(CHECKED), "found": {}},
    }


def _frozen(models: dict[str, Any], binary: bool) -> dict[str, Any]:
    return {
        "bootstraps": 1000,
        "seed": 0,
        "interval": "patient bootstrap 95 %",
        "model": "/x/model",
        "cuts": dict.fromkeys(models, "training patients"),
        "horizons": [] if binary else list(HORIZONS),
        "refused_horizons": [],
        "trained_on": {
            "patients": 120,
            "events": 61,
            "follow_up_median": None if binary else 1100.0,
            "endpoint": _endpoint_facts(binary),
        },
        "batch": None,
        "unharmonised": None,
    }


def _of_validation(models: dict[str, Any]) -> dict[str, Any]:
    columns = [
        {
            "feature": f"original_firstorder_Mean{number}",
            "text": False,
            "differs": ["shifted"] if number < 3 else [],
            "drifted": ["shifted"] if number < 3 else [],
            "outside": 0.6 - 0.02 * number if number < 20 else 0.0,
            "missing": 0.0,
            "shift": 1.2 - 0.05 * number,
            "training_missing": 0.0,
            "used": number == 1,
        }
        for number in range(30)
    ]
    told = {name: {"slope": 0.8, "intercept": None, "horizons": []} for name in models}
    for name, facts in told.items():
        entries = models[name]["horizons"]
        facts["horizons"] = [
            {"time": entry["time"], "calibration": entry["calibration"]} for entry in entries
        ]
    return {
        "leaks": {"checked": [IDENTIFIER, IMAGE, VALUES], "found": {}},
        "overlap": 0,
        "unseen": {},
        "drift": {
            "columns": columns,
            "standardised": False,
            "training_standardised": False,
            "summary": "3 of 30 columns drifted.",
        },
        "recalibrated": told,
    }


def interval(found: Interval) -> dict[str, float]:
    return {name: float(value) for name, value in found._asdict().items()}


def _model(name: str, rows: pd.DataFrame, score: str, validation: bool) -> dict[str, Any]:
    binary = score == "auc"
    values = [
        concordance_index(_endpoint(part), part["risk_score"])
        for _, part in rows.groupby(["repeat", "fold"])
    ]
    found = nadeau_bengio(values, 0.25, 5) if len(values) > 1 else Interval(values[0], 0.5, 0.8)
    one = rows[rows["repeat"] == 0]
    baseline = name in BASELINES
    versus = {
        other: {"estimate": 0.05, "low": -0.02, "high": 0.12}
        for other in BASELINES
        if other != name
    }
    return {
        "title": TITLES.get(name, name),
        "baseline": baseline,
        **({"column": "original_shape_MeshVolume"} if name == "volume" else {}),
        **({"branches": _branches(validation)} if name == "fusion" else {}),
        score: interval(found),
        **(_accuracy(found) if binary else _accuracy_in_time(one, found)),
        "versus": versus,
        "calibration_slope": 0.87,
        "horizons": [_at(one, None)] if binary else [_at(one, time) for time in HORIZONS],
        **({} if validation else {"training": 0.81, "optimism": 0.81 - found.estimate}),
        "correlation_with_volume": 0.62,
        "likelihood_gain": None if baseline else {"estimate": 0.02, "low": -0.01, "high": 0.05},
        "folds_without_pairs": 0,
        "folds": [] if validation else [_of_fold(*each, score) for each in enumerate(values[:5])],
    }


def _of_fold(fold: int, value: float, score: str) -> dict[str, Any]:
    numbers = {score: value, f"train_{score}": 0.81}
    size = {"centre": None, "patients": 20, "events": 10}
    return {"repeat": 0, "fold": fold, **size, **numbers, "parameters": {}, "used": 7}


def _branches(validation: bool) -> dict[str, Any]:
    fits = 1 if validation else 15
    always = {"fits": fits, "weighted": fits}
    return {"clinical + volume": {**always, "weight": 0.3}, "radiomics": {**always, "weight": 0.2}}


def _accuracy(found: Interval) -> dict[str, Any]:
    return {"average_precision": interval(found), "brier": 0.2, "brier_null": 0.24}


def _accuracy_in_time(rows: pd.DataFrame, found: Interval) -> dict[str, Any]:
    groups = rows["group"]
    tested = log_rank_statistic(_endpoint(rows), groups) if len(set(groups)) > 1 else None
    return {
        "uno": interval(found),
        "integrated_brier": 0.171,
        "integrated_brier_null": 0.19,
        "log_rank": {"statistic": tested, "p": 0.02, "permutations": 200},
    }


def _endpoint(rows: pd.DataFrame) -> Any:
    times = rows["time"] if "time" in rows else np.where(rows["event"], 1, 2)
    return make_endpoint(rows["event"], times)


def _at(rows: pd.DataFrame, time: float | None) -> dict[str, Any]:
    if time is None:
        endpoint: Any = rows["event"].to_numpy(bool)
        probability = rows["probability"].to_numpy()
        found = binary_calibration(endpoint, probability)
    else:
        endpoint = _endpoint(rows)
        probability = 1 - rows[f"survival_at_{time:g}"].to_numpy()
        found = calibration_at(endpoint, 1 - probability, time)
    return {
        "time": time,
        **({} if time is None else {"auc": {"estimate": 0.68, "low": 0.59, "high": 0.77}}),
        "brier": 0.18,
        "brier_null": 0.21,
        "calibration": {
            **found._asdict(),
            "ratio": interval(found.ratio),
            "curve": [point._asdict() for point in found.curve],
        },
        "decision": {
            "thresholds": THRESHOLDS.tolist(),
            "model": net_benefit(endpoint, probability, THRESHOLDS, time).tolist(),
            "all": net_benefit_all(endpoint, THRESHOLDS, time).tolist(),
        },
    }
