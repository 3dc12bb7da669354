"""From a study and the user's wishes to models, and the columns that each takes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from radpipe.errors import SettingsError, TableError
from radpipe.networks import require_torch
from radpipe.networks.spec import SUPERVISED
from radpipe.prognosis.evaluation.options import ModelOptions
from radpipe.prognosis.evaluation.results import MIN_EVENTS
from radpipe.prognosis.evaluation.study import Study
from radpipe.prognosis.models.base import BINARY, SURVIVAL, Model, fewest_of
from radpipe.prognosis.models.parts import Columns
from radpipe.prognosis.models.table import (
    BASELINES,
    CNN,
    DEFAULT,
    EMBEDDINGS,
    MODELS,
    OTHER_FEATURES,
    RADIOMICS,
    VOLUME,
    model_class,
)
from radpipe.prognosis.tables import feature_columns, name_of_table
from radpipe.prognosis.tables.columns import listed
from radpipe.prognosis.tables.stability import LEAST_STABLE

log = logging.getLogger("radpipe")


def stability_facts(study: Study, options: ModelOptions) -> dict[str, Any] | None:
    """Tell how many features are too unstable to be used.

    Parameters
    ----------
    study : Study
        The cohort.
    options : ModelOptions
        Resolved.

    Returns
    -------
    dict or None
        ``least`` (what a feature must reach), ``features``, ``unstable``, ``unknown``; None where
        no stability was given.

    Raises
    ------
    TableError
        That of no feature of the table is known.
    """
    if not isinstance(options.stability, dict):
        return None
    known = [options.stability[name] for name in study.features if name in options.stability]
    if not known:
        raise TableError(
            "the stability of no feature of this table is known",
            where="--stability",
            found=listed(options.stability),
            expected=listed(study.features),
            remedy="measure it on images extracted with the parameter file of this table",
        )
    unstable = sum(value < LEAST_STABLE for value in known)
    if unstable:
        log.warning(
            "%d of %d features are less stable than %g and dropped",
            unstable,
            len(study.features),
            LEAST_STABLE,
        )
    return {
        "least": LEAST_STABLE,
        "features": len(study.features),
        "unstable": unstable,
        "unknown": len(study.features) - len(known),
    }


def columns_of(study: Study, options: ModelOptions) -> Columns:
    """Tell models what a study offers.

    Parameters
    ----------
    study : Study
        The cohort.
    options : ModelOptions
        For the further branches.

    Returns
    -------
    Columns
        By the part they play.

    Raises
    ------
    TableError
        A branch has no column.
    SettingsError
        A branch has the name of one of the fusion's own.
    """
    table = study.frame[study.features]
    reserved = {RADIOMICS, OTHER_FEATURES, *([EMBEDDINGS] if study.embeddings else [])}
    if taken := reserved.intersection(options.branches or {}):
        raise SettingsError(
            "the fusion has a branch of this name",
            where="--branch",
            found=listed(sorted(taken)),
            expected="another name",
            remedy="rename it",
        )
    branches = {
        name: feature_columns(table, pattern, option=f"--branch {name}")
        for name, pattern in (options.branches or {}).items()
    }
    return Columns(
        study.features,
        study.clinical,
        study.volume,
        study.harmonised,
        branches,
        study.embeddings,
        study.encoder,
        study.encoder_training,
        study.encoder_patch,
    )


def source_facts(study: Study, options: ModelOptions, seed: int) -> dict[str, Any]:
    """Tell where the table is from, and how an encoder is fitted to parts of it.

    Parameters
    ----------
    study : Study
        The cohort.
    options : ModelOptions
        What was asked for.
    seed : int
        Of everything random.

    Returns
    -------
    dict
        Of :meth:`Study.source_facts`; the encoder's training as it is carried out, and what learns
        from it.
    """
    facts = study.source_facts()
    if facts["embeddings"] is not None:
        learnt = {"components": options.embedding.components, "head": options.embedding.head}
        facts["embeddings"] = {**facts["embeddings"], **learnt}
    step = options.embedding.encoder_step(columns_of(study, options), seed)
    if step is not None:
        from radpipe.networks.training import Training

        carried_out = asdict(Training(**step.training).resolved())
        facts["embeddings"] = {**facts["embeddings"], "training": carried_out}
    return facts


def prepare(
    study: Study, name: str, options: ModelOptions, seed: int
) -> tuple[Model, pd.DataFrame]:
    """Make a model for a cohort, and choose its columns.

    Parameters
    ----------
    study : Study
        The cohort.
    name : str
        A name in ``MODELS``.
    options : ModelOptions
        How it is made.
    seed : int
        Of everything random.

    Returns
    -------
    tuple of (Model, DataFrame)
        Not fitted yet, and what to fit it on.

    Raises
    ------
    TableError
        The table has no column for this model.
    """
    model = model_class(name)()
    known = model.get_params()
    offered = options.parameters(seed)
    model.set_params(**{key: value for key, value in offered.items() if key in known})
    chosen = model.take(columns_of(study, options))
    if not chosen:
        raise TableError(
            "no column to learn from",
            where=f"{name_of_table(study.frame, 'the feature table')}, model {name}",
            found=listed(study.frame.columns),
            expected="columns named as extraction names them, like original_shape_MeshVolume",
            remedy="rename them so, or name others with --features, --clinical-columns, --volume",
        )
    return model, study.frame[chosen]


def choose_models(
    study: Study, asked: Sequence[str] | None, options: ModelOptions
) -> tuple[list[str], dict[str, str]]:
    """Tell which models can be evaluated on a cohort.

    Parameters
    ----------
    study : Study
        The cohort.
    asked : sequence of str or None
        Names in ``MODELS``; None: all that suit the endpoint. Baselines always come along.
    options : ModelOptions
        How they are made.

    Returns
    -------
    tuple of (list of str, dict of str to str)
        Models in the order of ``MODELS``; those withheld, and why.

    Raises
    ------
    ModelError
        A name is unknown.
    SettingsError
        It is no list, or an option is for none of the models.
    """
    if isinstance(asked, str):
        raise SettingsError(
            "one text where a list of names is wanted",
            where="models",
            found=repr(asked),
            expected=repr(asked.split(",")),
            remedy="write it as a list",
        )
    _require_taken(options, asked or MODELS)
    _require_fitted_encoder(study, options)
    kind = BINARY if study.binary else SURVIVAL
    chosen, withheld = [], {}
    for name in MODELS:
        wanted = name in (asked or MODELS)
        if not wanted and name not in BASELINES:
            continue
        why = _objection(study, name, kind, options)
        if why is None:
            chosen.append(name)
        elif name in (asked or ()) or name == VOLUME or why.startswith("too few"):
            withheld[name] = why
    if any("embedding" in model_class(name)().get_params() for name in chosen):
        _tell_training(study, options)
    return chosen, withheld


def _require_taken(options: ModelOptions, asked: Iterable[str]) -> None:
    """Refuse options for models that were not asked for."""
    known = {name: model_class(name)().get_params() for name in asked}
    given = {
        "--classifier-horizon": ("horizon", options.horizon),
        "--stability": ("reduction", options.stability),
        "--volume-dependence": ("reduction", options.volume_dependence),
        "--selection": ("reduction", options.selection),
        "--components": ("embedding", options.components),
        "--head": ("embedding", options.head),
        "--method": ("embedding", options.method),
        "--epochs": ("embedding", options.epochs),
        "--patience": ("embedding", options.patience),
    }
    idle = [
        option
        for option, (parameter, value) in given.items()
        if value is not None and not any(parameter in each for each in known.values())
    ]
    if options.branches and DEFAULT not in known:
        idle.append("--branch")
    if idle:
        raise SettingsError(
            "no model takes this option",
            where=listed(idle),
            found=listed(known),
            expected="a model that does: --branch is for fusion, --classifier-horizon for "
            "xgb_classifier, --components, --head, --method, --epochs and --patience for cnn and "
            "fusion, the others for all that learn from features",
            remedy="leave it out, or name such a model with --model",
        )


def _require_fitted_encoder(study: Study, options: ModelOptions) -> None:
    """Refuse what nobody fits."""
    if study.encoder_training is None:
        asked = {f"--{name}": getattr(options, name) for name in ("method", "epochs", "patience")}
        given = [option for option, value in asked.items() if value is not None]
        if given:
            raise SettingsError(
                "no encoder is fitted here",
                where=listed(given),
                found=name_of_table(study.frame, "the feature table"),
                expected="a run of `radpipe embed --encoder radpipe-small` without --weights",
                remedy=f"leave {listed(given)} out",
            )
        return
    require_torch()


def _tell_training(study: Study, options: ModelOptions) -> None:
    """Tell that an encoder is fitted, and warn where few events teach it."""
    if study.encoder_training is None:
        return
    from radpipe.networks.training import warn_of_few_events

    method = options.method or study.encoder_training["method"]
    log.warning(
        "%s learnt from these very patients: its columns are left out, and it learns anew, by %s, "
        "wherever a model is fitted, which takes minutes",
        study.encoder,
        method,
    )
    if method == SUPERVISED:
        warn_of_few_events(fewest_of(study.endpoint))


def _objection(study: Study, name: str, kind: str, options: ModelOptions) -> str | None:
    model = model_class(name)()
    if kind not in model.endpoints:
        return f"it learns a {' or '.join(model.endpoints)} endpoint, and this one is {kind}"
    fewest = fewest_of(study.endpoint)
    if fewest < MIN_EVENTS and name not in BASELINES:
        what = "patients of the rarer outcome" if study.binary else "events"
        return f"too few: {fewest} {what}, and at least {MIN_EVENTS} are needed to evaluate a model"
    if not model.take(columns_of(study, options)):
        if name == VOLUME:
            return "no volume baseline: the table has no volume column; name one with --volume"
        if name == CNN:
            return "no embedding: give the directory or the embeddings.parquet of `radpipe embed`"
        return "the table has no column for it"
    return None
