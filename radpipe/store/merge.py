"""Several runs made into one: sites, or shards of a cohort."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from radpipe.errors import RunError
from radpipe.store.run import Run
from radpipe.store.table import (
    MASK_VOLUME,
    Provenance,
    differences,
    read_row_keys,
    write_table,
)
from radpipe.store.writer import RunWriter, writer_of

log = logging.getLogger("radpipe")


def merge(runs: Sequence[str | Path], out: str | Path) -> Run:
    """Put the rows of several finished runs into one.

    Parameters
    ----------
    runs : sequence of str or Path
        Run directories. A case that stands in several must have the same row in all of them; one
        that failed in one run and has a row in another counts as done.
    out : str or Path
        New or empty directory.

    Returns
    -------
    Run
        A run like any other: `extract` goes on with it.

    Raises
    ------
    RunError
        The runs were made with different settings, each difference named; a run is not finished;
        or one case_id names different cases.
    """
    parts = [Run(Path(each)) for each in runs]
    provenance = _one_provenance(parts)
    features = _features(parts)
    if Run(Path(out)).exists():
        raise RunError(
            "the output directory is a run already",
            where=str(out),
            expected="a new or empty directory",
            remedy="name another one with --out",
        )
    with writer_of(out) as writer:
        keys = list(features.pop("row_key"))
        diagnostics, failures = _diagnostics(parts, keys), _failures(parts, features)
        write_table(writer.run.features_path, features, provenance, keys)
        write_table(writer.run.diagnostics_path, diagnostics, provenance, keys)
        write_table(writer.run.failures_path, failures, provenance)
        _bring_along(parts, writer, set(keys), set(failures["row_key"]))
        counts = {"rows": len(features), "failures": len(failures)}
        counts = {"cases": sum(counts.values()), **counts}
        merged = [str(part.path) for part in parts]
        facts = {"merged": merged, "cases": counts["cases"], "counts": counts, "seconds": 0.0}
        facts["started"] = datetime.now(UTC).isoformat(timespec="seconds")
        writer.run.log.add("merged", runs=merged, **counts)
        writer.finish(provenance, facts)
    return writer.run


def _one_provenance(parts: Sequence[Run]) -> Provenance:
    found = [part.features()[1] for part in parts]
    for part, provenance in zip(parts, found, strict=True):
        if provenance is None:
            raise RunError("the table does not tell what made it", where=str(part.features_path))
        first = found[0] or provenance
        if told := list(differences(asdict(first), asdict(provenance))):
            raise RunError(
                "the runs were made with different settings",
                where=f"{parts[0].path} and {part.path}",
                found="; ".join(f"{path}: {ours} and {theirs}" for path, ours, theirs in told),
                expected="the same engine, values version and settings",
                remedy="extract one of them again with the other's settings",
            )
    if not found or found[0] is None:
        raise RunError("no run to merge", expected="at least one run directory")
    return found[0]


def _features(parts: Sequence[Run]) -> pd.DataFrame:
    frames = [
        part.features()[0].assign(row_key=_row_keys(part), run=str(part.path)) for part in parts
    ]
    table = pd.concat(frames, ignore_index=True).drop_duplicates(["case_id", "row_key"])
    twice = table[table["case_id"].duplicated(keep=False)]
    if len(twice):
        case = twice["case_id"].iloc[0]
        raise RunError(
            "one case_id names different cases",
            where=f"case {case}",
            found=f"in {', '.join(twice.loc[twice['case_id'] == case, 'run'])}; "
            f"{twice['case_id'].nunique()} such case_id in all",
            remedy="tell them apart in the manifests, such as by the site's name before the ID",
        )
    for _, same in table.groupby("row_key", sort=False):
        if len(same) > 1:
            log.warning(
                "the same image and ROI under several names: %s", ", ".join(same["case_id"])
            )
    names = [str(name) for name in table.columns if name != "run"]
    values = [str(name) for name in frames[0].columns]
    values = values[values.index(MASK_VOLUME) : -len(("row_key", "run"))]
    further = [name for name in names if name not in {*values, "row_key"}]
    return table[[*further, *values, "row_key"]].reset_index(drop=True)


def _row_keys(part: Run) -> list[str]:
    keys = read_row_keys(part.features_path)
    if not keys and len(part.features()[0]):
        raise RunError(
            "the run is of an earlier radpipe, whose rows have no keys",
            where=str(part.path),
            remedy="extract it again",
        )
    return keys


def _diagnostics(parts: Sequence[Run], keys: Sequence[str]) -> pd.DataFrame:
    table = pd.concat([part.diagnostics() for part in parts], ignore_index=True)
    table = table.drop_duplicates(["case_id", "row_key"])
    return table[table["row_key"].isin(keys)].reset_index(drop=True).convert_dtypes()


def _failures(parts: Sequence[Run], features: pd.DataFrame) -> pd.DataFrame:
    table = pd.concat([part.failures() for part in parts], ignore_index=True)
    table = table[~table["case_id"].isin(features["case_id"])].drop_duplicates("case_id")
    return table.reset_index(drop=True)


def _bring_along(parts: Sequence[Run], writer: RunWriter, rows: set[str], failed: set[str]) -> None:
    """Take what makes the merged run one to go on with: hashes, failures, pictures, times."""
    for part in parts:
        theirs = RunWriter(part)
        writer.files |= theirs.files
        writer.labels |= theirs.labels
        for key in failed & theirs.failures.keys():
            writer.run.rows.put(key, theirs.failures[key])
        for key in rows:
            if part.picture_path(key).is_file():
                shutil.copyfile(part.picture_path(key), writer.run.picture_path(key))
        for key, seconds in part.seconds().items():
            if key in rows:
                writer.run.log.add("done", row_key=key, seconds=seconds)
    writer.write_files()
