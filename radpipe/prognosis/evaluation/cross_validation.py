"""Repeated nested cross-validation: how good a model trained like this would be.

Everything fitted on more than one patient is fitted inside the training folds. C-index and AUC
count pairs within one test fold only: risk scores of different fits have no common scale.
"""

from __future__ import annotations

import logging
import time as clock
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from radpipe.errors import SettingsError, TableError
from radpipe.parallel import in_order, require_workers
from radpipe.prognosis.evaluation import controls
from radpipe.prognosis.evaluation.control_facts import (
    ControlResults,
    Controls,
    control_facts,
    controls_of,
    log_rank_chance,
)
from radpipe.prognosis.evaluation.folds import outer_folds
from radpipe.prognosis.evaluation.harmonisation import (
    require_harmonisable,
    unharmonised_in,
    warn_of_unharmonised,
)
from radpipe.prognosis.evaluation.harness import Bench, Fitted, run_fold
from radpipe.prognosis.evaluation.leaks import require_no_leak
from radpipe.prognosis.evaluation.measures import prediction_times
from radpipe.prognosis.evaluation.models import (
    choose_models,
    prepare,
    source_facts,
    stability_facts,
)
from radpipe.prognosis.evaluation.options import ModelOptions
from radpipe.prognosis.evaluation.oracles import require_no_oracle
from radpipe.prognosis.evaluation.overlap import IDENTIFIER, IMAGE, VALUES
from radpipe.prognosis.evaluation.result_tables import (
    contribution_table,
    horizons_of,
    prediction_table,
    probability_columns,
    selection_table,
)
from radpipe.prognosis.evaluation.results import SCHEMA_VERSION, Evaluation
from radpipe.prognosis.evaluation.roles import Roles
from radpipe.prognosis.evaluation.seeds import require_seed
from radpipe.prognosis.evaluation.study import Study, Table, make_study, versions
from radpipe.prognosis.evaluation.summary import facts_of_models, main_of
from radpipe.prognosis.evaluation.yardstick import volume_reversed
from radpipe.prognosis.models.table import BASELINES
from radpipe.prognosis.survival.endpoint import Floats
from radpipe.prognosis.survival.splits import Fold
from radpipe.prognosis.tables import name_of_table
from radpipe.progress import progress_bar

Results = dict[str, list[Fitted]]
log = logging.getLogger("radpipe")
NADEAU_BENGIO, WITHIN_CENTRES = "Nadeau-Bengio", "patient bootstrap within hospitals"
CHECKED = (IDENTIFIER, IMAGE, VALUES, "a column alone", "rows seen by fitted steps")


@dataclass(frozen=True)
class Design:
    """How the cross-validation is laid out.

    Attributes
    ----------
    repeats, folds : int
        Outer folds; with centres each is one fold.
    permutations : int
        Of outcomes and, a quarter as many, of features; 0 leaves the controls out.
    horizons : sequence of float, optional
        Times to measure at; else the quartiles of the event times.
    seed : int
        Decides all that is random, but bootstrap samples, which are always the same.
    """

    repeats: int = 5
    folds: int = 5
    permutations: int = 20
    horizons: Sequence[float] | None = None
    seed: int = 0

    def require_sense(self) -> None:
        """Refuse what has no meaning.

        Raises
        ------
        SettingsError
            Fewer permutations than none.
        """
        if self.permutations < 0:
            raise SettingsError(
                "fewer permutations than none",
                where="--permutations",
                found=self.permutations,
                expected="0 or more",
                remedy="leave it out for 20",
            )


