"""The perturbed versions of one case, written to files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from radpipe.cohort import ALL_LABELS, Case
from radpipe.errors import RoiTooSmallError, RunError, raise_if_interrupted
from radpipe.extraction.batch.job import failure_of
from radpipe.extraction.image import check_finite
from radpipe.extraction.io import labels_in, read_image, read_mask
from radpipe.extraction.perturb.chain import Chain, changes_image, perturbed
from radpipe.extraction.perturb.pair import Pair, image_like, mask_like, pair_of, region_of
from radpipe.extraction.preprocess.check import RoiSetting
from radpipe.extraction.preprocess.pair import checked_pair
from radpipe.store.files import whole_file

KIND, OF = "perturbation", "unperturbed"
_LEAST_VOXELS = 2
# NIfTI headers hold single precision: a mask would part from an original image in another format.
_SUFFIX = ".nrrd"


@dataclass(frozen=True)
class Order:
    """What is made of every case.

    Attributes
    ----------
    chains : tuple of tuple of str
        Which perturbations; see :func:`chain.chains_of`.
    count : int
        Versions a chain.
    seed : int
        Decides all draws, together with what a version is called.
    folder : Path
        Where the files go, one folder a case.
    crop_mm : float or None
        How much of the image is kept around the ROI; all of it if None.
    """

    chains: tuple[Chain, ...]
    count: int
    seed: int
    folder: Path
    crop_mm: float | None = None


@dataclass
class Made:
    """What became of one case.

    Attributes
    ----------
    rows : list of dict
        Of the new manifest, one a version; its files are absolute.
    failures : list of dict
        ``case_id``, ``patient_id``, ``error``, ``message`` and ``remedy`` of what failed.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)

    def fail(self, case: Case, error: Exception) -> None:
        """Note what failed.

        Parameters
        ----------
        case : Case
            The case, or one version of it.
        error : Exception
            Why.

        Raises
        ------
        RunError
            It concerns all cases, not this one.
        """
        raise_if_interrupted(error)
        if isinstance(error, RunError):
            raise error
        told = failure_of(error, {})
        self.failures.append(
            {
                "case_id": case.case_id,
                "patient_id": case.patient_id,
                "error": told.error,
                "message": f"case {case.case_id}: {told.message}",
                "remedy": told.remedy,
            }
        )


def perturb_case(order: Order, numbered: tuple[int, Case]) -> Made:
    """Make all versions of a case.

    Parameters
    ----------
    order : Order
        What is made of every case.
    numbered : tuple of (int, Case)
        The case and its place in the manifest.

    Returns
    -------
    Made
        A version that fails takes none of the others along.

    Raises
    ------
    RunError
        The disk is full, or may not be written to.
    """
    place, case = numbered
    made = Made()
    try:
        image, mask = read_image(case.image), read_mask(case.mask, case.label_channel or 0)
        check_finite(image)
        rois = list(_rois(case))
    except Exception as error:
        made.fail(case, error)
        return made
    folder = order.folder / f"{place:05d}_{_plain(case.case_id)}"
    for roi in rois:
        try:
            checked_pair(image, mask, RoiSetting(), int(roi.label or 1))
        except Exception as error:
            made.fail(roi, error)
            continue
        _make_versions(order, roi, image, mask, folder, made)
    return made


def _rois(case: Case) -> Iterator[Case]:
    if case.label != ALL_LABELS:
        yield replace(case, label=case.label or 1)
        return
    for label in labels_in(case.mask, case.label_channel or 0) or [1]:
        yield case.with_label(label)


def _plain(name: str) -> str:
    # A case_id may hold anything, and a folder's name may not.
    return re.sub(r"[^A-Za-z0-9.-]+", "_", name)[:60]


def _make_versions(
    order: Order, roi: Case, image: sitk.Image, mask: sitk.Image, folder: Path, made: Made
) -> None:
    pair = pair_of(image, mask, int(roi.label or 1))
    if order.crop_mm is not None:
        box = pair.around(order.crop_mm)
        image, pair = region_of(image, box), pair.cropped(box)
    versions = [chain for chain in order.chains for _ in range(order.count)]
    for number, chain in enumerate(versions, start=1):
        version = replace(roi, case_id=f"{roi.case_id}_perturbed-{number:03d}")
        stem = folder / f"label-{roi.label}_{number:03d}"
        try:
            found = perturbed(pair, chain, _generator(order.seed, version.case_id, chain))
            _require_roi(found)
            made.rows.append(_written(version, roi.case_id, chain, found, image, stem, order))
        except Exception as error:
            made.fail(version, error)


def _generator(seed: int, case_id: str, chain: Chain) -> np.random.Generator:
    """Seed by what is made, so that neither other cases nor their order nor workers decide it."""
    name = hashlib.sha256(f"{case_id}\n{'+'.join(chain)}".encode()).digest()
    return np.random.default_rng([seed, *np.frombuffer(name, "<u4").tolist()])


def _require_roi(pair: Pair) -> None:
    voxels = np.count_nonzero(pair.roi)
    if voxels < _LEAST_VOXELS:
        raise RoiTooSmallError(
            "the perturbed ROI is too small",
            found=f"{voxels} voxel(s)",
            expected=f"at least {_LEAST_VOXELS}",
            remedy="features of so small an ROI are not stable; leave the case out",
        )


def _written(
    version: Case, of: str, chain: Chain, found: Pair, image: sitk.Image, stem: Path, order: Order
) -> dict[str, Any]:
    label = int(version.label or 1)
    stem.parent.mkdir(parents=True, exist_ok=True)
    mask_path = stem.with_name(f"{stem.name}_mask{_SUFFIX}")
    _write(mask_like(image, found.roi, label), mask_path)
    image_path = version.image.absolute()
    if changes_image(chain) or order.crop_mm is not None:
        image_path = stem.with_name(f"{stem.name}_image{_SUFFIX}")
        _write(image_like(image, found.image), image_path)
    return {
        "patient_id": version.patient_id,
        "case_id": version.case_id,
        "image": image_path,
        "mask": mask_path,
        "label": label,
        "roi": version.roi,
        "modality": version.modality,
        KIND: "+".join(chain),
        OF: of,
        **version.extra,
    }


def _write(image: sitk.Image, path: Path) -> None:
    try:
        with whole_file(path, durable=False) as part:
            # The format follows from the name's end, which a temporary name has not.
            writer = sitk.ImageFileWriter()
            writer.SetImageIO("NrrdImageIO")
            writer.SetFileName(str(part))
            writer.UseCompressionOn()
            writer.Execute(image)
    except (OSError, RuntimeError) as error:
        raise RunError(
            "cannot write a perturbed image",
            where=str(path),
            found=str(error).strip().splitlines()[-1],
            remedy="free some space, or name another directory with --out",
        ) from error
