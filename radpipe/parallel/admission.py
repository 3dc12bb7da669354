"""Which item comes next, so that those under way together fit into the memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence


class Waiting:
    """Items not yet under way; gives the largest that fits beside those that are.

    Parameters
    ----------
    sizes : sequence of int
        Bytes that each item is expected to take.
    memory : int or None
        Bytes that the items under way may take together; None sets no limit.
    """

    def __init__(self, sizes: Sequence[int], memory: int | None) -> None:
        self._sizes = sizes
        self._free = float("inf") if memory is None else float(memory)
        # Ascending, and the first of equals last, where it is taken first.
        self._places = sorted(range(len(sizes)), key=lambda place: (sizes[place], -place))

    def next(self, under_way: int, room: int) -> int | None:
        """Take the next item.

        Parameters
        ----------
        under_way : int
            Items that are.
        room : int
            Items that may be.

        Returns
        -------
        int or None
            Its place; None where none is left, or none fits yet. An item larger than the whole
            memory comes when nothing else is under way.
        """
        if not self._places or under_way >= room:
            return None
        fitting = bisect_right(self._places, self._free, key=lambda place: self._sizes[place])
        if fitting == 0:
            if under_way:
                return None
            # It is more than the whole memory: alone, or never.
            fitting = 1
        place = self._places.pop(fitting - 1)
        self._free -= self._sizes[place]
        return place

    def free(self, place: int) -> None:
        """Give an item's memory back.

        Parameters
        ----------
        place : int
            The item's, which is no longer under way.
        """
        self._free += self._sizes[place]
