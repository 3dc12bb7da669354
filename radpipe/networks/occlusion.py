"""Occlusion: what a score loses where a part of the image is hidden."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice, product

import numpy as np
import numpy.typing as npt

from radpipe.errors import SettingsError

Floats = npt.NDArray[np.float64]
Inputs = npt.NDArray[np.float32]
Window = tuple[slice, ...]
_CHUNK = 32
_QUARTER, _EIGHTH = 4, 8


def occlusion(
    score: Callable[[Inputs], Floats],
    inputs: Inputs,
    *,
    size: Sequence[int] | None = None,
    stride: Sequence[int] | None = None,
    channel: int = 0,
    step: Callable[[int], None] | None = None,
) -> Floats:
    """Hide one window of the image after the other, and see what becomes of the score.

    Parameters
    ----------
    score : callable
        (m, channels, z, y, x) of float32 to (m,) of float64; a few patches at a time.
    inputs : ndarray of float32, shape (channels, z, y, x)
        One patch; left as it is.
    size, stride : sequence of int, optional
        Of the windows: see :func:`windows`.
    channel : int
        Which is the image. Others, such as a mask, are never hidden.
    step : callable, optional
        Told how many windows more are done.

    Returns
    -------
    ndarray of float64, shape (z, y, x)
        The mean over the windows that cover a voxel of what the score loses while they show the
        patch's mean intensity. Positive: what is there raises the score.

    Raises
    ------
    SettingsError
        The windows do not cover the patch.

    References
    ----------
    Zeiler and Fergus 2014, doi 10.1007/978-3-319-10590-1_53.
    """
    shape = inputs.shape[1:]
    rest = iter(windows(shape, size, stride))
    whole = score(inputs[np.newaxis])[0]
    lost, covered = np.zeros(shape), np.zeros(shape)
    while chunk := [*islice(rest, _CHUNK)]:
        hidden = score(_hidden(inputs, chunk, channel))
        for window, found in zip(chunk, hidden, strict=True):
            lost[window] += whole - found
            covered[window] += 1
        if step is not None:
            step(len(chunk))
    return np.asarray(lost / covered)


def windows(
    shape: Sequence[int], size: Sequence[int] | None = None, stride: Sequence[int] | None = None
) -> list[Window]:
    """Lay windows over a patch; the last of each row ends where the patch does.

    Parameters
    ----------
    shape : sequence of int
        Of the patch, voxels along (z, y, x).
    size : sequence of int, optional
        Of a window; by default a quarter of each side.
    stride : sequence of int, optional
        From one to the next; by default an eighth of each side, which makes 343 of most patches.

    Returns
    -------
    list of tuple of slice
        One a window.

    Raises
    ------
    SettingsError
        They are larger than the patch, or leave gaps.

    Examples
    --------
    >>> len(windows((32, 32, 32)))
    343
    """
    size = [-(-side // _QUARTER) for side in shape] if size is None else size
    stride = [-(-side // _EIGHTH) for side in shape] if stride is None else stride
    sides = [*zip(shape, size, stride, strict=True)]
    if not all(1 <= apart <= wide <= side for side, wide, apart in sides):
        raise SettingsError(
            "these windows do not cover the patch",
            where="occlusion",
            found=f"windows of {tuple(size)}, moved by {tuple(stride)}",
            expected=f"at most {tuple(shape)}, and moved by no more than their size",
        )
    starts = ([*range(0, side - wide, apart), side - wide] for side, wide, apart in sides)
    return [
        tuple(slice(at, at + wide) for at, wide in zip(corner, size, strict=True))
        for corner in product(*starts)
    ]


def _hidden(inputs: Inputs, chunk: Sequence[Window], channel: int) -> Inputs:
    patches = np.repeat(inputs[np.newaxis], len(chunk), axis=0)
    for patch, window in zip(patches, chunk, strict=True):
        patch[channel][window] = inputs[channel].mean()
    return patches
