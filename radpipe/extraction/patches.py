"""Patches: what an encoder is shown of an image, exactly around the ROI's centroid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from radpipe.extraction.image import roi_of
from radpipe.networks.spec import PatchSpec, Standardised

Floats = npt.NDArray[np.float32]
# ITK's own axes go to the patient's left, posterior and superior.
_DIRECTIONS = {
    "L": (1, 0, 0),
    "R": (-1, 0, 0),
    "P": (0, 1, 0),
    "A": (0, -1, 0),
    "S": (0, 0, 1),
    "I": (0, 0, -1),
}


@dataclass(frozen=True)
class Patch:
    """What an encoder is shown of one ROI.

    Attributes
    ----------
    intensities : ndarray of float32, shape (z, y, x)
        As the encoder wants them.
    roi : ndarray of bool, shape (z, y, x)
        The ROI on the same grid.
    outside : float
        Share of the ROI's volume that lies beyond the patch.
    padded : float
        Share of the patch's voxels that lie beyond the image.
    """

    intensities: Floats
    roi: npt.NDArray[np.bool_]
    outside: float
    padded: float


def cut_patch(image: sitk.Image, mask: sitk.Image, label: int, spec: PatchSpec) -> Patch:
    """Cut the patch of one ROI, its centre at the ROI's centroid.

    Parameters
    ----------
    image, mask : SimpleITK.Image
        As read, on one grid; the mask as ``uint32`` labels.
    label : int
        Label of the ROI.
    spec : PatchSpec
        Size, spacing, axes, intensities.

    Returns
    -------
    Patch
        Interpolated linearly, the mask cut at one half.
    """
    roi = roi_of(mask, label)
    grid = _grid(_to_patient(image, _centroid(roi)), spec)
    inside = _as_float(np.ones(roi.shape), image)
    found = _on(grid, sitk.Cast(image, sitk.sitkFloat32), sitk.sitkLinear, spec.pad)
    known = _on(grid, inside, sitk.sitkNearestNeighbor, 0) > 0
    # Half a voxel's shift must not decide on which side a border falls: both halves, or none.
    drawn = _on(grid, _as_float(roi, image), sitk.sitkLinear, 0) >= 0.5
    return Patch(
        _intensities(found, spec),
        drawn,
        _share_outside(image, roi, grid),
        float(1 - known.mean()),
    )


def _centroid(roi: npt.NDArray[np.bool_]) -> tuple[float, ...]:
    return tuple(float(places.mean()) for places in np.nonzero(roi))


def _to_patient(image: sitk.Image, place: tuple[float, ...]) -> npt.NDArray[np.float64]:
    return np.array(image.TransformContinuousIndexToPhysicalPoint(place[::-1]))


def _grid(centre: npt.NDArray[np.float64], spec: PatchSpec) -> sitk.Image:
    size, spacing = spec.size[::-1], np.array(spec.spacing_mm[::-1])
    axes = np.array([_DIRECTIONS[axis] for axis in spec.axes[::-1]], dtype=np.float64).T
    grid = sitk.Image(*size, sitk.sitkUInt8)
    grid.SetSpacing(spacing.tolist())
    grid.SetDirection(axes.ravel().tolist())
    grid.SetOrigin((centre - axes @ (spacing * (np.array(size) - 1) / 2)).tolist())
    return grid


def _on(grid: sitk.Image, image: sitk.Image, how: int, outside: float) -> Floats:
    there = sitk.Resample(image, grid, sitk.Transform(), how, float(outside))
    return np.asarray(sitk.GetArrayFromImage(there), dtype=np.float32)


def _as_float(values: npt.NDArray[np.generic], like: sitk.Image) -> sitk.Image:
    made = sitk.GetImageFromArray(values.astype(np.float32))
    made.CopyInformation(like)
    return made


def _share_outside(image: sitk.Image, roi: npt.NDArray[np.bool_], grid: sitk.Image) -> float:
    """Count the ROI's own voxels: the patch shows nothing of what it lost."""
    matrix = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    points = np.argwhere(roi)[:, ::-1] @ matrix.T + image.GetOrigin()
    axes = np.array(grid.GetDirection()).reshape(3, 3) * grid.GetSpacing()
    places = (points - grid.GetOrigin()) @ np.linalg.inv(axes).T
    held = ((places >= -0.5) & (places <= np.array(grid.GetSize()) - 0.5)).all(axis=1)
    return float(1 - held.mean())


def _intensities(resampled: Floats, spec: PatchSpec) -> Floats:
    how, values = spec.intensity, resampled.astype(np.float64)
    if isinstance(how, Standardised):
        counted = values > how.above
        inner = values[counted]
        spread = inner.std() if inner.size else 0.0
        standard = (values - inner.mean()) / spread if spread > 0 else np.zeros_like(values)
        return np.asarray(np.where(counted, standard, 0.0), dtype=np.float32)
    scaled = (values - how.low) / (how.high - how.low)
    return np.asarray(scaled.clip(0, 1) if how.clip else scaled, dtype=np.float32)
