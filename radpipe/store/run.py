"""The run directory of an extraction.

::

    RUN/
      features.parquet      one row a case
      diagnostics.parquet   one row a case: what the engine says about it
      failures.parquet      one row a failed case; always there
      run.json              settings, versions, hashes of the inputs, times
      qc/                   one overlay picture a case
      rows/                 finished rows while the run goes on
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radpipe.errors import RunError
from radpipe.store.files import empty_directory, read_json, write_json
from radpipe.store.table import KEY_COLUMNS, MASK_VOLUME, Provenance, read_table, write_table


@dataclass(frozen=True)
class Row:
    """A finished case.

    Attributes
    ----------
    keys : dict
        ``case_id`` … ``label`` and any further manifest column.
    features : dict of str to float
        Every planned column and the mask's volume.
    diagnostics : dict
        What the engine says about the case.
    inputs : dict
        Path and SHA-256 of image and mask, channel of the mask.
    seconds : float
        Wall time of the case.
    """

    keys: dict[str, Any]
    features: dict[str, float]
    diagnostics: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class Failure:
    """A case that gave no row.

    Attributes
    ----------
    keys : dict
        ``case_id`` … ``label``.
    stage : str
        ``read``, ``check``, ``extract`` or ``worker``.
    error : str
        Class of the error.
    message : str
        The whole message.
    remedy : str
        What to do.
    inputs : dict
        Path of image and mask, and SHA-256 where there is such a file.
    """

    keys: dict[str, Any]
    stage: str
    error: str
    message: str
    remedy: str
    inputs: dict[str, Any] = field(default_factory=dict)


class Run:
    """A run directory.

    Parameters
    ----------
    path : Path
        The directory. Nothing is read or made until a method asks for it.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    @property
    def features_path(self) -> Path:
        """The feature table."""
        return self.path / "features.parquet"

    @property
    def qc_path(self) -> Path:
        """The folder of overlay pictures."""
        return self.path / "qc"

    def picture_path(self, position: int) -> Path:
        """Return where the overlay of the case at this place in the cohort lies.

        Parameters
        ----------
        position : int
            Place in the cohort; a case_id may hold characters that a file name may not.

        Returns
        -------
        Path
            A PNG file.
        """
        return self.qc_path / f"{position:06d}.png"

    def make(self) -> None:
        """Make the directory's folders.

        Raises
        ------
        RunError
            It is there already and not empty, or cannot be made.
        """
        empty_directory(self.path)
        self.qc_path.mkdir()
        self._rows_path.mkdir()

    def put(self, position: int, outcome: Row | Failure) -> None:
        """Keep one case's outcome; workers call this, each for its own case.

        Parameters
        ----------
        position : int
            The case's place in the cohort.
        outcome : Row or Failure
            What became of it.
        """
        kind = "row" if isinstance(outcome, Row) else "failure"
        write_json(
            self._rows_path / f"{position:06d}.json", {"kind": kind, "outcome": asdict(outcome)}
        )

    def outcomes(self) -> Iterator[tuple[int, Row | Failure]]:
        """Yield what :meth:`put` kept, in the cohort's order.

        Yields
        ------
        tuple of (int, Row or Failure)
            Place in the cohort and outcome.
        """
        for path in sorted(self._rows_path.glob("*.json")):
            content = read_json(path)
            kind = Row if content["kind"] == "row" else Failure
            yield int(path.stem), kind(**content["outcome"])

    def finish(
        self,
        columns: Iterable[str],
        key_columns: Iterable[str],
        provenance: Provenance,
        facts: dict[str, Any],
    ) -> None:
        """Write the three tables and ``run.json``, then drop the single rows.

        Parameters
        ----------
        columns : iterable of str
            Planned feature columns, in order; all are written, also where no case gave one.
        key_columns : iterable of str
            ``case_id`` … and the manifest's further columns, in order.
        provenance : Provenance
            What decided the values.
        facts : dict
            Further entries of ``run.json``.
        """
        key_columns = list(key_columns)
        places = dict(self.outcomes())
        rows = {place: row for place, row in places.items() if isinstance(row, Row)}
        failures = [failure for failure in places.values() if isinstance(failure, Failure)]
        write_table(
            self.features_path, _feature_frame(rows.values(), key_columns, columns), provenance
        )
        write_table(self.path / "diagnostics.parquet", _diagnostics_frame(rows.values()))
        write_table(self.path / "failures.parquet", _failure_frame(failures))
        cases = {
            outcome.keys["case_id"]: {
                **outcome.inputs,
                **(self._row_facts(place, outcome) if isinstance(outcome, Row) else {}),
            }
            for place, outcome in places.items()
        }
        counts = {"cases": len(places), "rows": len(rows), "failures": len(failures)}
        write_json(
            self.path / "run.json",
            {**asdict(provenance), **facts, "counts": counts, "cases": cases},
        )
        shutil.rmtree(self._rows_path)

    def features(self) -> tuple[pd.DataFrame, Provenance | None]:
        """Read the feature table.

        Returns
        -------
        tuple of (DataFrame, Provenance or None)
            One row a case, and what made it.

        Raises
        ------
        RunError
            The directory holds no finished run.
        """
        self._require_finished()
        return read_table(self.features_path)

    def failures(self) -> pd.DataFrame:
        """Read the failed cases.

        Returns
        -------
        DataFrame
            Keys, ``stage``, ``error``, ``message``, ``remedy``.

        Raises
        ------
        RunError
            The directory holds no finished run.
        """
        self._require_finished()
        return read_table(self.path / "failures.parquet")[0]

    def diagnostics(self) -> pd.DataFrame:
        """Read what the engine says about each case.

        Returns
        -------
        DataFrame
            One row a case.

        Raises
        ------
        RunError
            The directory holds no finished run.
        """
        self._require_finished()
        return read_table(self.path / "diagnostics.parquet")[0]

    def facts(self) -> dict[str, Any]:
        """Read ``run.json``.

        Returns
        -------
        dict
            Settings, versions, hashes, times.

        Raises
        ------
        RunError
            The directory holds no finished run.
        """
        self._require_finished()
        facts: dict[str, Any] = read_json(self.path / "run.json")
        return facts

    def _row_facts(self, place: int, row: Row) -> dict[str, Any]:
        picture = self.picture_path(place).relative_to(self.path).as_posix()
        return {"seconds": round(row.seconds, 3), "picture": picture}

    @property
    def _rows_path(self) -> Path:
        return self.path / "rows"

    def _require_finished(self) -> None:
        if not (self.path / "run.json").is_file():
            raise RunError(
                "no finished run in this directory",
                where=str(self.path),
                found="no run.json" if self.path.is_dir() else "no such directory",
                expected="a directory that `radpipe extract --out` made",
                remedy="extract again into another directory: a stopped run cannot be read",
            )


