"""Shape in 2D, of an ROI that lies in one slice.

The outline is that of marching squares, with its vertices halfway between pixels. There are 16
kinds of squares, so that perimeter and surface follow from how often each kind occurs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from radpipe.errors import ExtractionError
from radpipe.extraction.features.base import FeatureClass
from radpipe.extraction.features.body import in_mm, principal_variances, surface_points
from radpipe.extraction.features.groups import Values
from radpipe.extraction.grid import Mask, Roi
from radpipe.extraction.kernels.diameters import hulls_of_planes, largest_in_planes
from radpipe.extraction.section import PlaneSetting

# By configuration: bits 0 to 3 are the corners (0, 0), (0, 1), (1, 1), (1, 0) of a square. Two
# opposite corners do not touch.
_EIGHTHS_INSIDE = np.array([0, 1, 1, 4, 1, 2, 4, 7, 1, 4, 2, 7, 4, 7, 7, 8])
_SLANTED = np.array([0, 1, 1, 0, 1, 2, 0, 1, 1, 0, 2, 1, 0, 1, 1, 0])
_ALONG_Y = np.array([6, 9])
_ALONG_X = np.array([3, 12])


@dataclass(frozen=True)
class Outline:
    """The ROI as a figure in a plane.

    Attributes
    ----------
    mask : ndarray of bool, shape (1, y, x)
        Pixels of the ROI, with a margin of 1 on every side.
    spacing_mm : tuple of float
        Size of a voxel, (z, y, x) with z across the plane.
    """

    mask: Mask
    spacing_mm: tuple[float, ...]

    @cached_property
    def squares(self) -> npt.NDArray[np.int64]:
        """Number of squares of each configuration."""
        m = self.mask[0].astype(np.uint8)
        kinds = m[:-1, :-1] | m[:-1, 1:] << 1 | m[1:, 1:] << 2 | m[1:, :-1] << 3
        return np.bincount(kinds.ravel(), minlength=16)

    @property
    def surface(self) -> float:
        """Area within the outline, mm²."""
        _, y, x = self.spacing_mm
        return float(np.dot(self.squares, _EIGHTHS_INSIDE) / 8 * (x * y))

    @property
    def perimeter(self) -> float:
        """Length of the outline, mm."""
        _, y, x = self.spacing_mm
        straight = self.squares[_ALONG_Y].sum() * y + self.squares[_ALONG_X].sum() * x
        return float(straight + np.dot(self.squares, _SLANTED) * np.hypot(y / 2, x / 2))

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.mask))

    @property
    def diameter(self) -> float:
        """Largest distance of two vertices, mm."""
        corners = hulls_of_planes(surface_points(self.mask), 0)
        return float(np.sqrt(largest_in_planes(in_mm(corners, self.spacing_mm), 0)))

    @cached_property
    def eigenvalues(self) -> Values:
        """Variances along the principal axes, ascending, mm²."""
        return principal_variances(self.mask, self.spacing_mm)


def _matrix(roi: Roi, setting: PlaneSetting) -> Outline:
    """Take the shape of an ROI; raise an ExtractionError if it has several slices."""
    plane = setting.force2Ddimension
    if roi.mask.shape[plane] > 1:
        raise ExtractionError(
            "shape2D takes an ROI of one slice",
            found=f"{roi.mask.shape[plane]} slices along axis {plane} of (z, y, x)",
            remedy="choose the axis across the slice with `force2Ddimension`, or remove shape2D",
        )
    order = [plane, *(axis for axis in range(3) if axis != plane)]
    mask = np.pad(roi.mask.transpose(order), ((0, 0), (1, 1), (1, 1)))
    return Outline(np.ascontiguousarray(mask), tuple(roi.spacing_mm[axis] for axis in order))


SHAPE2D = FeatureClass(
    "shape2D",
    _matrix,
    undefined="the ROI has no extent along one of its axes",
)


@SHAPE2D.feature("MeshSurface")
def mesh_surface(m: Outline) -> float:
    """Area within the outline, mm²."""
    return m.surface


@SHAPE2D.feature("PixelSurface")
def pixel_surface(m: Outline) -> float:
    """Area of the pixels, mm²."""
    _, y, x = m.spacing_mm
    return m.pixels * (x * y)


@SHAPE2D.feature("Perimeter")
def perimeter(m: Outline) -> float:
    """Length of the outline, mm."""
    return m.perimeter


@SHAPE2D.feature("PerimeterSurfaceRatio")
def perimeter_surface_ratio(m: Outline) -> float:
    """Perimeter by surface, 1/mm."""
    return m.perimeter / m.surface


@SHAPE2D.feature("Sphericity")
def sphericity(m: Outline) -> float:
    """Perimeter of a disc of the same surface by the perimeter; 1 for a disc."""
    return float(2 * np.sqrt(np.pi * m.surface) / m.perimeter)


@SHAPE2D.feature("SphericalDisproportion", only_named=True)
def spherical_disproportion(m: Outline) -> float:
    """Perimeter by that of a disc of the same surface."""
    return float(1 / sphericity(m))


@SHAPE2D.feature("MaximumDiameter")
def maximum_diameter(m: Outline) -> float:
    """Largest distance of two vertices, mm."""
    return m.diameter


@SHAPE2D.feature("MajorAxisLength")
def major_axis_length(m: Outline) -> float:
    """Long axis of the ellipse with the ROI's eigenvalues, mm."""
    return float(np.sqrt(m.eigenvalues[1]) * 4)


@SHAPE2D.feature("MinorAxisLength")
def minor_axis_length(m: Outline) -> float:
    """Short axis, mm."""
    return float(np.sqrt(m.eigenvalues[0]) * 4)


@SHAPE2D.feature("Elongation")
def elongation(m: Outline) -> float:
    """Short axis by the long one; 1 for a disc."""
    return float(np.sqrt(m.eigenvalues[0] / m.eigenvalues[1]))
