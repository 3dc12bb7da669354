"""2D images as 3D ones: the kernels know three axes only, the first of which is then one voxel."""

from __future__ import annotations

from radpipe.extraction.grid import Array, Lattice, Mask
from radpipe.extraction.settings import Setting


def three_axes(array: Array) -> Array:
    """Add an axis to a 2D image.

    Parameters
    ----------
    array : ndarray, shape (z, y, x) or (y, x)
        An image.

    Returns
    -------
    ndarray, shape (z, y, x)
        A view of it.
    """
    return array if array.ndim == 3 else array[None]


def lattice_of(mask: Mask, spacing_mm: tuple[float, ...]) -> Lattice:
    """Take the voxels of an ROI.

    Parameters
    ----------
    mask : ndarray of bool, shape (z, y, x) or (y, x)
        The ROI.
    spacing_mm : tuple of float
        Size of a voxel, (z, y, x) or (y, x).

    Returns
    -------
    Lattice
        In three axes; a 2D image is 1 mm thick.
    """
    return Lattice(three_axes(mask), (1.0,) * (3 - len(spacing_mm)) + spacing_mm)


def for_three_axes(setting: Setting, axes: int) -> Setting:
    """Count the axes of a 2D image as the last two of three.

    Parameters
    ----------
    setting : Setting
        Settings.
    axes : int
        2 or 3.

    Returns
    -------
    Setting
        With the plane of force2D as it is called among three axes.
    """
    if axes == 3 or not setting.force2D:
        return setting
    plane = setting.force2Ddimension + 1
    return setting.model_copy(update={"force2Ddimension": min(plane, 2), "force2D": plane < 3})
