"""One feature class a file; `FEATURE_CLASSES` is the table of contents."""

from typing import Any

from radpipe.extraction.features.base import FeatureClass
from radpipe.extraction.features.firstorder import FIRSTORDER
from radpipe.extraction.features.glcm import GLCM
from radpipe.extraction.features.gldm import GLDM
from radpipe.extraction.features.glrlm import GLRLM
from radpipe.extraction.features.glszm import GLSZM
from radpipe.extraction.features.ngtdm import NGTDM
from radpipe.extraction.features.shape import SHAPE
from radpipe.extraction.features.shape2d import SHAPE2D

# In PyRadiomics' order, which is that of columns where a file enables all.
_CLASSES = (FIRSTORDER, GLCM, GLDM, GLRLM, GLSZM, NGTDM, SHAPE, SHAPE2D)
FEATURE_CLASSES: dict[str, FeatureClass[Any]] = {each.name: each for each in _CLASSES}

__all__ = ["FEATURE_CLASSES", "FeatureClass"]
