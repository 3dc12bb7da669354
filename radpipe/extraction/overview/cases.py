"""What the page says of each case, gathered from a run's tables."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from radpipe.store import KEY_COLUMNS, MASK_VOLUME, Run, read_table

TINY_ROI_VOXELS = 64
_MOSTLY = 0.5
_KEYS = list(KEY_COLUMNS)
_REASONS = "diagnostics_Undefined"
_FAILED_COLUMNS = [*_KEYS, "stage", "error", "message", "remedy", "image", "mask"]
_TOLD_COLUMNS = [
    "case_id", "row_key", "image", "mask", "picture",
    "roi_voxels", "roi_touches_edge", "flat_image_types", "patch_outside", "patch_padded", _REASONS,
]  # fmt: skip

Record = dict[str, Any]


@dataclass(frozen=True)
class Flag:
    """Something about a case that a person should look at.

    Attributes
    ----------
    key : str
        Its name in the page's data.
    name : str
        Its name for people.
    why : str
        What it means, and what to do.
    raised : callable
        Tells whether a case's record has it.
    of_patches : bool or None
        Whether it says something of what an encoder is shown; False: of features; None: of the ROI.
    """

    key: str
    name: str
    why: str
    raised: Callable[[Record], bool]
    of_patches: bool | None = None


FLAGS = (
    Flag(
        "failed",
        "Failed",
        "the case has no row; the table of failures tells why, and what to do",
        lambda case: bool(case["error"]),
    ),
    Flag(
        "flat",
        "Flat features",
        "after discretisation the ROI has one grey level only, in one image type at least, so that "
        "its texture features say nothing: a finer bin width, or a look at the image",
        lambda case: (case["flat"] or 0) > 0,
        of_patches=False,
    ),
    Flag(
        "tiny",
        "Tiny ROI",
        f"fewer than {TINY_ROI_VOXELS} voxels as drawn: texture and shape of so few are chance",
        lambda case: case["voxels"] is not None and case["voxels"] < TINY_ROI_VOXELS,
    ),
    Flag(
        "clipped",
        "Clipped mask",
        "the ROI reaches the border of the image, and what lies beyond it is missing",
        lambda case: bool(case["clipped"]),
    ),
    Flag(
        "undefined",
        "Undefined features",
        "some features are not defined for this ROI, and NaN in the table",
        lambda case: (case["unusual"] or 0) > 0,
        of_patches=False,
    ),
    Flag(
        "larger",
        "Larger than the patch",
        "part of the ROI lies outside the patch, where the encoder does not see it: embed with a "
        "larger spacing, if the encoder bears one",
        lambda case: (case["outside"] or 0) > 0,
        of_patches=True,
    ),
    Flag(
        "padded",
        "Mostly padding",
        f"more than {_MOSTLY:.0%} of the patch lies outside the image",
        lambda case: (case["padded"] or 0) > _MOSTLY,
        of_patches=True,
    ),
)


@dataclass(frozen=True)
class Cases:
    """The cases of a run, so far as its tables hold them.

    Attributes
    ----------
    done : list of dict
        One a row, in the table's order.
    failed : list of dict
        One a failed case.
    features : int
        Feature columns of the table.
    """

    done: list[Record]
    failed: list[Record]
    features: int

    @property
    def all(self) -> list[Record]:
        """Every case, those with features first."""
        return [*self.done, *self.failed]


def cases_of(run: Run) -> Cases:
    """Gather a run's cases.

    Parameters
    ----------
    run : Run
        The run; where it is not finished, what its tables hold so far.

    Returns
    -------
    Cases
        Their records, with their flags.

    Raises
    ------
    TableError
        A table cannot be read.
    """
    features = _table(run.features_path, [*_KEYS, MASK_VOLUME])
    told = _table(run.diagnostics_path, _TOLD_COLUMNS).reindex(columns=_TOLD_COLUMNS)
    failures = _table(run.failures_path, _FAILED_COLUMNS).reindex(columns=_FAILED_COLUMNS)
    # A run that goes on replaces one table after the other, and this may be the moment between.
    failures = failures[~failures["case_id"].isin(features["case_id"])]
    columns = list(features.columns)
    # The table's order: keys, further columns of the manifest, the volume, features.
    names = columns[columns.index(MASK_VOLUME) + 1 :]
    undefined = features[names].isna()
    # What no case has is the settings' doing, and flags none of them.
    everywhere = int(undefined.all().sum()) if len(undefined) > 1 else 0
    count = undefined.sum(axis=1)
    rows = features[[*_KEYS, MASK_VOLUME]].assign(undefined=count, unusual=count - everywhere)
    told = told.assign(seconds=told["row_key"].map(run.seconds()))
    rows = rows.merge(told, on="case_id", how="left")
    return Cases(
        [_record(row) for row in rows.to_dict("records")],
        [_record(row) for row in failures.to_dict("records")],
        len(names),
    )


def _table(path: Path, columns: list[str]) -> pd.DataFrame:
    return read_table(path)[0] if path.is_file() else pd.DataFrame(columns=columns)


def _record(row: dict[Any, Any]) -> Record:
    """Make what JSON can hold; None is what is not known."""
    row = {name: None if pd.isna(cell) else cell for name, cell in row.items()}
    case: Record = {
        **{name: str(row[name] or "") for name in ("case_id", "patient_id", "modality", "roi")},
        **{name: str(row.get(name) or "") for name in ("picture", "image", "mask")},
        **{name: str(row.get(name) or "") for name in ("stage", "error", "remedy")},
        "label": _as(int, row["label"]),
        "voxels": _as(int, row.get("roi_voxels")),
        "volume_mm3": _as(float, row.get(MASK_VOLUME)),
        "seconds": _as(float, row.get("seconds")),
        "undefined": _as(int, row.get("undefined")),
        "unusual": _as(int, row.get("unusual")),
        "flat": _as(int, row.get("flat_image_types")),
        "clipped": _as(bool, row.get("roi_touches_edge")),
        "outside": _as(float, row.get("patch_outside")),
        "padded": _as(float, row.get("patch_padded")),
    }
    case["message"] = _without_repeats(str(row.get("message") or ""), case)
    case["reasons"] = _reasons(row.get(_REASONS))
    case["flags"] = [flag.key for flag in FLAGS if flag.raised(case)]
    return case


def _as(kind: type, cell: Any) -> Any:
    return None if cell is None else kind(cell)


def _without_repeats(message: str, case: Record) -> str:
    """Leave out of a failure's message what other columns say: case, files, remedy."""
    files = f" (image {case['image']}, mask {case['mask']})"
    message = message.removeprefix(f"case {case['case_id']}").removeprefix(files)
    return message.removeprefix(": ").removesuffix(f"; remedy: {case['remedy']}")


def _reasons(told: Any) -> list[str]:
    """Say why features are undefined, the commonest reason first."""
    if not told:
        return []
    counts = Counter(json.loads(told).values())
    return [f"{count} × {reason}" for reason, count in counts.most_common()]
