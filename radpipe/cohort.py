"""The manifest: a table of cases, validated as a whole before any image is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from radpipe.errors import CohortError

if TYPE_CHECKING:
    import pandas as pd

ALL_LABELS: Literal["all"] = "all"
_COLUMNS = ("case_id", "patient_id", "image", "mask", "label", "label_channel", "roi", "modality")
# PyRadiomics' own batch CSV, by its names.
_PYRADIOMICS_COLUMNS = {
    "Image": "image",
    "Mask": "mask",
    "ID": "patient_id",
    "Label": "label",
    "Label_channel": "label_channel",
}
_SHOWN = 10


@dataclass(frozen=True)
class Case:
    """One image and one ROI of one patient.

    Attributes
    ----------
    case_id : str
        Unique in the cohort.
    patient_id : str
        The unit of splitting.
    image, mask : Path
        Files.
    label : int, "all" or None
        Label of the ROI in the mask; None until :meth:`resolved`.
    label_channel : int or None
        Channel of a vector mask; None until :meth:`resolved`.
    roi, modality : str
        What the manifest says; may be empty.
    extra : dict
        The manifest's further columns.
    """

    case_id: str
    patient_id: str
    image: Path
    mask: Path
    label: int | Literal["all"] | None = None
    label_channel: int | None = None
    roi: str = ""
    modality: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def keys(self) -> dict[str, Any]:
        """Return the columns that name the case in every table.

        Returns
        -------
        dict
            ``case_id`` … ``label`` and the manifest's further columns.
        """
        return {
            "case_id": self.case_id,
            "patient_id": self.patient_id,
            "modality": self.modality,
            "roi": self.roi,
            "label": self.label if isinstance(self.label, int) else None,
            **self.extra,
        }

    def resolved(self, label: int, label_channel: int) -> Case:
        """Return this case with the settings' label and channel where it has none.

        Parameters
        ----------
        label, label_channel : int
            The settings'.

        Returns
        -------
        Case
            Its ROI is known.
        """
        return replace(
            self,
            label=label if self.label is None else self.label,
            label_channel=label_channel if self.label_channel is None else self.label_channel,
        )

    def with_label(self, label: int) -> Case:
        """Return this case for one of its mask's labels.

        Parameters
        ----------
        label : int
            The label.

        Returns
        -------
        Case
            Its case_id ends in the label.
        """
        return replace(self, case_id=f"{self.case_id}_label-{label}", label=label)


def read_cohort(source: str | Path | pd.DataFrame) -> list[Case]:
    """Read and validate a manifest.

    Parameters
    ----------
    source : str, Path or DataFrame
        A CSV file with the columns ``patient_id``, ``image``, ``mask`` and optionally
        ``case_id``, ``label`` (an integer or ``all``), ``roi``, ``modality`` and others; or
        PyRadiomics' own batch CSV; or the same as a table. Paths are relative to the CSV file,
        those of a table to the working directory.

    Returns
    -------
    list of Case
        In the manifest's order.

    Raises
    ------
    CohortError
        A column is missing, a cell is empty or wrong, or a case stands there twice.
    """
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        return _cases(source, Path(), "the cohort table")
    path = Path(source)
    return _cases(_read_csv(path), path.parent, str(path))


def _read_csv(path: Path) -> pd.DataFrame:
    from radpipe.store.files import read_csv_text

    try:
        return read_csv_text(path)
    except (OSError, ValueError) as error:
        raise CohortError(
            "cannot read the manifest",
            where=str(path),
            found=error,
            expected="a CSV file with the columns patient_id, image, mask",
            remedy="mend the path, or save the table as CSV in UTF-8",
        ) from error


def _cases(table: pd.DataFrame, folder: Path, where: str) -> list[Case]:
    table = _with_our_names(table, where)
    if table.empty:
        raise CohortError(
            "the manifest holds no case", where=where, expected="one row a case below the header"
        )
    further = {name: _one_type(table[name]) for name in table.columns if name not in _COLUMNS}
    cases = [
        _case(
            row,
            f"{where}, row {place + 2}",
            folder,
            {name: cells[place] for name, cells in further.items()},
        )
        for place, row in enumerate(_records(table))
    ]
    if "case_id" not in table.columns:
        cases = _with_case_ids(cases)
    refuse_repeats(cases, where)
    return cases


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): cell for name, cell in row.items()} for row in table.to_dict("records")]


def _with_our_names(table: pd.DataFrame, where: str) -> pd.DataFrame:
    if "Image" in table.columns and "Mask" in table.columns:
        table = table.rename(columns=_PYRADIOMICS_COLUMNS)
        if "patient_id" not in table.columns:
            table = table.assign(patient_id=[str(n) for n in range(1, len(table) + 1)])
    for name in ("patient_id", "image", "mask"):
        if name not in table.columns:
            near = get_close_matches(name, [str(c) for c in table.columns], n=1)
            raise CohortError(
                f"the manifest has no column {name!r}",
                where=where,
                found=", ".join(map(str, table.columns)),
                expected="patient_id, image, mask (or PyRadiomics' Image, Mask)",
                remedy=f"rename {near[0]!r}" if near else None,
            )
    return table


def _case(row: dict[str, Any], where: str, folder: Path, extra: dict[str, Any]) -> Case:
    text = {name: _text(row.get(name)) for name in _COLUMNS}
    for name in ("patient_id", "image", "mask"):
        if not text[name]:
            raise CohortError(
                f"the cell {name!r} is empty", where=where, remedy="fill it, or drop the row"
            )
    if "case_id" in row and not text["case_id"]:
        raise CohortError(
            "the cell 'case_id' is empty", where=where, remedy="fill or drop the column"
        )
    return Case(
        case_id=text["case_id"] or text["patient_id"],
        patient_id=text["patient_id"],
        image=folder / text["image"],
        mask=folder / text["mask"],
        label=_label(text["label"], where),
        label_channel=_integer(text["label_channel"], "label_channel", where, 0),
        roi=text["roi"],
        modality=text["modality"],
        extra=extra,
    )


def _text(cell: Any) -> str:
    if cell is None or cell != cell:
        return ""
    # A label column with holes arrives from pandas as floats.
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip()


def _one_type(column: pd.Series[Any]) -> list[Any]:
    """Make cells that JSON and Parquet can hold: a column of mixed or other types becomes text."""
    cells = [None if cell is None or cell != cell else _plain(cell) for cell in column]
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds <= {int} or kinds <= {float} or kinds <= {bool}:
        return cells
    return [None if cell is None else str(cell) for cell in cells]


def _plain(cell: Any) -> Any:
    return cell.item() if hasattr(cell, "item") else cell


def _label(text: str, where: str) -> int | Literal["all"] | None:
    return ALL_LABELS if text.lower() == ALL_LABELS else _integer(text, "label", where, 1)


def _integer(text: str, name: str, where: str, least: int) -> int | None:
    if not text:
        return None
    try:
        # 1.0 is what pandas writes for 1 where a column has holes.
        number = int(text.removesuffix(".0"))
    except ValueError:
        number = least - 1
    if number < least:
        choices = f"an integer from {least}" + (", or all" if name == "label" else "")
        raise CohortError(
            f"{name!r} is wrong",
            where=where,
            found=repr(text),
            expected=choices,
            remedy="write the number that the mask file holds, or leave the cell empty",
        )
    return number


def _with_case_ids(cases: list[Case]) -> list[Case]:
    count = Counter(case.patient_id for case in cases)
    return [
        replace(case, case_id=_long_id(case)) if count[case.patient_id] > 1 else case
        for case in cases
    ]


def _long_id(case: Case) -> str:
    label = f"label-{case.label}" if isinstance(case.label, int) else ""
    return "_".join(part for part in (case.patient_id, case.modality, case.roi, label) if part)


def refuse_repeats(cases: list[Case], where: str) -> None:
    """Refuse a cohort in which an ROI or a case_id stands twice.

    Parameters
    ----------
    cases : list of Case
        The cohort.
    where : str
        What to call it in an error.

    Raises
    ------
    CohortError
        The cases are named.
    """
    rois = Counter(_roi(case) for case in cases)
    twice = [case for case in cases if rois[_roi(case)] > 1]
    if twice:
        raise CohortError(
            "the same image, mask and label stand in several rows",
            where=where,
            found=_named(case.case_id for case in twice),
            remedy="keep one row of each",
        )
    names = Counter(case.case_id for case in cases)
    repeated = [name for name, count in names.items() if count > 1]
    if repeated:
        raise CohortError(
            "several cases have one case_id",
            where=where,
            found=_named(repeated),
            expected="a case_id a row",
            remedy="add a column case_id, or roi, modality or label to tell them apart",
        )


def _roi(case: Case) -> tuple[Any, ...]:
    # ./a/b and a/c/../b are one file.
    return case.image.resolve(), case.mask.resolve(), case.label, case.label_channel


def _named(names: Any) -> str:
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
