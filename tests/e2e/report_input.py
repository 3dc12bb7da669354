"""A small run, written by the contract alone: no engine."""

import struct
import zlib
from pathlib import Path
from typing import Any

import pandas as pd

from radpipe.store import MASK_VOLUME, Provenance, Run, write_table
from radpipe.store.files import write_json

HOSTILE_IDS = ("<script>alert(1)</script>", 'a/b "c"', "<img src=http://example.org/x.png>")


def png(level: int = 128, side: int = 4) -> bytes:
    """A grey picture, put together by the PNG specification."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    lines = (b"\0" + bytes([level]) * side) * side
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def write_run(
    path: Path,
    ids: list[str],
    failed: tuple[str, ...] = (),
    *,
    told: dict[str, list[Any]] | None = None,
    values: dict[str, list[float]] | None = None,
    seconds: list[float] | None = None,
    facts: dict[str, Any] | None = None,
) -> Run:
    """A run by its layout on disk; ``told`` and ``values`` are further columns of its tables."""
    run = Run(path)
    run.qc_path.mkdir(parents=True)
    pictures = [run.picture_path(f"{place:032x}") for place in range(len(ids))]
    for place, picture in enumerate(pictures):
        picture.write_bytes(png(place % 256))
    volumes = [1000.0 * (place + 1) for place in range(len(ids))]
    features = {MASK_VOLUME: volumes, **(values or {"f": [0.5] * len(ids)})}
    table = pd.concat([_keys(ids), pd.DataFrame(features)], axis=1)
    write_table(run.features_path, table, Provenance("fast", "1"))
    diagnostics = {
        "case_id": pd.Series(ids, dtype="str"),
        "row_key": [picture.stem for picture in pictures],
        "image": [f"/data/{place}.nii.gz" for place in range(len(ids))],
        "mask": [f"/data/{place}_mask.nii.gz" for place in range(len(ids))],
        "picture": [f"qc/{picture.name}" for picture in pictures],
        "roi_voxels": [1000 * (place + 1) for place in range(len(ids))],
        "roi_touches_edge": [False] * len(ids),
        "flat_image_types": [0] * len(ids),
        **(told or {}),
    }
    write_table(run.diagnostics_path, pd.DataFrame(diagnostics).convert_dtypes())
    for picture, taken in zip(pictures, seconds or [0.25] * len(ids), strict=True):
        run.log.add("done", row_key=picture.stem, seconds=taken)
    write_table(run.failures_path, _failures(list(failed)))
    counts = {"cases": len(ids) + len(failed), "rows": len(ids), "failures": len(failed)}
    state = {"state": "finished", "cases": counts["cases"], "counts": counts, "seconds": 75.0}
    write_json(run.facts_path, {"engine": "fast", "values_version": "1", **state, **(facts or {})})
    return run


def _keys(ids: list[str]) -> pd.DataFrame:
    named = pd.Series(ids, dtype="str")
    frame = pd.DataFrame({"case_id": named, "patient_id": named, "modality": "CT", "roi": ""})
    return frame.assign(label=pd.Series([1] * len(ids), dtype="Int64"))


def _failures(ids: list[str]) -> pd.DataFrame:
    """As the batch writes them: the message repeats case, files and remedy."""
    where = "(image /data/x.nii.gz, mask /data/x_mask.nii.gz)"
    remedy = "draw the <b>ROI</b>"
    return _keys(ids).assign(
        stage="check",
        error="EmptyRoiError",
        message=[f"case {one} {where}: nothing is segmented; remedy: {remedy}" for one in ids],
        remedy=remedy,
        row_key=[f"{place:032x}" for place in range(len(ids))],
        image="/data/x.nii.gz",
        mask="/data/x_mask.nii.gz",
    )


def patient_ids(count: int) -> list[str]:
    return [*HOSTILE_IDS, *(f"P{number:03d}" for number in range(count - len(HOSTILE_IDS)))]
