"""Where a patch's voxels lie in the image: around the centroid, or as an encoder's authors crop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from radpipe.networks.spec import PatchSpec

Floats = npt.NDArray[np.float64]
# ITK's own axes go to the patient's left, posterior and superior.
_DIRECTIONS = {
    "L": (1, 0, 0),
    "R": (-1, 0, 0),
    "P": (0, 1, 0),
    "A": (0, -1, 0),
    "S": (0, 0, 1),
    "I": (0, 0, -1),
}
# Corners nearer than this, mm, are one for MONAI.
_SAME = 1e-8
_SLACK = 1e-6


@dataclass(frozen=True)
class PatchGrid:
    """Places of a patch's voxels, in continuous indices of the image.

    Attributes
    ----------
    steps : ndarray of float64, shape (3, 3)
        Its columns are one voxel of the patch along (z, y, x), in voxels (z, y, x) of the image.
    start : ndarray of float64, shape (3,)
        Of the patch's first voxel.
    size : tuple of int
        Voxels of the patch along (z, y, x).
    shown : tuple of slice or None
        The part of the patch that shows a lattice over the image, which fades into the padding
        where the image ends; None shows what lies in the image, and no more.
    """

    steps: Floats
    start: Floats
    size: tuple[int, int, int]
    shown: tuple[slice, slice, slice] | None = None

    def places(self) -> Floats:
        """List the places of all voxels.

        Returns
        -------
        ndarray of float64, shape (3, z, y, x)
            Index (z, y, x) in the image.
        """
        voxels = np.indices(self.size, dtype=np.float64)
        return np.tensordot(self.steps, voxels, axes=1) + self.start[:, None, None, None]

    def held(self, voxels: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Tell which voxels of the image the patch holds.

        Parameters
        ----------
        voxels : ndarray of int64, shape (n, 3)
            Indices (z, y, x) in the image.

        Returns
        -------
        ndarray of bool, shape (n,)
            Whether the centre lies in the part that shows the image.
        """
        there = (voxels - self.start) @ np.linalg.inv(self.steps).T
        shown = self.shown or tuple(slice(0, length) for length in self.size)
        low = np.array([part.start for part in shown]) - 0.5
        high = np.array([part.stop for part in shown]) - 0.5
        return np.asarray(((there >= low) & (there <= high)).all(axis=1))

    def holding(self, voxels: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], ...]:
        """Name the patch's voxels in which voxels of the image lie.

        Parameters
        ----------
        voxels : ndarray of int64, shape (n, 3)
            Indices (z, y, x) in the image.

        Returns
        -------
        tuple of three ndarrays of int64
            Indices in the patch, of those that it holds.
        """
        there = (voxels[self.held(voxels)] - self.start) @ np.linalg.inv(self.steps).T
        # A centre between two voxels must not go to either by its last bit.
        nearest = np.floor(there + 0.5 - _SLACK).astype(np.int64)
        return tuple(nearest.clip(0, np.array(self.size) - 1).T)


def centred(image: sitk.Image, centroid: Floats, spec: PatchSpec) -> PatchGrid:
    """Lay a patch so that its centre is the ROI's centroid.

    Parameters
    ----------
    image : SimpleITK.Image
        The image.
    centroid : ndarray of float64, shape (3,)
        Continuous index (z, y, x).
    spec : PatchSpec
        Size, spacing, axes.

    Returns
    -------
    PatchGrid
        Its voxels.
    """
    steps = _steps(image, spec)
    return PatchGrid(steps, centroid - steps @ ((np.array(spec.size) - 1) / 2), spec.size)


def fmcib(image: sitk.Image, centroid: Floats, spec: PatchSpec) -> PatchGrid:
    """Lay a patch where the published code of FMCIB crops it.

    That resamples the whole image to a lattice from its most right, anterior, inferior voxel on,
    truncates the centroid's index there, stops at the lattice's border, and pads what is missing on
    both sides alike: a lesion at the border is off the patch's centre. Of its versions this follows
    those that scale before they resample, with zeros beyond the image; the first ones repeated the
    image's last voxels there.

    Parameters
    ----------
    image, centroid, spec
        See :func:`centred`.

    Returns
    -------
    PatchGrid
        Its voxels.

    References
    ----------
    Pai et al. 2024, doi 10.1038/s42256-024-00807-9: ``fmcib/preprocessing``.
    """
    steps, size = _steps(image, spec), np.array(spec.size)
    first, count = _lattice(image, steps)
    # Theirs truncates towards zero.
    centre = np.linalg.solve(steps, centroid - first).astype(int)
    low = np.maximum(centre - size // 2, 0)
    high = np.minimum(centre + size // 2, count)
    before = (size - (high - low)) // 2
    ends = before + high - low
    z, y, x = (slice(int(at), int(end)) for at, end in zip(before, ends, strict=True))
    return PatchGrid(steps, first + steps @ (low - before), spec.size, (z, y, x))


def _lattice(image: sitk.Image, steps: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Find the first voxel and the size of MONAI's lattice over a whole image."""
    shape = np.array(image.GetSize()[::-1], dtype=float)
    corners = np.array(np.meshgrid(*((0.0, n - 1) for n in shape), indexing="ij")).reshape(3, -1)
    there = np.linalg.solve(steps, corners)
    count = np.round(np.ptp(there, axis=1) + 1).astype(int)
    # Theirs begins at the right, anterior, inferior end, and is turned to the left and back later.
    begin = np.array([there[0].min(), there[1].max(), there[2].max()])
    place = steps @ begin
    if np.abs(there.T - begin).max(axis=1).min() > _SAME:
        # Of an oblique image no corner is that end: the two middles agree, as they count them.
        place = shape / 2 - steps @ (np.array([1, -1, -1]) * count / 2)
    return place - steps @ ([0, 1, 1] * (count - 1)), count


def _steps(image: sitk.Image, spec: PatchSpec) -> Floats:
    axes = np.array([_DIRECTIONS[axis] for axis in spec.axes], dtype=np.float64).T
    matrix = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    return np.asarray(np.linalg.solve(matrix, axes * spec.spacing_mm)[::-1])


# Encoders whose authors published how they crop: what `--compat` follows.
CROPS: dict[str, Callable[[sitk.Image, Floats, PatchSpec], PatchGrid]] = {"fmcib": fmcib}
