"""ROIs for tests of feature classes."""

import numpy as np

from radpipe.extraction.grid import Lattice, Roi


def roi_of(
    levels: np.ndarray,
    spacing_mm: tuple[float, ...] = (3.0, 2.0, 1.0),
    intensities: np.ndarray | None = None,
) -> Roi:
    """Make an ROI of a box of grey levels, 0 outside, and intensities, else the levels."""
    mask = levels > 0
    values = (levels if intensities is None else intensities)[mask]
    return Roi(Lattice(mask, spacing_mm), values, levels[mask].astype(np.uint16))


def in_box(roi: Roi, values: np.ndarray) -> np.ndarray:
    """Put the voxels of an ROI back into its box, with zeros around."""
    box = np.zeros(roi.mask.shape, values.dtype)
    box[roi.mask] = values
    return box
