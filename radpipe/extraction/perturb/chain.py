"""Which perturbations there are, and several of them one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from difflib import get_close_matches

import numpy as np

from radpipe.errors import SettingsError
from radpipe.extraction.perturb.contours import randomise, require_supervoxels
from radpipe.extraction.perturb.growth import grow
from radpipe.extraction.perturb.noise import add_noise
from radpipe.extraction.perturb.pair import Pair
from radpipe.extraction.perturb.pose import move

Step = Callable[[Pair, Set[str], np.random.Generator], Pair]
# In the order in which a scan comes about: acquired where the patient lies, then drawn in.
STEPS: dict[tuple[str, ...], Step] = {
    ("noise",): add_noise,
    ("rotation", "shift"): move,
    ("growth",): grow,
    ("contours",): randomise,
}
NAMES = tuple(name for names in STEPS for name in names)
_OF_IMAGES = {"noise", "rotation", "shift"}
DEFAULT = "+".join(NAMES)
Chain = tuple[str, ...]


def chains_of(text: str) -> list[Chain]:
    """Read which perturbations are asked for.

    Parameters
    ----------
    text : str
        Names joined by ``+`` are done together; by ``,`` apart: ``noise,rotation+growth``.

    Returns
    -------
    list of tuple of str
        One a chain, each in the order in which it is done.

    Raises
    ------
    SettingsError
        There is no such perturbation, one stands twice, or a package is missing.

    Examples
    --------
    >>> chains_of("growth+rotation, noise")
    [('rotation', 'growth'), ('noise',)]
    """
    chains = [_chain([name.strip() for name in part.split("+")]) for part in text.split(",")]
    if len(set(chains)) < len(chains):
        raise SettingsError("a perturbation is named twice", where="--perturbations", found=text)
    if any("contours" in chain for chain in chains):
        require_supervoxels()
    return chains


def _chain(names: Sequence[str]) -> Chain:
    for name in names:
        if name not in NAMES:
            near = get_close_matches(name, NAMES, n=1)
            raise SettingsError(
                "no such perturbation",
                where="--perturbations",
                found=repr(name),
                expected=", ".join(NAMES) + "; several at once as noise+growth",
                remedy=f"did you mean {near[0]}?" if near else None,
            )
    if len(set(names)) < len(names):
        raise SettingsError(
            "a perturbation stands twice in a chain", where="--perturbations", found="+".join(names)
        )
    return tuple(name for name in NAMES if name in names)


def changes_image(chain: Chain) -> bool:
    """Tell whether a chain changes intensities, or nothing but the ROI.

    Parameters
    ----------
    chain : tuple of str
        Names.

    Returns
    -------
    bool
        Whether it does.
    """
    return not _OF_IMAGES.isdisjoint(chain)


def perturbed(pair: Pair, chain: Chain, rng: np.random.Generator) -> Pair:
    """Perturb an image and its ROI.

    Parameters
    ----------
    pair : Pair
        As read.
    chain : tuple of str
        What to do.
    rng : numpy.random.Generator
        Draws how much.

    Returns
    -------
    Pair
        Another one.
    """
    for names, step in STEPS.items():
        if asked := set(names) & set(chain):
            pair = step(pair, asked, rng)
    return pair