def evaluate(
    table: Table,
    clinical: Table | None = None,
    *,
    event: str,
    time: str | None = None,
    models: Sequence[str] | None = None,
    clinical_columns: Sequence[str] = (),
    features: str | None = None,
    volume: str | None = None,
    id: str = "patient_id",
    batch: str | None = None,
    centre: str | None = None,
    origin_days: str | None = None,
    per_patient: str | None = None,
    unmatched: str = "refuse",
    force: bool = False,
    options: ModelOptions | None = None,
    repeats: int = 5,
    folds: int = 5,
    permutations: int = 20,
    horizons: Sequence[float] | None = None,
    seed: int = 0,
    workers: int = 0,
    scheduler: str | None = None,
    progress: bool = False,
) -> Evaluation:
    """Estimate how good models would be, beside volume and clinical columns in the same folds.

    Parameters
    ----------
    table : str, Path or DataFrame
        Features: a run, a Parquet or CSV file, or a table in memory.
    clinical : str, Path or DataFrame, optional
        Outcomes and clinical columns; else they stand in the feature table.
    event : str
        Column that is 1 where the event happened, or ``COLUMN=VALUE``.
    time : str, optional
        Column of the time since the start; without it the endpoint is binary.
    models : sequence of str, optional
        Names in ``MODELS``; by default all that suit. Baselines always come along.
    clinical_columns : sequence of str
        Predictors beside the features.
    features : str, optional
        Patterns of the columns that are features; else those that extraction made.
    volume : str, optional
        Column of the tumour's volume, where its name does not tell.
    id : str
        Column that names the patient.
    batch : str, optional
        Column of scanner or hospital, for harmonisation by ComBat in each training fold.
    centre : str, optional
        Column of the hospital: one is left out after the other.
    origin_days : str, optional
        Column of the day from which times run.
    per_patient : {"largest", "mean", "wide"}, optional
        What to do where a patient has several rows.
    unmatched : {"refuse", "drop"}
        What to do with patients that only one table knows.
    force : bool
        Take predictors whose names resemble a time, an event or a treatment.
    options : ModelOptions, optional
        How models are made.
    repeats, folds : int
        Outer folds.
    permutations : int
        Of outcomes, as a control; 0 leaves out what permutes, and the learning curve.
    horizons : sequence of float, optional
        Times to measure at; else the quartiles of the event times.
    seed : int
        Decides all that is random, but bootstrap samples, which are always the same.
    workers : int
        Worker processes; the result does not depend on it.
    scheduler : str, optional
        Address of a running Dask scheduler whose workers do the folds.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Evaluation
        All measures and predictions. With fewer than 20 events only baselines, and
        ``metrics["withheld"]`` says so.

    Raises
    ------
    TableError
        The tables are wrong, or there are fewer events than folds.
    LeakError
        The same patient, image or row stands on both sides of a split; a column alone orders the
        outcomes; a part of a model was fitted on test patients.
    ModelError
        A model is unknown.
    SettingsError
        A number makes no sense.
    """
    require_workers(workers)
    require_seed(seed)
    options = (options or ModelOptions()).resolved()
    roles = Roles(
        event=event,
        time=time,
        clinical_columns=clinical_columns,
        features=features,
        volume=volume,
        id=id,
        batch=batch,
        centre=centre,
        origin_days=origin_days,
        per_patient=per_patient,
        unmatched=unmatched,
        force=force,
    )
    started = clock.perf_counter()
    study = make_study(table, clinical, roles)
    design = Design(repeats, folds, permutations, horizons, seed)
    design.require_sense()
    parts = outer_folds(study, repeats, folds, seed)
    require_no_leak(study, parts)
    require_no_oracle(study)
    require_harmonisable(study)
    chosen, withheld = choose_models(study, models, options)
    _require_some(study, chosen, withheld)
    allowed, refused = horizons_of(study, horizons)
    stable = stability_facts(study, options)
    raw = unharmonised_in(study, parts)
    warn_of_unharmonised(raw)
    bench = _bench(study, chosen, options, design, allowed)
    results, found = _run(bench, study, parts, design, workers, scheduler, progress)
    main = main_of(chosen)
    real = None
    if main not in BASELINES:
        components = options.embedding.components
        real = control_facts(study, main, results[main], found, allowed, components)
    metrics = {
        "schema": SCHEMA_VERSION,
        "kind": "cross-validation",
        "main": main,
        "endpoint": study.endpoint_facts(),
        "cohort": study.cohort_facts(),
        "design": {
            **_design_facts(study, parts, design, options),
            "unharmonised": raw,
            "stability": stable,
            "horizons": allowed.tolist(),
            "refused_horizons": [list(each) for each in refused],
        },
        "models": facts_of_models(study, results, bench, allowed, log_rank_chance(found)),
        "controls": real,
        "leaks": {"checked": list(CHECKED), "found": {}},
        "volume_reversed": volume_reversed(study),
        "withheld": withheld,
        "source": source_facts(study, options, design.seed),
        "versions": versions(study),
    }
    log.info("evaluated in %.0f s", clock.perf_counter() - started)
    return Evaluation(
        metrics,
        _predictions(results, study, bench),
        contribution_table({name: _mean_contribution(done) for name, done in results.items()}),
        _selected(study, results, options),
        study.frame[study.clinical].reset_index() if study.clinical else None,
        _similar(results),
    )


