"""Where to resample to: a grid aligned to the corner of the mask's grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from radpipe.extraction.preprocess.stage import Stage


@dataclass(frozen=True)
class TargetGrid:
    """A grid of voxels; axes in the order (x, y, z).

    Attributes
    ----------
    size : list of int
        Voxels along each axis.
    origin_mm : tuple of float
        Centre of the first voxel.
    spacing_mm : list of float
        Size of a voxel.
    direction : tuple of float
        Cosines of the axes, row by row.
    """

    size: list[int]
    origin_mm: tuple[float, ...]
    spacing_mm: list[float]
    direction: tuple[float, ...]

    def resample(self, image: sitk.Image, interpolator: int) -> sitk.Image:
        """Resample an image to the grid.

        Parameters
        ----------
        image : SimpleITK.Image
            The image.
        interpolator : int
            SimpleITK's number.

        Returns
        -------
        SimpleITK.Image
            In the image's own type; 0 beyond the image.
        """
        return sitk.Resample(
            image, self.size, sitk.Transform(image.GetDimension(), sitk.sitkIdentity),
            interpolator, self.origin_mm, self.spacing_mm, self.direction,
        )  # fmt: skip

    def locate(self, image: sitk.Image) -> None:
        """Give an image the grid's place in space.

        Parameters
        ----------
        image : SimpleITK.Image
            The image, changed in place.
        """
        image.SetOrigin(self.origin_mm)
        image.SetSpacing(self.spacing_mm)
        image.SetDirection(self.direction)


def target_grid(stage: Stage, spacing_mm: npt.NDArray[np.float64], pad: int) -> TargetGrid:
    """Lay a grid over the ROI: its voxels' edges start at the corner of the mask's first voxel.

    Parameters
    ----------
    stage : Stage
        Image and mask.
    spacing_mm : ndarray of float64
        New voxel size, (x, y, z).
    pad : int
        New voxels to keep around the ROI, as far as the mask's grid goes.

    Returns
    -------
    TargetGrid
        The grid.
    """
    mask = stage.mask
    old_mm = np.array(mask.GetSpacing())
    ratio = old_mm / spacing_mm
    start = np.array([part.start for part in stage.box[::-1]])
    stop = np.array([part.stop for part in stage.box[::-1]])
    first = np.maximum(np.floor((start - 0.5) * ratio - pad), 0)
    end = np.ceil(np.array(mask.GetSize()) * ratio) - 1
    last = np.minimum(np.ceil((stop - 0.5) * ratio + pad), end)
    # Centre of the first new voxel in units of the old ones, whose own first centre is 0.
    origin = 0.5 * (spacing_mm - old_mm) / old_mm + first / ratio
    return TargetGrid(
        (last - first + 1).astype(int).tolist(),
        mask.TransformContinuousIndexToPhysicalPoint(origin.tolist()),
        spacing_mm.tolist(),
        mask.GetDirection(),
    )
