"""Shape in 3D, from the mesh, the diameters and the principal axes of an ROI."""

from __future__ import annotations

from typing import Any

import numpy as np

from radpipe.extraction.features.base import FeatureClass
from radpipe.extraction.features.body import Body
from radpipe.extraction.grid import Roi


def _matrix(roi: Roi, setting: Any) -> Body:
    """Take the shape of an ROI, whose intensities do not matter."""
    return Body(np.ascontiguousarray(np.pad(roi.mask, 1)), roi.spacing_mm)


SHAPE = FeatureClass(
    "shape",
    _matrix,
    undefined="the ROI has no extent along one of its axes",
)


@SHAPE.feature("MeshVolume", "RNU0")
def mesh_volume(m: Body) -> float:
    """Volume of the mesh, mm³."""
    return m.volume


@SHAPE.feature("VoxelVolume", "YEKZ")
def voxel_volume(m: Body) -> float:
    """Volume of the voxels, mm³."""
    z, y, x = m.spacing_mm
    return m.voxels * (z * x * y)


@SHAPE.feature("SurfaceArea", "C0JK")
def surface_area(m: Body) -> float:
    """Area of the mesh, mm²."""
    return m.area


@SHAPE.feature("SurfaceVolumeRatio", "2PR5")
def surface_volume_ratio(m: Body) -> float:
    """Area of the mesh by its volume, 1/mm."""
    return m.area / m.volume


@SHAPE.feature("Sphericity", "QCFX")
def sphericity(m: Body) -> float:
    """Area of a ball of the same volume by the area; 1 for a ball."""
    return _area_of_ball(m) / m.area


@SHAPE.feature("SphericalDisproportion", "KRCK", only_named=True)
def spherical_disproportion(m: Body) -> float:
    """Area by that of a ball of the same volume."""
    return m.area / _area_of_ball(m)


@SHAPE.feature("Compactness1", "SKGS", only_named=True)
def compactness_1(m: Body) -> float:
    """Volume by area, without dimension."""
    return float(m.volume / (m.area**1.5 * np.sqrt(np.pi)))


@SHAPE.feature("Compactness2", "BQWJ", only_named=True)
def compactness_2(m: Body) -> float:
    """Cube of sphericity."""
    return float(36 * np.pi * m.volume**2 / m.area**3)


@SHAPE.feature("Maximum3DDiameter", "L0JK")
def maximum_3d_diameter(m: Body) -> float:
    """Largest distance of two vertices, mm."""
    return m.diameter


@SHAPE.feature("Maximum2DDiameterSlice")
def maximum_2d_diameter_slice(m: Body) -> float:
    """Largest distance of two vertices in a plane across z, mm."""
    return m.diameter_across(0)


@SHAPE.feature("Maximum2DDiameterColumn")
def maximum_2d_diameter_column(m: Body) -> float:
    """Largest distance of two vertices in a plane across y, mm."""
    return m.diameter_across(1)


@SHAPE.feature("Maximum2DDiameterRow")
def maximum_2d_diameter_row(m: Body) -> float:
    """Largest distance of two vertices in a plane across x, mm."""
    return m.diameter_across(2)


@SHAPE.feature("MajorAxisLength", "TDIC")
def major_axis_length(m: Body) -> float:
    """Longest axis of the ellipsoid with the ROI's eigenvalues, mm."""
    return m.axis_length(2)


@SHAPE.feature("MinorAxisLength", "P9VJ")
def minor_axis_length(m: Body) -> float:
    """Second axis, mm."""
    return m.axis_length(1)


@SHAPE.feature("LeastAxisLength", "7J51")
def least_axis_length(m: Body) -> float:
    """Shortest axis, mm."""
    return m.axis_length(0)


@SHAPE.feature("Elongation", "Q3CK")
def elongation(m: Body) -> float:
    """Second axis by the longest; 1 for a ball."""
    return float(np.sqrt(m.eigenvalues[1] / m.eigenvalues[2]))


@SHAPE.feature("Flatness", "N17B")
def flatness(m: Body) -> float:
    """Shortest axis by the longest; 1 for a ball."""
    return float(np.sqrt(m.eigenvalues[0] / m.eigenvalues[2]))


def _area_of_ball(m: Body) -> float:
    return float((36 * np.pi * m.volume**2) ** (1 / 3))
