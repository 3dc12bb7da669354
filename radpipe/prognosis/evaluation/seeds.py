"""Which seeds there are."""

from __future__ import annotations

from radpipe.errors import SettingsError

LARGEST_SEED = 2**32 - 1


def require_seed(seed: int) -> None:
    """Refuse a seed that scikit-learn would refuse.

    Parameters
    ----------
    seed : int
        The user's.

    Raises
    ------
    SettingsError
        It is negative, or does not fit into 32 bits.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise SettingsError(
            "no such seed",
            where="--seed",
            found=seed,
            expected=f"a whole number from 0 to {LARGEST_SEED}",
            remedy="take another one",
        )
