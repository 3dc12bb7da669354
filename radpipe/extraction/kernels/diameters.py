"""The largest distance between points of the half grid, without comparing all of them.

Only a corner of the convex hull can end a diameter, and a corner of the hull is a corner of the
hull of every plane that it lies in.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from radpipe.extraction.kernels.jit import kernel

# No coordinate is as large.
_NONE = 1 << 40
# Bounds are rounded; no pair may be passed over for that.
_SLACK = 1 - 1e-9


@kernel
def _convex_chain(columns: npt.NDArray[np.int64], chain: npt.NDArray[np.int64]) -> int:
    n = 0
    for row in range(columns.size):
        if columns[row] == _NONE:
            continue
        while n > 1:
            back, last = chain[n - 2], chain[n - 1]
            rise, step = columns[row] - columns[back], columns[last] - columns[back]
            if step * (row - back) < rise * (last - back):
                break
            n -= 1
        chain[n] = row
        n += 1
    return n


@kernel
def hulls_of_planes(points: npt.NDArray[np.int64], axis: int) -> npt.NDArray[np.int64]:
    """Find the corners of the convex hull of each plane's points.

    Parameters
    ----------
    points : ndarray of int64, shape (n, 3)
        Places in the half grid, from 0.
    axis : int
        Planes lie across it.

    Returns
    -------
    ndarray of int64, shape (corners, 3)
        Corners, plane by plane; one that is the only point of its row may come twice.
    """
    row_axis, column_axis = (axis + 1) % 3, (axis + 2) % 3
    planes, rows = points[:, axis].max() + 1, points[:, row_axis].max() + 1
    ends = np.full((planes, 2, rows), _NONE, np.int64)
    for k in range(len(points)):
        of_plane = ends[points[k, axis]]
        row, column = points[k, row_axis], points[k, column_axis]
        of_plane[0, row] = min(of_plane[0, row], column)
        of_plane[1, row] = min(of_plane[1, row], -column)
    corners = np.empty((2 * len(points), 3), np.int64)
    chain = np.empty(rows, np.int64)
    n = 0
    for plane in range(planes):
        for side in range(2):
            for k in range(_convex_chain(ends[plane, side], chain)):
                corners[n, axis] = plane
                corners[n, row_axis] = chain[k]
                corners[n, column_axis] = ends[plane, side, chain[k]] * (1 - 2 * side)
                n += 1
    return corners[:n].copy()


@kernel
def largest_in_planes(points_mm: npt.NDArray[np.float64], axis: int) -> float:
    """Find the largest distance between two points of one plane.

    Parameters
    ----------
    points_mm : ndarray of float64, shape (n, 3)
        Points, plane by plane.
    axis : int
        Planes lie across it.

    Returns
    -------
    float
        Distance squared, mm²; 0 where no plane has two points.
    """
    largest = 0.0
    for i in range(len(points_mm)):
        a = points_mm[i]
        for j in range(i + 1, len(points_mm)):
            b = points_mm[j]
            if a[axis] != b[axis]:
                break
            dz, dy, dx = a[0] - b[0], a[1] - b[1], a[2] - b[2]
            largest = max(largest, dz * dz + dy * dy + dx * dx)
    return largest


@kernel
def largest_distance(
    points_mm: npt.NDArray[np.float64], radius_mm: npt.NDArray[np.float64]
) -> float:
    """Find the largest distance between two points.

    Parameters
    ----------
    points_mm : ndarray of float64, shape (n, 3)
        Points.
    radius_mm : ndarray of float64, shape (n,)
        Their distances from any one place, descending: two points are no farther apart than
        their radii together.

    Returns
    -------
    float
        Distance squared, mm².
    """
    largest = reach = 0.0
    for i in range(len(points_mm)):
        a = points_mm[i]
        if 2 * radius_mm[i] < reach:
            break
        for j in range(i + 1, len(points_mm)):
            if radius_mm[i] + radius_mm[j] < reach:
                break
            b = points_mm[j]
            dz, dy, dx = a[0] - b[0], a[1] - b[1], a[2] - b[2]
            squared = dz * dz + dy * dy + dx * dx
            if squared > largest:
                largest = squared
                reach = np.sqrt(largest) * _SLACK
    return largest
