"""Features of the kernel around each voxel of the ROI, for one image type."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from radpipe.extraction.axes import for_three_axes, three_axes, three_sizes
from radpipe.extraction.features import FEATURE_CLASSES
from radpipe.extraction.features.local import Kernels, Surroundings
from radpipe.extraction.features.neighbours import plane_of
from radpipe.extraction.grid import Array, Box, Lattice, Roi, Undefined
from radpipe.extraction.image_types import DerivedImage
from radpipe.extraction.preprocess.discretise import discretise
from radpipe.extraction.preprocess.prepare import Prepared
from radpipe.extraction.settings import ExtractionSettings, Setting

log = logging.getLogger("radpipe")
_Values = dict[str, npt.NDArray[np.float64]]
Step = Callable[[str | None, int], None]
Mapped = Callable[[Callable[[Kernels], _Values], list[Kernels]], Iterable[_Values]]


@dataclass(frozen=True)
class LocalValues:
    """Features of the kernels of one image type.

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
    mapped : callable
        Such as ``map``.
    step : callable
        Called with what is computed, and with the number of kernels that are done.
    """

    derived: DerivedImage
    prepared: Prepared
    box: Box
    settings: ExtractionSettings
    mapped: Mapped
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
        self.step(f"{self.derived.name} {name}", 0)
        if isinstance(self.derived.intensities, Undefined):
            return self._undefined(self.derived.intensities, features)
        around, setting = self._surroundings(name, self.derived.intensities)
        compute = partial(FEATURE_CLASSES[name].compute_maps, setting=setting, wanted=features)
        most = self.settings.voxelSetting.voxelBatch
        parts = []
        for part in self.mapped(compute, around.batches(most if most > 0 else None)):
            self.step(None, len(part[features[0]]))
            parts.append(part)
        return {feature: np.concatenate([part[feature] for part in parts]) for feature in features}

    def _undefined(self, why: Undefined, features: tuple[str, ...]) -> _Values:
        log.warning("%s is undefined: %s", self.derived.name, why.reason)
        nothing = np.full(np.count_nonzero(self.prepared.roi[self.box]), np.nan)
        self.step(None, nothing.size)
        return dict.fromkeys(features, nothing)

    def _surroundings(self, name: str, intensities: Array) -> tuple[Surroundings, Setting]:
        voxel, axes = self.settings.voxelSetting, intensities.ndim
        if name == "firstorder":
            # PyRadiomics' maps of this class alone are discretised in double precision.
            intensities = intensities.astype(float)
        intensities, centres = three_axes(intensities), three_axes(self.prepared.roi[self.box])
        mask = centres if voxel.maskedKernel else np.ones_like(centres)
        lattice = Lattice(mask, three_sizes(self.prepared.image.spacing_mm))
        values = intensities.ravel()[lattice.places]
        setting = for_three_axes(self.derived.setting, axes)
        roi = Roi(lattice, values, discretise(values, self.derived.setting))
        return Surroundings(roi, centres, voxel.kernelRadius, plane_of(setting)), setting
