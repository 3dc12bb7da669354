"""What a person asks of an encoder."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from radpipe.errors import SettingsError
from radpipe.extraction.patch_grids import CROPS
from radpipe.networks.encoders import ENCODERS
from radpipe.networks.formats import format_of
from radpipe.networks.spec import METHODS, SUPERVISED, EncoderSpec

HUB = "hub"
_WIDEST_MM = 1000.0
# What an option is called where the setting has another name.
_OPTIONS = {"augmentations": "augment"}


@dataclass(frozen=True)
class Order:
    """What a person asks of an encoder.

    Attributes
    ----------
    encoder : str
        Key of :data:`radpipe.networks.encoders.ENCODERS`.
    weights : Path, "hub" or None
        A file, a directory that radpipe saved, or the hub; None fits the encoder to the cohort.
    revision, sha256 : str or None
        Of the weights: which of the hub's, and what their file must be.
    compat : bool
        Crop as the encoder's authors published it.
    force : bool
        Take images of a modality that the encoder was not made for.
    spacing_mm : tuple of float or None
        Of the patch, (z, y, x).
    window : tuple of float or None
        Intensities that become 0 and 1; standardised without it.
    method : str or None
        How it is fitted.
    epochs, patience, seed : int or None
        Of the fit.
    augment : tuple of str or None
        What the fit does to patches.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    """

    encoder: str
    weights: Path | str | None = None
    revision: str | None = None
    sha256: str | None = None
    compat: bool = False
    force: bool = False
    spacing_mm: tuple[float, float, float] | None = None
    window: tuple[float, float] | None = None
    method: str | None = None
    epochs: int | None = None
    patience: int | None = None
    seed: int | None = None
    augment: tuple[str, ...] | None = None
    device: str = "auto"

    @property
    def folder(self) -> Path | None:
        """The directory that radpipe saved the encoder in, if there is one."""
        path = self._path
        return path if path is not None and path.is_dir() else None

    @property
    def file(self) -> Path | None:
        """The file of weights, if one is named."""
        return self._path if self.folder is None else None

    @property
    def is_fitted_here(self) -> bool:
        """Whether the encoder is fitted to the cohort."""
        return self.weights is None

    @property
    def _path(self) -> Path | None:
        return None if self.weights is None or self.weights == HUB else Path(self.weights)

    def fit_settings(self) -> dict[str, Any]:
        """List what was asked of the fit, and nothing that was not.

        Returns
        -------
        dict
            By the names of :class:`radpipe.networks.training.Training`.
        """
        asked = {
            "method": self.method,
            "epochs": self.epochs,
            "patience": self.patience,
            "seed": self.seed,
            "augmentations": self.augment,
        }
        return {name: value for name, value in asked.items() if value is not None}

    def check(self) -> EncoderSpec:
        """Refuse what has no meaning.

        Returns
        -------
        EncoderSpec
            The encoder that is meant, as radpipe knows it.

        Raises
        ------
        SettingsError
            There is no such encoder, or an option does not go with it.
        ModelError
            The file of weights is missing, or plainly something else.
        """
        _require_known("--encoder", self.encoder, ENCODERS)
        spec = ENCODERS[self.encoder]
        if self.file is not None:
            format_of(self.file)
        if self.is_fitted_here and spec.source is not None:
            raise SettingsError(
                f"{spec.name} needs weights",
                where="--weights",
                expected=f"the file of its publisher: {spec.source.repository}, {spec.source.file}",
                remedy="fetch it and name it with --weights FILE",
            )
        if spec.source is None and self.folder is None and not self.is_fitted_here:
            raise SettingsError(
                "weights without what tells on whom they were fitted",
                where="--weights",
                found=self.weights,
                expected=f"a directory that radpipe saved: RUN/encoder, of {spec.name}",
                remedy="name the directory that holds the file",
            )
        for where, expected in self._misplaced(spec):
            raise SettingsError(
                "the option does not go with the others",
                where=where,
                found=f"{spec.name}, weights {self.weights or 'fitted here'}",
                expected=expected,
                remedy=f"leave {where} out",
            )
        self._require_sense()
        return spec

    def _require_sense(self) -> None:
        if self.method is not None:
            _require_unsupervised(self.method)
        if self.sha256 is not None and not re.fullmatch("[0-9a-fA-F]{64}", self.sha256):
            raise SettingsError(
                "no SHA-256",
                where="--sha256",
                found=self.sha256,
                expected="64 hexadecimal digits",
                remedy="copy all of it, or leave it out",
            )
        low, high = self.window or (0.0, 1.0)
        if not -math.inf < low < high < math.inf:
            raise SettingsError(
                "no window",
                where="--window",
                found=self.window,
                expected="LOW,HIGH, LOW below",
                remedy="give two numbers, for example -1000,400",
            )
        if not all(0 < each < _WIDEST_MM for each in self.spacing_mm or ()):
            raise SettingsError(
                "no spacing",
                where="--spacing",
                found=self.spacing_mm,
                expected=f"mm above 0, below {_WIDEST_MM:.0f}",
                remedy="give one number, or three for z,y,x",
            )

    def _misplaced(self, spec: EncoderSpec) -> Iterator[tuple[str, str]]:
        """Name options that are given and could decide nothing."""
        if self.compat and spec.name not in CROPS:
            yield "--compat", f"an encoder of known cropping: {', '.join(CROPS)}"
        if not self.is_fitted_here:
            for name in self.fit_settings():
                yield f"--{_OPTIONS.get(name, name)}", "an encoder that is fitted to the cohort"
        # A directory that radpipe saved tells the patch itself.
        if spec.source is not None or self.folder is not None:
            for name, given in {"--spacing": self.spacing_mm, "--window": self.window}.items():
                if given is not None:
                    yield name, "an encoder whose patch is not settled"
        if self.revision is not None and self.weights != HUB:
            yield "--revision", "--weights hub"
        if self.sha256 is not None and self.is_fitted_here:
            yield "--sha256", "--weights"


def _require_unsupervised(method: str) -> None:
    if method == SUPERVISED:
        raise SettingsError(
            "the method needs outcomes, and a fit on all cases would know those of the test folds",
            where="--method",
            found=method,
            expected="a method that needs none: autoencoder or vicreg",
            remedy="take another here; `radpipe evaluate` and `train` fit cox inside their folds",
        )
    _require_known("--method", method, [each for each in METHODS if each != SUPERVISED])


def _require_known(where: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        near = get_close_matches(name, known, n=1)
        raise SettingsError(
            f"no such {where.removeprefix('--')}",
            where=where,
            found=name,
            expected=f"one of {', '.join(known)}",
            remedy=f"did you mean {near[0]!r}?" if near else "name one of these",
        )
