"""Several runs made into one: sites, or shards of a cohort."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from radpipe.errors import RunError
from radpipe.store.frames import canonical, feature_table, gathered, stacked
from radpipe.store.rows import writing_to
from radpipe.store.run import Run, runs_in
from radpipe.store.table import (
    MASK_VOLUME,
    Provenance,
    column_names,
    differences,
    read_columns,
    read_provenance,
    read_row_keys,
    read_table,
    write_table,
)
from radpipe.store.writer import RunWriter, writer_of

log = logging.getLogger("radpipe")


@dataclass(frozen=True)
class _Whole:
    """The cases of all parts, each once."""

    provenance: Provenance
    keys: pd.DataFrame
    row_keys: list[str]
    places: list[int]
    diagnostics: pd.DataFrame
    failures: pd.DataFrame

    def counts(self) -> dict[str, int]:
        rows, failures = len(self.row_keys), len(self.failures)
        return {"cases": rows + failures, "rows": rows, "failures": failures}


def merge(runs: Sequence[str | Path], out: str | Path) -> Run:
    """Put the rows of several finished runs into one.

    Parameters
    ----------
    runs : sequence of str or Path
        Run directories, or directories that hold some. A case that stands in several must have
        the same row in all of them; one that failed in one run and has a row in another counts as
        done.
    out : str or Path
        New or empty directory, or one where a merge of the same runs did not come to its end.

    Returns
    -------
    Run
        A run like any other: `extract` goes on with it.

    Raises
    ------
    RunError
        The runs were made with different settings, each difference named; a run is not finished,
        or one of embeddings;
        one case_id names different cases; or the disk is full.
    """
    parts = [Run(path) for each in runs for path in runs_in(each) or [Path(each)]]
    whole = _whole(parts)
    merged = [str(part.path) for part in parts]
    _refuse_other(Run(Path(out)), merged)
    facts: dict[str, Any] = {"merged": merged, "cases": whole.counts()["cases"]}
    facts["started"] = datetime.now(UTC).isoformat(timespec="seconds")
    with writer_of(out) as writer:
        writer.start(whole.provenance, facts)
        todo = len(whole.row_keys)
        writer.run.log.add("started", cases=facts["cases"], todo=todo, workers="merge")
        with writing_to(writer.run.path):
            _write_tables(parts, whole, writer.run)
            _bring_along(parts, whole, writer)
        writer.run.log.add("merged", runs=merged, **whole.counts())
        writer.finish(whole.provenance, {**facts, "counts": whole.counts(), "seconds": 0.0})
    return writer.run


def _whole(parts: Sequence[Run]) -> _Whole:
    if len({part.path.resolve() for part in parts}) < len(parts):
        raise RunError(
            "a run is named twice",
            where=", ".join(str(part.path) for part in parts),
            remedy="name each run once",
        )
    provenance = _one_provenance(parts)
    _refuse_other_columns(parts)
    cases = _cases(parts)
    names = [name for name in cases.columns if name not in ("row_key", "run", "place")]
    diagnostics = stacked([part.diagnostics() for part in parts])
    _refuse_other_images(parts)
    diagnostics = diagnostics.drop_duplicates(["case_id", "row_key"])
    diagnostics = diagnostics[diagnostics["row_key"].isin(cases["row_key"])]
    failures = _concatenated([part.failures() for part in parts])
    failures = failures[~failures["case_id"].isin(cases["case_id"])].drop_duplicates("case_id")
    return _Whole(
        provenance=provenance,
        keys=cases[names],
        row_keys=list(cases["row_key"]),
        places=list(cases["place"]),
        diagnostics=diagnostics.reset_index(drop=True),
        failures=failures.reset_index(drop=True),
    )


def _refuse_other(run: Run, merged: list[str]) -> None:
    if run.exists() and not run.is_merge_of(merged):
        raise RunError(
            "the output directory is a run already",
            where=str(run.path),
            expected="a new or empty directory, or an unfinished merge of the same runs",
            remedy="name another one with --out",
        )


def _one_provenance(parts: Sequence[Run]) -> Provenance:
    found = []
    for part in parts:
        part.require_features("merged", "embed all cases by one manifest")
        part.require_finished()
        provenance = read_provenance(part.features_path)
        if provenance is None:
            raise RunError("the table does not tell what made it", where=str(part.features_path))
        found.append(provenance)
        if told := list(differences(asdict(found[0]), asdict(provenance))):
            raise RunError(
                "the runs were made with different settings",
                where=f"{parts[0].path} and {part.path}",
                found="; ".join(f"{path}: {ours} and {theirs}" for path, ours, theirs in told),
                expected="the same engine, values version and settings",
                remedy="extract one of them again with the other's settings",
            )
    if not found:
        raise RunError("no run to merge", expected="at least one run directory")
    return found[0]


def _refuse_other_columns(parts: Sequence[Run]) -> None:
    ours = set(_number_names(parts[0]))
    for part in parts:
        if other := ours ^ set(_number_names(part)):
            raise RunError(
                "the runs have different columns",
                where=f"{parts[0].path} and {part.path}",
                found=", ".join(sorted(other)),
                expected="features of one release of radpipe",
                remedy="extract the older run again",
            )


def _cases(parts: Sequence[Run]) -> pd.DataFrame:
    """Name all cases that have a row, and where it stands if all tables are one."""
    table = _concatenated([_cases_of(part) for part in parts])
    table["place"] = range(len(table))
    table = table.drop_duplicates(["case_id", "row_key"])
    _refuse_ambiguous(table)
    same = table[table["row_key"].duplicated(keep=False)]
    for _, names in same.groupby("row_key", sort=False)["case_id"]:
        log.warning("the same image and ROI under several names: %s", ", ".join(names))
    return table.reset_index(drop=True)


def _cases_of(part: Run) -> pd.DataFrame:
    names = column_names(part.features_path)
    table, _ = read_table(part.features_path, names[: names.index(MASK_VOLUME)])
    keys = read_row_keys(part.features_path)
    if len(keys) < len(table):
        raise RunError(
            "the run is of an earlier radpipe, whose rows have no keys",
            where=str(part.path),
            remedy="extract it again",
        )
    return table.assign(row_key=keys, run=str(part.path))


def _concatenated(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([each for each in tables if len(each)] or tables[:1], ignore_index=True)


def _refuse_other_images(parts: Sequence[Run]) -> None:
    """Refuse a case_id that failed in one run, and is that of another image in another."""
    columns = ["case_id", "image_sha256"]
    tables = [
        table[columns].astype("str").assign(run=str(part.path))
        for part in parts
        for table in (part.diagnostics(), part.failures())
        if len(table)
    ]
    if tables:
        table = pd.concat(tables, ignore_index=True)
        known = table[table["image_sha256"] != ""]
        _refuse_ambiguous(known.drop_duplicates(columns))


def _refuse_ambiguous(table: pd.DataFrame) -> None:
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


def _write_tables(parts: Sequence[Run], whole: _Whole, run: Run) -> None:
    names = _number_names(parts[0])
    sources = [read_columns(part.features_path, names) for part in parts]
    features = feature_table(whole.keys, names, gathered(sources, whole.places))
    diagnostics = canonical(whole.diagnostics)
    write_table(run.features_path, features, whole.provenance, whole.row_keys)
    write_table(run.diagnostics_path, diagnostics, whole.provenance, whole.row_keys)
    write_table(run.failures_path, whole.failures, whole.provenance)


def _number_names(part: Run) -> list[str]:
    names = column_names(part.features_path)
    return names[names.index(MASK_VOLUME) :]


def _bring_along(parts: Sequence[Run], whole: _Whole, writer: RunWriter) -> None:
    """Take what makes the merged run one to go on with: hashes, failures, pictures, times."""
    rows, failed = set(whole.row_keys), set(whole.failures["row_key"])
    for part in parts:
        files, labels = part.known_files()
        writer.files |= files
        writer.labels |= labels
        for key in failed.intersection(part.failures()["row_key"]):
            if failure := part.rows.failure(key):
                writer.run.rows.put(key, failure)
        for key in rows.intersection(read_row_keys(part.features_path)):
            if part.picture_path(key).is_file():
                shutil.copyfile(part.picture_path(key), writer.run.picture_path(key))
        for key, seconds in part.seconds().items():
            if key in rows:
                writer.run.log.add("done", row_key=key, seconds=seconds)
    writer.write_files()
