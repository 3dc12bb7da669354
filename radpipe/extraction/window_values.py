"""Features of the window around each voxel of the ROI, for one image type."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from radpipe.extraction.axes import lattice_of, three_axes
from radpipe.extraction.features import FEATURE_CLASSES
from radpipe.extraction.features.firstorder import FIRSTORDER
from radpipe.extraction.features.neighbours import plane_of
from radpipe.extraction.features.windows import WindowedRoi
from radpipe.extraction.grid import Array, Box, Keeping, Undefined
from radpipe.extraction.image_types import DerivedImage, roi_in
from radpipe.extraction.preprocess.prepare import Prepared
from radpipe.extraction.settings import ExtractionSettings, Setting
from radpipe.parallel import in_threads
from radpipe.progress import Step

log = logging.getLogger("radpipe")
_Values = dict[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class WindowValues(Keeping):
    """Features of the windows of one image type.

    Attributes
    ----------
    derived : DerivedImage
        The image type.
    prepared : Prepared
        Image and ROI.
    box : tuple of slice
        The part of the prepared image that the image type covers.
    settings : ExtractionSettings
        Settings.
    threads : int
        Parts of the windows that are computed at the same time.
    step : Step
        Called with what is computed, and with the number of windows that are done.
    """

    derived: DerivedImage
    prepared: Prepared
    box: Box
    settings: ExtractionSettings
    threads: int
    step: Step

    def values(self, name: str, features: tuple[str, ...]) -> _Values:
        """Compute features of a class for every voxel of the ROI.

        Parameters
        ----------
        name : str
            The class.
        features : tuple of str
            Features that have values.

        Returns
        -------
        dict of str to ndarray of float64, shape (voxels of the ROI,)
            In the order of the array; NaN where undefined.

        Raises
        ------
        ExtractionError
            The image type cannot be discretised.
        """
        self.step(f"{self.derived.name} {name}", done=0)
        if isinstance(self.derived.intensities, Undefined):
            return self._undefined(self.derived.intensities, features)
        whole, setting = self._windowed(name, self.derived.intensities)
        compute = partial(FEATURE_CLASSES[name].compute_maps, setting=setting, wanted=features)
        most = self.settings.voxelSetting.voxelBatch
        parts = []
        for part in in_threads(compute, whole.batches(most if most > 0 else None), self.threads):
            self.step(done=len(part[features[0]]))
            parts.append(part)
        return {feature: np.concatenate([part[feature] for part in parts]) for feature in features}

    def _undefined(self, why: Undefined, features: tuple[str, ...]) -> _Values:
        log.warning("%s is undefined: %s", self.derived.name, why.reason)
        nothing = np.full(np.count_nonzero(self.prepared.roi[self.box]), np.nan)
        self.step(done=nothing.size)
        return dict.fromkeys(features, nothing)

    def _windowed(self, name: str, intensities: Array) -> tuple[WindowedRoi, Setting]:
        # PyRadiomics' maps of this class alone are discretised in double precision.
        dtype = np.dtype(float) if name == FIRSTORDER.name else intensities.dtype
        return self.kept(dtype, lambda: self._discretised(intensities.astype(dtype, copy=False)))

    def _discretised(self, intensities: Array) -> tuple[WindowedRoi, Setting]:
        voxel, centres = self.settings.voxelSetting, self.prepared.roi[self.box]
        mask = centres if voxel.maskedKernel else np.ones_like(centres)
        lattice = lattice_of(mask, self.prepared.image.spacing_mm)
        roi, setting = roi_in(intensities, lattice, self.derived.setting)
        return WindowedRoi(roi, three_axes(centres), voxel.kernelRadius, plane_of(setting)), setting