def _feature_frame(
    rows: Iterable[Row], key_columns: list[str], columns: Iterable[str]
) -> pd.DataFrame:
    rows = list(rows)
    names = [MASK_VOLUME, *columns]
    values = np.array([[row.features[name] for name in names] for row in rows], dtype=np.float64)
    features = pd.DataFrame(values.reshape(len(rows), len(names)), columns=names)
    return pd.concat([_key_frame([row.keys for row in rows], key_columns), features], axis=1)


def _diagnostics_frame(rows: Iterable[Row]) -> pd.DataFrame:
    frame = pd.DataFrame([{"case_id": row.keys["case_id"], **row.diagnostics} for row in rows])
    return frame if len(frame.columns) else pd.DataFrame({"case_id": pd.Series(dtype="str")})


def _failure_frame(failures: list[Failure]) -> pd.DataFrame:
    keys = _key_frame([failure.keys for failure in failures], list(KEY_COLUMNS))
    told = ["stage", "error", "message", "remedy"]
    return keys.assign(
        **{
            name: pd.Series([getattr(failure, name) for failure in failures], dtype="str")
            for name in told
        }
    )


def _key_frame(keys: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame({name: [row.get(name) for row in keys] for name in columns})
    for name in ("case_id", "patient_id", "modality", "roi"):
        frame[name] = frame[name].astype("str").where(frame[name].notna(), "")
    frame["label"] = frame["label"].astype("Int64")
    return frame
