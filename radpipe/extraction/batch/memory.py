"""How much memory a job takes, from headers and at most the masks: no image's pixels are read.

Bytes a voxel, fitted to the peak memory of 41 processes of one job each: sarcomas' PET, MR and CT,
the CT phantom of the IBSI, a CT of 20 million voxels with ROIs of 1,400 to 4.5 million voxels, ROIs
as large as the image; under the shipped settings, with and without normalisation, resampling,
wavelets and LoG, with several labels and settings. The expected peak was 1.00 to 1.40 times the
measured one, which was 380 MB to 4.5 GB, on Python 3.11; since then 110 MB are added to each, which
the imports of 3.13 take.

What headers do not tell is left out: an ROI of thousands of grey levels has GLCMs of up to a
gigabyte, and the zones of a large ROI take PyRadiomics as much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from radpipe.errors import ImageError
from radpipe.extraction.batch.plan import Job, Plan
from radpipe.extraction.image import extents_of
from radpipe.extraction.image_types import MOST_KEPT, image_type_names
from radpipe.extraction.io import read_mask
from radpipe.extraction.settings import ExtractionSettings
from radpipe.store.patches import PATCHES

_MB = 1 << 20
# A worker with its imports, at least and once kernels and pictures are loaded.
_IMPORTS, _PROCESS = 250 * _MB, 520 * _MB
_DOUBLE, _LABEL = 8, 4
# Voxels around the ROI that splines depend on.
_SPLINE_REACH = 40
_Sizes = npt.NDArray[np.float64]


class Need(NamedTuple):
    """Bytes: what a job takes for certain, and what it is expected to take at its peak."""

    least: int
    expected: int


class _Cost(NamedTuple):
    """Bytes a voxel: of the whole image, of what is cropped from it, of the ROI's box."""

    whole: int
    spline: int
    part: int
    part_wavelet: int
    roi: int
    roi_wavelet: int


# PyRadiomics filters all that it has cropped, or the whole image. An engine that is not listed
# counts as `fast`.
_COSTS = {
    "fast": _Cost(whole=8, spline=24, part=16, part_wavelet=0, roi=50, roi_wavelet=110),
    "pyradiomics": _Cost(whole=12, spline=0, part=8, part_wavelet=135, roi=70, roi_wavelet=250),
    PATCHES: _Cost(whole=4, spline=0, part=0, part_wavelet=0, roi=8, roi_wavelet=0),
}


@dataclass(frozen=True)
class _Header:
    """An image's size and voxel size, (x, y, z), and what it takes in memory."""

    size: _Sizes
    spacing_mm: _Sizes
    bytes: int

    @property
    def voxels(self) -> int:
        return math.prod(map(int, self.size))


def estimate(
    image: Path,
    masks: Sequence[tuple[Path, int]],
    settings: Sequence[ExtractionSettings],
    engine: str,
    *,
    by_rois: bool,
) -> Need:
    """Estimate the memory of a job: ROIs of one image under some settings.

    Parameters
    ----------
    image : Path
        The image file.
    masks : sequence of tuple of (Path, int)
        Mask files, and which channel of each.
    settings : sequence of ExtractionSettings
        Every ROI is computed under each of them.
    engine : str
        Name of the engine.
    by_rois : bool
        Read the masks, and count on the largest box of their labels; else from headers alone, on
        an ROI as large as the image.

    Returns
    -------
    Need
        In bytes; 0 where a header cannot be read, which the job itself will tell.
    """
    header = _header_of(image)
    if header is None:
        return Need(0, 0)
    found = [_header_of(mask) for mask, _ in masks]
    labels = _LABEL * max((each.voxels for each in found if each), default=0)
    read = header.bytes + labels
    box = _largest_box(masks, header) if by_rois else header.size
    return Need(_IMPORTS + read, _PROCESS + read + _peak(header, box, settings, engine))


def needs_by_headers(plan: Plan, jobs: Sequence[Job]) -> list[Need]:
    """Estimate what jobs take, their ROIs as large as their images.

    Parameters
    ----------
    plan : Plan
        What all jobs have in common.
    jobs : sequence of Job
        The jobs.

    Returns
    -------
    list of Need
        One a job.
    """
    return [_need(plan, job, by_rois=False) for job in jobs]


