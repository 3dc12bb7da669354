"""Patches to embeddings: one by one on the CPU, in batches on a GPU."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import chain, islice

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from radpipe.errors import ModelError, SettingsError
from radpipe.networks.spec import EncoderSpec
from radpipe.parallel.threads import in_threads

log = logging.getLogger("radpipe")
Floats = npt.NDArray[np.float32]
DEVICES = ("auto", "cpu", "cuda")


def inputs_of(intensities: Floats, roi: npt.NDArray[np.bool_], spec: EncoderSpec) -> Floats:
    """Stack what a network is given of one patch.

    Parameters
    ----------
    intensities : ndarray of float32, shape (z, y, x)
        As the encoder wants them.
    roi : ndarray of bool, shape (z, y, x)
        The ROI on the same grid.
    spec : EncoderSpec
        Names the channels and the patch's size.

    Returns
    -------
    ndarray of float32, shape (channels, z, y, x)
        In the order of the spec's channels; the mask as 0 and 1.

    Raises
    ------
    ModelError
        The patch has another size.
    """
    if not intensities.shape == roi.shape == spec.patch.size:
        raise ModelError(
            "the patch is not what the encoder is shown",
            where=spec.name,
            found=f"image {intensities.shape}, mask {roi.shape}",
            expected=f"voxels along z, y, x: {spec.patch.size}",
            remedy="cut the patches for this encoder",
        )
    known = {"image": intensities, "mask": roi}
    return np.stack([known[name].astype(np.float32) for name in spec.channels])


def device_named(name: str) -> str:
    """Tell where to compute.

    Parameters
    ----------
    name : str
        ``auto``, ``cpu`` or ``cuda``.

    Returns
    -------
    str
        ``cpu`` or ``cuda``; of ``auto`` the GPU where torch finds one.

    Raises
    ------
    SettingsError
        There is no such device.
    """
    there = torch.cuda.is_available()
    available = DEVICES if there else tuple(each for each in DEVICES if each != "cuda")
    if name not in available:
        raise SettingsError(
            "no such device",
            where="--device",
            found=f"{name}; torch {torch.__version__} finds {'a' if there else 'no'} GPU",
            expected=f"one of {', '.join(available)}",
            remedy="take auto, which takes a GPU where there is one",
        )
    return ("cuda" if there else "cpu") if name == "auto" else name


def embed(
    network: nn.Module,
    inputs: Iterable[Floats],
    *,
    device: str = "cpu",
    threads: int = 1,
    batch: int = 16,
) -> Iterator[Floats]:
    """Embed patches, in their order.

    On the CPU an embedding's bytes depend neither on the threads nor on its neighbours: each patch
    is computed alone, on one thread. A GPU's differ from them by less than 1e-4.

    Parameters
    ----------
    network : Module
        (n, channels, z, y, x) to (n, dimension); left in evaluation mode, on the CPU.
    inputs : iterable of ndarray of float32, shape (channels, z, y, x)
        Asked for the next patch only when there is room: a few are in memory at once.
    device : str
        ``cpu`` or ``cuda``.
    threads : int
        Patches at a time on the CPU.
    batch : int
        Patches at a time on a GPU; halved where its memory does not suffice.

    Yields
    ------
    ndarray of float32, shape (dimension,)
        One a patch.

    Raises
    ------
    SettingsError
        The number of threads, or of patches in a batch, is none.
    """
    if min(threads, batch) < 1:
        raise SettingsError(
            "too few at a time",
            where="embed",
            found=f"{threads} threads, batches of {batch}",
            expected="1 or more of each",
            remedy="ask for one at least",
        )
    network.eval()
    if device == "cpu":
        yield from _one_by_one(network.to("cpu"), inputs, threads)
        return
    try:
        yield from _in_batches(network, inputs, device, batch, threads)
    finally:
        network.to("cpu")


def _one_by_one(network: nn.Module, inputs: Iterable[Floats], threads: int) -> Iterator[Floats]:
    def alone(patch: Floats) -> Floats:
        # OpenMP keeps a count for each thread that asks it.
        torch.set_num_threads(1)
        embedding: Floats = _forward(network, [patch], "cpu")[0]
        return embedding

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield from in_threads(alone, inputs, threads)
    finally:
        torch.set_num_threads(before)


def _in_batches(
    network: nn.Module, inputs: Iterable[Floats], device: str, batch: int, threads: int
) -> Iterator[Floats]:
    rest = iter(inputs)
    held: list[Floats] = []
    while held := [*held, *islice(rest, max(0, batch - len(held)))]:
        found = _forward_where_it_fits(network, held[:batch], device)
        if found is not None:
            yield from found
            held = held[batch:]
        elif batch > 1:
            batch //= 2
            _tell_smaller(f"{batch} patches at a time from here on")
        else:
            _tell_smaller("the CPU computes the rest")
            yield from _one_by_one(network.to("cpu"), chain(held, rest), threads)
            return


def _tell_smaller(what: str) -> None:
    torch.cuda.empty_cache()
    log.warning("the GPU's memory does not suffice: %s", what)


def _forward_where_it_fits(network: nn.Module, patches: list[Floats], device: str) -> Floats | None:
    # Returning first frees what the error's traceback holds.
    try:
        return _forward(network.to(device), patches, device)
    except torch.cuda.OutOfMemoryError:
        return None
    except RuntimeError as error:
        # cuDNN and cuBLAS allocate by themselves.
        if "ALLOC_FAILED" in str(error):
            return None
        raise


def _forward(network: nn.Module, patches: list[Floats], device: str) -> Floats:
    exact = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    with torch.inference_mode(), exact:
        found = network(torch.tensor(np.stack(patches), device=device))
    return np.asarray(found.cpu().numpy(), dtype=np.float32)
