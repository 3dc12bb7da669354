"""Parts of an image."""

from __future__ import annotations

import SimpleITK as sitk

from radpipe.extraction.boxes import padded, within
from radpipe.extraction.grid import Box
from radpipe.extraction.preprocess.stage import Stage


def cropped(stage: Stage, distance: int) -> Stage:
    """Crop image and mask, on one grid, to the ROI and some voxels around it.

    Parameters
    ----------
    stage : Stage
        Image and mask.
    distance : int
        How many voxels to keep on every side of the ROI's bounding box.

    Returns
    -------
    Stage
        The part.
    """
    part = padded(stage.box, distance, stage.mask.GetSize()[::-1])
    image, mask = _part(stage.image, part), _part(stage.mask, part)
    return Stage(stage.name, image, mask, within(stage.box, part), stage.inside)


def _part(image: sitk.Image, box: Box) -> sitk.Image:
    size = image.GetSize()
    before = [part.start for part in box[::-1]]
    after = [length - part.stop for length, part in zip(size, box[::-1], strict=True)]
    return sitk.Crop(image, before, after)