def _require_some(study: Study, chosen: list[str], withheld: dict[str, str]) -> None:
    if not chosen:
        raise TableError(
            "nothing can be evaluated",
            where=name_of_table(study.frame, "the feature table"),
            found="; ".join(f"{name}: {why}" for name, why in withheld.items()),
            expected="a model with enough events, or a volume column",
            remedy="take a larger cohort, or name the column of the tumour's volume with --volume",
        )


def _bench(
    study: Study, chosen: list[str], options: ModelOptions, design: Design, allowed: Floats
) -> Bench:
    made = {name: prepare(study, name, options, design.seed) for name in chosen}
    models = {name: (model, [*X.columns]) for name, (model, X) in made.items()}
    times = prediction_times(study.endpoint, allowed)
    return Bench(models, study.frame, study.endpoint, times)


def _run(
    bench: Bench,
    study: Study,
    parts: list[Fold],
    design: Design,
    workers: int,
    scheduler: str | None,
    progress: bool,
) -> tuple[Results, ControlResults | None]:
    """Run folds and controls, all in one go, so that no worker waits for the last fold."""
    main = main_of([*bench.models])
    controlled = design.permutations > 0 and main not in BASELINES
    asked = controls_of(parts, design.permutations, design.seed) if controlled else Controls([], [])
    tasks = [*parts, *asked.tasks]
    quick = controls.untuned(bench, main)
    measured = (*study.features, *study.embeddings)
    textures = [name for name in measured if name != study.volume]
    centres = None if study.centre is None else parts
    job = partial(_do, bench, quick, textures, design, centres)
    # Where nothing is learnt, worker processes would take longer to start than the work takes.
    learns = any(model.learns for model, _ in bench.models.values())
    with progress_bar("folds and controls", len(tasks), progress) as step:
        done = in_order(job, tasks, workers if learns else 0, step, scheduler if learns else None)
    folds = done[: len(parts)]
    results = {name: [each[name] for each in folds] for name in bench.models}
    return results, ControlResults(asked, done[len(parts) :]) if controlled else None


def _do(
    bench: Bench,
    quick: Bench,
    features: list[str],
    design: Design,
    centres: list[Fold] | None,
    task: Any,
) -> Any:
    if isinstance(task, Fold):
        return run_fold(bench, task, with_similar=task.repeat == 0)
    if isinstance(task, controls.Permutation):
        return controls.run_permutation(quick, features, design.folds, task, centres)
    return controls.run_shortened(quick, design.seed, task)


def _design_facts(
    study: Study, parts: list[Fold], design: Design, options: ModelOptions
) -> dict[str, Any]:
    centres = None
    if study.centre is not None:
        centres = sorted(study.frame[study.centre].astype("str").unique())
    return {
        "splits": "repeated" if centres is None else "centres",
        "centres": centres,
        "repeats": 1 + max(part.repeat for part in parts),
        "folds": 1 + max(part.fold for part in parts),
        "permutations": design.permutations,
        "seed": design.seed,
        "interval": f"{NADEAU_BENGIO if centres is None else WITHIN_CENTRES} 95 %",
        "batch": study.harmonised,
        **options.facts(),
    }


def _predictions(results: Results, study: Study, bench: Bench) -> pd.DataFrame:
    identifiers = study.identifiers()
    tables = [
        prediction_table(
            identifiers.iloc[one.fold.test],
            {"model": name, "repeat": one.fold.repeat, "fold": one.fold.fold},
            one.risk,
            one.group,
            probability_columns(one.predicted, bench.times),
        )
        for name, done in results.items()
        for one in done
    ]
    return pd.concat(tables, ignore_index=True)


def _mean_contribution(done: list[Fitted]) -> pd.Series:
    return pd.concat([one.contributions for one in done], axis=1).fillna(0.0).mean(axis=1)


def _similar(results: Results) -> pd.DataFrame | None:
    tables = [
        one.similar.assign(fold=one.fold.fold)
        for done in results.values()
        for one in done
        if one.similar is not None
    ]
    return pd.concat(tables, ignore_index=True) if tables else None


def _selected(study: Study, results: Results, options: ModelOptions) -> pd.DataFrame | None:
    used = {
        name: [one.used for one in done] for name, done in results.items() if name not in BASELINES
    }
    if not used:
        return None
    return selection_table(used, study.frame[study.features], options.correlation)
