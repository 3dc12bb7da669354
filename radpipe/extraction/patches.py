"""Patches: what an encoder is shown of an image, exactly around the ROI's centroid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy.ndimage import map_coordinates

from radpipe.extraction.boxes import bounding_box
from radpipe.extraction.grid import Box
from radpipe.extraction.image import roi_of
from radpipe.extraction.patch_grids import CROPS, PatchGrid, centred
from radpipe.networks.spec import PatchSpec, Standardised

# Goes up with every change after which a patch may differ; each has its line in CHANGELOG.md.
PATCHES_VERSION = "2"
Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
# A half, but for the rounding of sums: half a voxel's shift must not decide on which side a
# border falls.
_HALF = 0.5 - 1e-6


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

    intensities: npt.NDArray[np.float32]
    roi: Booleans
    outside: float
    padded: float


def cut_patch(
    image: sitk.Image, mask: sitk.Image, label: int, spec: PatchSpec, crop: str | None = None
) -> Patch:
    """Cut the patch of one ROI, its centre at the ROI's centroid.

    Parameters
    ----------
    image, mask : SimpleITK.Image
        As read, on one grid; the mask as ``uint32`` labels.
    label : int
        Label of the ROI.
    spec : PatchSpec
        Size, spacing, axes, intensities.
    crop : str, optional
        Key of :data:`radpipe.extraction.patch_grids.CROPS`: crop as that encoder's authors did.

    Returns
    -------
    Patch
        Interpolated linearly, the mask cut at one half.
    """
    intensities, roi = sitk.GetArrayViewFromImage(image), roi_of(mask, label)
    box = bounding_box(roi)
    lay = centred if crop is None else CROPS[crop]
    grid = lay(image, _centroid(roi, box), spec)
    places = grid.places()
    known = _inside(places, intensities.shape)
    if grid.shown is None:
        found = np.where(known, _at(places, intensities), spec.pad)
    else:
        shown = np.zeros(grid.size, dtype=bool)
        shown[grid.shown] = True
        known &= shown
        found = np.where(shown, _at(places, intensities, beyond=spec.pad), spec.pad)
    # Its box and the voxels around it: the whole mask as numbers would be as large as the image.
    near = tuple(slice(max(part.start - 1, 0), part.stop + 1) for part in box)
    first = np.array([part.start for part in near])[:, None, None, None]
    drawn = known & (_at(places - first, roi[near].astype(np.float32)) >= _HALF)
    outside = _share_outside(roi, box, grid)
    if outside < 1 and not drawn.any():
        # Thinner than a voxel of the patch, it may lie between all of them.
        drawn[grid.holding(np.argwhere(roi[box]) + [part.start for part in box])] = True
    return Patch(_scaled(found, known, spec), drawn, outside, float(1 - known.mean()))


def _centroid(roi: Booleans, box: Box) -> Floats:
    """Average the indices; a list of them all would take many times the mask's memory."""
    inner = roi[box]
    axes = range(inner.ndim)
    counts = [np.count_nonzero(inner, axis=tuple(set(axes) - {axis})) for axis in axes]
    means = [np.average(np.arange(len(each)), weights=each) for each in counts]
    return np.array([mean + part.start for mean, part in zip(means, box, strict=True)])


def _share_outside(roi: Booleans, box: Box, grid: PatchGrid) -> float:
    """Count the ROI's own voxels, slice by slice: the patch shows nothing of what it lost."""
    first = [part.start for part in box]
    held = voxels = 0
    for place, drawn in enumerate(roi[box]):
        inside = np.argwhere(drawn[None]) + first + [place, 0, 0]
        held += int(grid.held(inside).sum())
        voxels += len(inside)
    return 1 - held / voxels


def _at(places: Floats, values: npt.NDArray[np.generic], beyond: float | None = None) -> Floats:
    """Interpolate linearly; beyond the last voxel its value goes on, or another one begins."""
    how = {"mode": "nearest"} if beyond is None else {"mode": "grid-constant", "cval": beyond}
    return np.asarray(map_coordinates(values, places, output=np.float64, order=1, **how))


def _inside(places: Floats, shape: tuple[int, ...]) -> Booleans:
    ends = np.array(shape)[:, None, None, None] - 0.5
    return np.asarray(((places >= -0.5) & (places < ends)).all(axis=0))


def _scaled(values: Floats, known: Booleans, spec: PatchSpec) -> npt.NDArray[np.float32]:
    how = spec.intensity
    if isinstance(how, Standardised):
        counted = known if how.above is None else known & (values > how.above)
        inner = values[counted]
        spread = inner.std() if inner.size else 0.0
        standard = (values - inner.mean()) / spread if spread > 0 else np.zeros_like(values)
        return np.asarray(np.where(counted, standard, 0.0), dtype=np.float32)
    scaled = (values - how.low) / (how.high - how.low)
    return np.asarray(scaled.clip(0, 1) if how.clip else scaled, dtype=np.float32)
