"""What a feature class is: a matrix made once for an ROI or a window, and formulas on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from radpipe.extraction.features.groups import Values
from radpipe.extraction.features.windows import Windows
from radpipe.extraction.grid import Roi, Undefined

Matrix = TypeVar("Matrix")


@dataclass(frozen=True)
class Feature(Generic[Matrix]):
    """One feature.

    Attributes
    ----------
    name : str
        PyRadiomics' name.
    formula : callable
        From the class's matrix to one value a region.
    ibsi : str
        Code in the IBSI reference manual, doi:10.1148/radiol.2020191145; empty if it has none.
    """

    name: str
    formula: Callable[[Matrix], Any]
    ibsi: str


class FeatureClass(Generic[Matrix]):
    """Features that share a matrix.

    Parameters
    ----------
    name : str
        Such as ``glcm``.
    matrix : callable
        Makes the matrix from an ROI and settings.
    of_windows : callable, optional
        Makes the matrices of windows, for maps; a class of shapes has none.
    undefined : str
        Why a value may be NaN.
    valueless : tuple of str
        Features that PyRadiomics knows by name and gives no value for.
    """

    def __init__(
        self,
        name: str,
        matrix: Callable[[Roi, Any], Matrix],
        *,
        of_windows: Callable[[Windows, Any], Matrix] | None = None,
        undefined: str = "",
        valueless: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.matrix = matrix
        self.of_windows = of_windows
        self.undefined = undefined
        self._valueless = valueless
        self.features: dict[str, Feature[Matrix]] = {}
        self._only_named: list[str] = []

    def feature(
        self, name: str, ibsi: str = "", *, only_named: bool = False
    ) -> Callable[[Callable[[Matrix], Any]], Callable[[Matrix], Any]]:
        """Add a formula to the class.

        Parameters
        ----------
        name : str
            PyRadiomics' name.
        ibsi : str
            IBSI code.
        only_named : bool
            Deprecated: computed only where a file names it.

        Returns
        -------
        callable
            A decorator that leaves the formula as it is.
        """

        def _add(formula: Callable[[Matrix], Any]) -> Callable[[Matrix], Any]:
            self.features[name] = Feature(name, formula, ibsi)
            if only_named:
                self._only_named.append(name)
            return formula

        return _add

    @property
    def is_shape(self) -> bool:
        """Whether only the mask matters: computed once a case, and without maps."""
        return self.of_windows is None

    @property
    def names(self) -> tuple[str, ...]:
        """The features computed when the class is enabled, in PyRadiomics' order."""
        return _in_order(name for name in self.features if name not in self._only_named)

    @property
    def deprecated(self) -> tuple[str, ...]:
        """The features that a file must name; some of them have no value."""
        return _in_order([*self._only_named, *self._valueless])

    def compute(
        self, roi: Roi, setting: Any, wanted: Iterable[str]
    ) -> dict[str, float | Undefined]:
        """Compute features of one ROI.

        Parameters
        ----------
        roi : Roi
            The ROI.
        setting : Section
            Settings.
        wanted : iterable of str
            Names of features.

        Returns
        -------
        dict of str to float or Undefined
            In the order of ``wanted``, without those that have no value.
        """
        matrix = self.matrix(roi, setting)
        with np.errstate(invalid="ignore", divide="ignore"):
            values = {
                name: float(np.squeeze(self.features[name].formula(matrix)))
                for name in wanted
                if name in self.features
            }
        return {
            name: Undefined(self.undefined or "not a number") if np.isnan(value) else value
            for name, value in values.items()
        }

    def compute_maps(
        self, windows: Windows, setting: Any, wanted: Iterable[str]
    ) -> dict[str, Values]:
        """Compute features of each window.

        Parameters
        ----------
        windows : Windows
            The windows.
        setting : Section
            Settings.
        wanted : iterable of str
            Names of features.

        Returns
        -------
        dict of str to ndarray of float64, shape (windows,)
            In the order of ``wanted``, without those that have no value; NaN where undefined.
        """
        if self.of_windows is None:
            return {}
        matrix = self.of_windows(windows, setting)
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                name: np.asarray(self.features[name].formula(matrix), float)
                for name in wanted
                if name in self.features
            }


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    # PyRadiomics lists its methods get<Name>FeatureValue by the alphabet.
    return tuple(sorted(names, key=lambda name: f"{name}FeatureValue"))