def need_by_rois(plan: Plan, job: Job) -> Need:
    """Estimate what a job takes, by the boxes of its ROIs.

    Parameters
    ----------
    plan : Plan
        What all jobs have in common.
    job : Job
        The job, whose masks are read.

    Returns
    -------
    Need
        The estimate.
    """
    return _need(plan, job, by_rois=True)


def _need(plan: Plan, job: Job, *, by_rois: bool) -> Need:
    cases = [unit.case for unit in job.units]
    masks = list(dict.fromkeys((case.mask, case.label_channel or 0) for case in cases))
    recipes = [plan.targets[which].recipe for which in {unit.target for unit in job.units}]
    settings = [recipe.settings for recipe in recipes]
    image = job.units[0].case.image
    return estimate(image, masks, settings, recipes[0].engine, by_rois=by_rois)


def _header_of(path: Path) -> _Header | None:
    """Read a header; one that cannot be read is told by the job itself."""
    if not path.is_file():
        return None
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return None
    size, channels = reader.GetSize(), reader.GetNumberOfComponents()
    one = sitk.Image([1] * len(size), reader.GetPixelID(), channels)
    taken = math.prod(size) * channels * one.GetSizeOfPixelComponent()
    return _Header(np.array(size, float), np.array(reader.GetSpacing()), taken)


def _largest_box(masks: Sequence[tuple[Path, int]], header: _Header) -> _Sizes:
    boxes = [np.zeros_like(header.size)]
    for mask, channel in masks:
        try:
            extents = extents_of(read_mask(mask, channel))
        except ImageError:
            continue
        boxes += [
            np.array([part.stop - part.start for part in extent.box[::-1]], float)
            for extent in extents.values()
            if len(extent.box) == header.size.size
        ]
    return max(boxes, key=lambda lengths: float(lengths.prod()))


def _peak(header: _Header, box: _Sizes, settings: Sequence[ExtractionSettings], engine: str) -> int:
    """Add up what the whole image takes, what the ROI takes, and what is kept between settings."""
    normalised = sum(each.setting.normalize for each in settings)
    whole = _cost(engine).whole * header.voxels * (1 + normalised)
    return int(
        whole
        + max(_of_roi(header, box, each, engine) for each in settings)
        + (_kept(header, box, settings) if engine != "pyradiomics" and len(settings) > 1 else 0)
    )


def _cost(engine: str) -> _Cost:
    return _COSTS.get(engine, _COSTS["fast"])


def _of_roi(header: _Header, box: _Sizes, settings: ExtractionSettings, engine: str) -> float:
    cost, setting = _cost(engine), settings.setting
    finer = _finer(header, settings)
    roi, around = _voxels(box * finer), header.size * finer
    part = float(header.voxels) if engine == "pyradiomics" else 0.0
    spline = 0.0
    if _resampled(settings) or setting.preCrop:
        part = _voxels(np.minimum(box * finer + 2 * setting.padDistance, around))
    if _resampled(settings) and setting.interpolator in ("sitkBSpline", 3):
        spline = _voxels(np.minimum(box + 2 * _SPLINE_REACH, header.size))
    wavelet = "Wavelet" in settings.imageType
    # Splines are gone when filters begin.
    return max(
        cost.spline * spline,
        (cost.part + cost.part_wavelet * wavelet) * part
        + (cost.roi + cost.roi_wavelet * wavelet) * roi,
    )


def _kept(header: _Header, box: _Sizes, settings: Sequence[ExtractionSettings]) -> float:
    """Tell what the derived images take that are kept for the next settings."""
    sizes = [(each, _voxels(box * _finer(header, each))) for each in settings]
    return sum(
        _DOUBLE * len(image_type_names(each)) * voxels
        for each, voxels in sizes
        if voxels <= MOST_KEPT
    )


def _resampled(settings: ExtractionSettings) -> bool:
    setting = settings.setting
    return setting.resampledPixelSpacing is not None and setting.interpolator is not None


def _finer(header: _Header, settings: ExtractionSettings) -> _Sizes:
    """Tell how many voxels resampling makes of one, along each axis."""
    wanted = np.array(settings.setting.resampledPixelSpacing or [], float)
    if not _resampled(settings) or wanted.size != header.size.size:
        return np.ones_like(header.size)
    return np.where(wanted > 0, header.spacing_mm / np.where(wanted > 0, wanted, 1), 1)


def _voxels(lengths: _Sizes) -> float:
    return float(np.ceil(lengths).prod())
