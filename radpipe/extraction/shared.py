"""What ROIs of one image have in common, made once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from enum import Enum
from typing import Any, TypeVar

_Made = TypeVar("_Made")


class Scope(Enum):
    """For which ROIs something is the same: narrower ones come and go within wider ones."""

    IMAGE = "image"
    MASK = "mask"
    ROI = "roi"


class Shared:
    """A memo that lives as long as one job: ROIs of one image, by mask file, label and settings.

    It is filled by whoever computes, and read by whoever computes the same again. Without repeats
    nothing large is kept: a job of one ROI takes the memory of that ROI.

    Parameters
    ----------
    rois : int
        How many ROIs of one image come.
    settings : int
        Under how many settings each of them comes.

    Examples
    --------
    >>> shared = Shared(rois=2, settings=1).at("image", "mask", 1)
    >>> shared.once(Scope.IMAGE, "mean", lambda: 3.0)
    3.0
    >>> shared.at("image", "mask", 2).once(Scope.IMAGE, "mean", lambda: 4.0)
    3.0
    """

    def __init__(self, rois: int = 1, settings: int = 1) -> None:
        # What belongs to a mask is small, or in memory anyway as long as its ROI is.
        self._keeps = {
            Scope.IMAGE: rois * settings > 1,
            Scope.MASK: True,
            Scope.ROI: settings > 1,
        }
        self._kept: dict[Scope, tuple[Hashable, dict[Hashable, Any]]] = {
            scope: (None, {}) for scope in Scope
        }

    def at(self, image: Hashable, mask: Hashable, roi: Hashable) -> Shared:
        """Go to an ROI, and forget what belongs to another image, mask or ROI.

        Parameters
        ----------
        image, mask, roi : hashable
            Their names.

        Returns
        -------
        Shared
            The same memo at this ROI; it stays right when others go on to the next one.
        """
        keys = {
            Scope.IMAGE: (image,),
            Scope.MASK: (image, mask),
            Scope.ROI: (image, mask, roi),
        }
        for scope, key in keys.items():
            if self._kept[scope][0] != key:
                self._kept[scope] = (key, {})
        there = Shared()
        there._keeps, there._kept = self._keeps, dict(self._kept)
        return there

    def keeps(self, scope: Scope) -> bool:
        """Tell whether anything of a scope is kept, since it will be asked for again.

        Parameters
        ----------
        scope : Scope
            The scope.

        Returns
        -------
        bool
            Whether it is.
        """
        return self._keeps[scope]

    def once(self, scope: Scope, name: Hashable, make: Callable[[], _Made]) -> _Made:
        """Make something the first time that it is asked for; every time where nothing is kept.

        Parameters
        ----------
        scope : Scope
            For which ROIs it is the same.
        name : hashable
            What it is, and everything that decides it within the scope.
        make : callable
            Makes it.

        Returns
        -------
        object
            What was made; not to be changed.
        """
        if not self.keeps(scope):
            return make()
        kept = self._kept[scope][1]
        if name not in kept:
            kept[name] = make()
        made: _Made = kept[name]
        return made

    def known(self, scope: Scope, name: Hashable) -> Any | None:
        """Look up what was made.

        Parameters
        ----------
        scope : Scope
            Its scope.
        name : hashable
            Its name.

        Returns
        -------
        object or None
            It, if it is kept.
        """
        return self._kept[scope][1].get(name)
