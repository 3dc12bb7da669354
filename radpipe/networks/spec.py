"""What is known of an encoder, as data: nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Ways to train an encoder, told where torch is not: keys of radpipe.networks.methods.METHODS.
METHODS = ("autoencoder", "vicreg", "cox")
# The one that learns outcomes.
SUPERVISED = "cox"


@dataclass(frozen=True)
class Window:
    """Intensities that become 0 and 1.

    Attributes
    ----------
    low, high : float
        In the image's unit.
    clip : bool
        Whether what lies outside becomes 0 or 1, or goes beyond.
    """

    low: float
    high: float
    clip: bool = True


@dataclass(frozen=True)
class Standardised:
    """Intensities of mean 0 and standard deviation 1.

    Attributes
    ----------
    above : float or None
        Only voxels above it are counted; the others become 0, the mean. None: all voxels of the
        patch inside the image are counted, and what lies outside it becomes 0.
    """

    above: float | None = 0.0


@dataclass(frozen=True)
class PatchSpec:
    """What an encoder is shown.

    Attributes
    ----------
    size : tuple of int
        Voxels along (z, y, x) of the array.
    spacing_mm : tuple of float
        Along the same axes.
    axes : str
        Where each axis of the array points to in the patient: ``SPL``, the order of ITK, goes to
        superior, posterior, left.
    intensity : Window or Standardised
        Applied after resampling.
    pad : float
        Intensity outside the image, in its unit.
    """

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    axes: str
    intensity: Window | Standardised
    pad: float


def patch_from(told: Mapping[str, Any]) -> PatchSpec:
    """Read what :func:`dataclasses.asdict` made of a patch's specification.

    Parameters
    ----------
    told : mapping
        Its fields; lists, where JSON has been between.

    Returns
    -------
    PatchSpec
        The same as before.
    """
    kind = Window if "low" in told["intensity"] else Standardised
    lists = {name: tuple(each) for name, each in told.items() if isinstance(each, list)}
    return PatchSpec(**{**told, **lists, "intensity": kind(**told["intensity"])})


@dataclass(frozen=True)
class Layout:
    """How a published file holds the encoder's weights.

    Attributes
    ----------
    container : str or None
        Key under which they lie; None where the file holds nothing else.
    prefix : str
        What stands before each of the encoder's own keys.
    heads : tuple of str
        How keys begin that belong to no part of the encoder, and are dropped.
    """

    container: str | None = None
    prefix: str = ""
    heads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """Where published weights are to be had.

    Attributes
    ----------
    repository : str
        Of the hub, ``owner/name``, or an address.
    file : str
        In it.
    revision : str or None
        Commit; None where the publisher has but one version.
    sha256 : str or None
        Of the file; None where it is not known to this project, and nothing can be checked.
    """

    repository: str
    file: str
    revision: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class EncoderSpec:
    """An encoder.

    Attributes
    ----------
    name : str
        What it is called here.
    architecture : str
        Key of :data:`radpipe.networks.architectures.ARCHITECTURES`.
    arguments : dict
        Of the architecture.
    dimension : int
        Columns of an embedding.
    keys : str
        SHA-256 of the names and shapes of all weights, as
        :func:`radpipe.networks.weights.keys_hash` makes it.
    layouts : tuple of Layout
        Of the published files.
    patch : PatchSpec
        What it is shown.
    modality : tuple of str
        DICOM's names of what it was trained on; empty for any.
    licence : str
        Of the weights.
    source : Source or None
        Where weights are; None where there are none.
    reference : str
        DOI or address of the publication.
    channels : tuple of str
        What the network is given, of ``image`` and ``mask``, in this order.
    """

    name: str
    architecture: str
    arguments: dict[str, Any]
    dimension: int
    keys: str
    layouts: tuple[Layout, ...]
    patch: PatchSpec
    modality: tuple[str, ...]
    licence: str
    source: Source | None
    reference: str
    channels: tuple[str, ...] = ("image",)

    @property
    def columns(self) -> list[str]:
        """Names of an embedding's numbers in a table."""
        digits = max(4, len(str(self.dimension - 1)))
        return [f"{self.name}_{place:0{digits}d}" for place in range(self.dimension)]
