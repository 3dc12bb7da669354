"""The distribution of censoring, whose inverse makes up for the patients lost to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from radpipe.prognosis.survival.endpoint import Endpoint, Floats, check_endpoint
from radpipe.prognosis.survival.kaplan_meier import reverse_kaplan_meier


class CensoringDistribution:
    """The probability of not being censored, by the reverse Kaplan-Meier estimate.

    A patient with an event at t stands also for those who would have had it, had they not been
    lost: counted 1/G(t) times, the patients left are a fair sample again, as long as censoring has
    nothing to do with the prognosis. Where that fails (the sick are lost first), every metric
    weighted so is biased.

    Parameters
    ----------
    train : ndarray, shape (n,)
        Structured array with ``event`` and ``time`` of the patients it is estimated from.

    Attributes
    ----------
    times : ndarray of float64, shape (k,)
        Every distinct time, ascending.
    survival : ndarray of float64, shape (k,)
        G: probability of no censoring up to and including that time.

    Notes
    -----
    Robins and Rotnitzky 1992, doi 10.1007/978-1-4757-1229-2_14. At a shared time the events come
    first, so that G(t) holds the censoring at t itself. scikit-survival weights an event at t with
    G(t); the estimate that Kaplan and Meier's curve implies is G just before t
    (:meth:`survival_before`). They differ only where events and censoring share times, as in tables
    that count months.
    """

    def __init__(self, train: Endpoint) -> None:
        self.times, self.survival = reverse_kaplan_meier(train)

    @property
    def last_time(self) -> float:
        """The end of follow-up: before it, every weight exists; a ``tau`` that is always safe."""
        return float(self.times[-1])

    def survival_at(self, times: ArrayLike) -> Floats:
        """Give G at each time, censoring at that time included.

        Parameters
        ----------
        times : array-like of float, shape (k,)
            When.

        Returns
        -------
        ndarray of float64, shape (k,)
            1 before the first censoring; 0 beyond the last time if everyone left was censored then.

        Raises
        ------
        ValueError
            A time lies beyond all follow-up, and G had not reached 0: it is unknown there.

        Examples
        --------
        >>> from radpipe.prognosis.survival import make_endpoint
        >>> train = make_endpoint([True, False, False, True], [1, 2, 4, 4])
        >>> CensoringDistribution(train).survival_at([1, 2, 3, 4]).round(3).tolist()
        [1.0, 0.667, 0.667, 0.0]
        """
        return self._step(np.asarray(times, dtype=np.float64), "right")

    def survival_before(self, times: ArrayLike) -> Floats:
        """Give G just before each time.

        Parameters
        ----------
        times : array-like of float, shape (k,)
            When.

        Returns
        -------
        ndarray of float64, shape (k,)
            The limit from the left; above 0 up to the last time.

        Raises
        ------
        ValueError
            As for :meth:`survival_at`.
        """
        return self._step(np.asarray(times, dtype=np.float64), "left")

    def _step(self, times: Floats, side: str) -> Floats:
        beyond = times > self.last_time
        if beyond.any() and self.survival[-1] > 0:
            raise ValueError(
                f"time {times[beyond].max():g} lies beyond the last follow-up, {self.last_time:g}: "
                "the censoring distribution is unknown there"
            )
        steps = np.searchsorted(self.times, times, side=side)  # type: ignore[call-overload]
        found: Floats = np.concatenate([[1.0], self.survival])[steps]
        return found


def inverse_censoring_weights(
    train: Endpoint, test: Endpoint, counted: ArrayLike | None = None
) -> Floats:
    """Weight each event by the inverse probability that it could be seen.

    Parameters
    ----------
    train : ndarray, shape (m,)
        Structured array with ``event`` and ``time``: censoring is estimated from these patients.
    test : ndarray, shape (n,)
        The same of the patients to weight.
    counted : array-like of bool, shape (n,), optional
        Whose event counts, for example up to a horizon; by default all.

    Returns
    -------
    ndarray of float64, shape (n,)
        1/G(time) where an event counts, else 0.

    Raises
    ------
    ValueError
        G is 0 or unknown at an event that counts: only a metric cut off before it exists.

    Notes
    -----
    Few late weights can rule the whole metric; a cut-off bounds them.
    """
    event, time = check_endpoint(test)
    wanted = event if counted is None else event & np.asarray(counted, dtype=bool)
    seen = CensoringDistribution(train).survival_at(time[wanted])
    if (seen == 0).any():
        first = time[wanted][seen == 0].min()
        raise ValueError(
            f"no training patient was followed beyond {first:g}, where an event counts"
        )
    weights = np.zeros(len(time))
    weights[wanted] = 1 / seen
    return weights
