"""Tables of answers."""

from __future__ import annotations

from collections.abc import Callable

from radpipe.prognosis.report.checklists.known import Known

Answer = Callable[[Known], str | None]


def entering(table: dict[str, Answer]) -> Callable[[Answer], Answer]:
    """Return a decorator that enters functions into a table under their own name.

    Parameters
    ----------
    table : dict of str to callable
        The table.

    Returns
    -------
    callable
        For functions that take what is known, and return sentences, or None where it is not.
    """

    def _enter(function: Answer) -> Answer:
        table[function.__name__] = function
        return function

    return _enter
