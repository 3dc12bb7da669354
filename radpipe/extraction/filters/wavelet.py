"""Image type ``Wavelet``: undecimated wavelet transform, one image a subband.

PyRadiomics pads odd axes to even ones, lets the image repeat itself beyond its borders, and
applies the same undilated filters again at every level. A result inside a box depends on the box
and a margin only.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import product

import numpy as np
import pywt
from pydantic import field_validator

from radpipe.extraction.filters.base import Derived
from radpipe.extraction.grid import Array, Box, Grid, Mask
from radpipe.extraction.section import Count, Index, PlaneSetting


class WaveletSetting(PlaneSetting):
    """Which wavelet, and which levels of the decomposition."""

    start_level: Index = 0
    level: Count = 1
    wavelet: str = "coif1"

    @field_validator("wavelet")
    @classmethod
    def _known(cls, wavelet: str) -> str:
        known = pywt.wavelist(kind="discrete")
        if wavelet in known:
            return wavelet
        near = get_close_matches(wavelet, known, n=1)
        hint = f"such as {near[0]!r}" if near else "one of pywt.wavelist(kind='discrete')"
        raise ValueError(f"a discrete wavelet of PyWavelets, {hint}")


def names(setting: WaveletSetting) -> list[str]:
    """Such as ``wavelet-LLH``, ``wavelet2-HLL``: x first; the last level's approximation last."""
    return _names(2 if setting.force2D else 3, setting.level)


def _names(axes: int, levels: int) -> list[str]:
    bands = ["".join(band) for band in product("LH", repeat=axes)]
    prefixes = ["wavelet-"] + [f"wavelet{level}-" for level in range(2, levels + 1)]
    # The approximation is the input of the next level: only the last one is a result.
    return [prefix + band for prefix in prefixes for band in bands[1:]] + [prefixes[-1] + bands[0]]


def apply(image: Grid, roi: Mask, box: Box, setting: WaveletSetting) -> Derived:
    """Subbands, level by level; float32 where the image is, else float64."""
    wavelet = pywt.Wavelet(setting.wavelet)
    left_out = setting.force2Ddimension if setting.force2D else None
    axes = [axis for axis in reversed(range(image.array.ndim)) if axis != left_out]
    levels = setting.start_level + setting.level
    needed = [
        _needed(part, size, levels if axis in axes else 0, wavelet.dec_len)
        for axis, (part, size) in enumerate(zip(box, image.array.shape, strict=True))
    ]
    found = _decompositions(_first_block(image.array, needed), axes, needed, wavelet, setting)
    yield from zip(_names(len(axes), setting.level), found, strict=True)


def _needed(part: slice, size: int, levels: int, length: int) -> list[Array]:
    """List what each level needs along an axis: the input of the first first, the box last.

    The axis repeats itself, yet the places ascend: PyWavelets adds up in another order where a
    filter reaches past the far end, so that end must stay one.
    """
    even = size + size % 2
    needed = [np.arange(part.start, part.stop)]
    start, stop = part.start, part.stop
    for _ in range(levels):
        start, stop = start - (length // 2 - 1), stop + length // 2
        stop += (stop - start) % 2
        needed.insert(0, np.unique(np.arange(start, stop) % even))
    return needed


def _first_block(array: Array, needed: list[list[Array]]) -> Array:
    for axis, (size, places) in enumerate(zip(array.shape, needed, strict=True)):
        # An odd axis is padded by its own first voxel.
        array = array.take(places[0] % size, axis)
    return array


def _decompositions(
    block: Array,
    axes: list[int],
    needed: list[list[Array]],
    wavelet: pywt.Wavelet,
    setting: WaveletSetting,
) -> Iterator[Array]:
    for level in range(setting.start_level + setting.level):
        wanted = level >= setting.start_level
        bands = [block]
        for axis in axes:
            kept = np.searchsorted(needed[axis][level], needed[axis][level + 1])
            halves = [_halves(band, wavelet, axis, kept) for band in bands]
            bands = [half for pair in halves for half in (pair if wanted else pair[:1])]
        block = bands[0]
        if wanted:
            yield from (_inside(band, axes, needed, level + 1) for band in bands[1:])
    yield block


def _halves(band: Array, wavelet: pywt.Wavelet, axis: int, kept: Array) -> tuple[Array, Array]:
    (low, high) = pywt.swt(band, wavelet, level=1, axis=axis)[0]
    return low.take(kept, axis), high.take(kept, axis)


def _inside(band: Array, axes: list[int], needed: list[list[Array]], level: int) -> Array:
    for axis in axes:
        band = band.take(np.searchsorted(needed[axis][level], needed[axis][-1]), axis)
    return band
