"""Which column plays which part in a study."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from radpipe.errors import SettingsError
from radpipe.prognosis.tables.outcomes import event_column

_NEEDED = ("event", "id")


@dataclass(frozen=True)
class Roles:
    """Which column plays which part.

    Attributes
    ----------
    event : str
        Column that is 1 or True where the event happened, 0 or False where not, or
        ``COLUMN=VALUE``.
    time : str, optional
        Column of the time since the start; without it the endpoint is binary.
    clinical_columns : sequence of str
        Predictors beside the features.
    features : str, optional
        Which columns are features, as names with ``*`` and ``?``; else those that extraction made.
    volume : str, optional
        Column of the tumour's volume, where its name does not tell.
    id : str
        Column that names the patient.
    batch : str, optional
        Column that names scanner or hospital, for harmonisation.
    centre : str, optional
        Column that names the hospital, to leave out one after the other.
    origin_days : str, optional
        Column of a day, counted as the times are: times run from it.
    per_patient : {"largest", "mean", "wide"}, optional
        What to do where a patient has several rows.
    unmatched : {"refuse", "drop"}
        What to do with patients that only one table knows, or without an outcome.
    force : bool
        Take predictors whose names resemble a time, an event or a treatment.
    """

    event: str
    time: str | None = None
    clinical_columns: Sequence[str] = ()
    features: str | None = None
    volume: str | None = None
    id: str = "patient_id"
    batch: str | None = None
    centre: str | None = None
    origin_days: str | None = None
    per_patient: str | None = None
    unmatched: str = "refuse"
    force: bool = False

    def facts(self) -> dict[str, Any]:
        """Write them down, so that ``Roles(**facts)`` are the same again.

        Returns
        -------
        dict
            What JSON can hold.
        """
        return {**asdict(self), "clinical_columns": list(self.clinical_columns)}

    def others(self, columns: Collection[str]) -> list[str]:
        """Name the columns that are no features whatever a pattern says.

        Parameters
        ----------
        columns : collection of str
            Of a table, to tell ``COLUMN=VALUE`` from a name.

        Returns
        -------
        list of str
            Endpoint first, then origin, clinical columns, batch, centre.
        """
        event, _ = event_column(self.event, columns)
        parts = [self.time, event, self.origin_days, *self.clinical_columns]
        named = [name for name in (*parts, self.batch, self.centre) if name is not None]
        return list(dict.fromkeys(named))

    def require_sense(self) -> None:
        """Refuse a part without a column, and a column with two parts that exclude each other.

        Raises
        ------
        SettingsError
            A name is empty, the endpoint would predict itself, or an origin of times is named
            without times.
        """
        self._require_names()
        if isinstance(self.clinical_columns, str):
            raise SettingsError(
                "one text where a list of names is wanted",
                where="clinical_columns",
                found=repr(self.clinical_columns),
                expected=repr(self.clinical_columns.split(",")),
                remedy="write it as a list",
            )
        predictors = {*self.clinical_columns, self.batch, self.centre, self.volume}
        leaking = {self.time, self.event, self.event.rpartition("=")[0], self.origin_days}
        twice = (leaking & predictors) - {None}
        if twice:
            raise SettingsError(
                "the endpoint cannot predict itself",
                where="--clinical-columns",
                found=", ".join(sorted(str(name) for name in twice)),
                expected="columns known at the start",
                remedy="leave them out of --clinical-columns",
            )
        if self.origin_days is not None and self.time is None:
            raise SettingsError(
                "an origin of times that are not there",
                where="--origin-days",
                found=self.origin_days,
                expected="a column of times",
                remedy="name it with --time, or leave out --origin-days",
            )

    def _require_names(self) -> None:
        for part, name in asdict(self).items():
            if isinstance(name, str) and not name.strip():
                option = f"--{part.replace('_', '-')}"
                raise SettingsError(
                    "an empty name",
                    where=option,
                    found=repr(name),
                    expected="something",
                    remedy="name one" if part in _NEEDED else f"name one, or leave {option} out",
                )
