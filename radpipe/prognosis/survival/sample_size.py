"""Riley's minimum sample size for developing a prediction model."""

from __future__ import annotations

from math import ceil, exp, log, log1p
from statistics import NormalDist

_Z = NormalDist().inv_cdf(0.975)
_OPTIMISM = 0.05
_MARGIN = 0.05
# With no earlier model to go by, Riley et al. take 15 % of the greatest R2 there can be.
_SHARE_OF_GREATEST = 0.15


def survival_sample_size(
    parameters: int,
    event_rate: float,
    mean_follow_up: float,
    horizon: float,
    *,
    r2: float | None = None,
    shrinkage: float = 0.9,
) -> dict[str, float]:
    """Tell how many patients a survival model with so many candidate predictors needs.

    Three criteria: little overfitting, a small gap between apparent and adjusted R2, and the
    overall risk at the horizon within 0.05. For penalised models it is a lower bound: with so few
    patients the penalty itself cannot be tuned well (Riley et al. 2021,
    doi 10.1016/j.jclinepi.2020.12.005).

    Parameters
    ----------
    parameters : int
        Candidate predictor parameters, before any selection.
    event_rate : float
        Events per patient and unit of time.
    mean_follow_up : float
        In that unit.
    horizon : float
        Time of interest, in that unit.
    r2 : float, optional
        Anticipated Cox-Snell R2; by default 15 % of the greatest possible.
    shrinkage : float
        Least calibration slope to expect of the unshrunk model.

    Returns
    -------
    dict
        ``shrinkage``, ``optimism``, ``overall_risk``: patients by each criterion; ``patients``:
        the most of them; ``events``: among so many; ``events_per_parameter``; ``r2``.

    Raises
    ------
    ValueError
        A value is not positive, or R2 or shrinkage are out of range.

    Notes
    -----
    Riley et al. 2019, doi 10.1002/sim.7992. Event times are taken as exponential.

    Examples
    --------
    >>> found = survival_sample_size(30, 0.065, 2.07, 2, r2=0.051)
    >>> found["shrinkage"], found["optimism"], found["patients"]
    (5143, 1039, 5143)
    """
    _require_positive(
        event_rate=event_rate, mean_follow_up=mean_follow_up, horizon=horizon, parameters=parameters
    )
    share = event_rate * mean_follow_up
    if share > 1:
        raise ValueError(f"{share:g} events per patient: event rate and follow-up differ in unit")
    greatest = 1 - exp(2 * share * (log(share) - 1))
    overall = _patients_for_overall_risk(event_rate, mean_follow_up, horizon)
    return _criteria(parameters, greatest, r2, shrinkage, overall, share)


def binary_sample_size(
    parameters: int, prevalence: float, *, r2: float | None = None, shrinkage: float = 0.9
) -> dict[str, float]:
    """Tell how many patients a model of a binary endpoint needs.

    Parameters
    ----------
    parameters : int
        Candidate predictor parameters, before any selection.
    prevalence : float
        Share of patients with the event.
    r2 : float, optional
        Anticipated Cox-Snell R2; by default 15 % of the greatest possible.
    shrinkage : float
        Least calibration slope to expect of the unshrunk model.

    Returns
    -------
    dict
        As for :func:`survival_sample_size`.

    Raises
    ------
    ValueError
        A value is out of range.

    Notes
    -----
    Riley et al. 2019, doi 10.1002/sim.7992; Riley et al. 2020, doi 10.1136/bmj.m441.

    Examples
    --------
    >>> binary_sample_size(30, 0.05, r2=0.05)["patients"]
    5249
    """
    _require_positive(parameters=parameters)
    if not 0 < prevalence < 1:
        raise ValueError(f"a prevalence lies between 0 and 1, not at {prevalence}")
    entropy = prevalence * log(prevalence) + (1 - prevalence) * log1p(-prevalence)
    overall = (_Z / _MARGIN) ** 2 * prevalence * (1 - prevalence)
    return _criteria(parameters, 1 - exp(2 * entropy), r2, shrinkage, overall, prevalence)


def _require_positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name} must be above 0, not {value}")


def _patients_for_overall_risk(event_rate: float, mean_follow_up: float, horizon: float) -> float:
    # The survival exp(-rate * horizon) may be off by the margin; upwards is the wider side.
    off = log1p(_MARGIN * exp(event_rate * horizon)) / horizon
    return event_rate * (_Z / off) ** 2 / mean_follow_up


def _criteria(
    parameters: int,
    greatest: float,
    r2: float | None,
    shrinkage: float,
    overall: float,
    events_per_patient: float,
) -> dict[str, float]:
    anticipated = _SHARE_OF_GREATEST * greatest if r2 is None else r2
    if not 0 < anticipated < min(shrinkage, greatest) or not shrinkage < 1:
        raise ValueError(
            f"R2 {anticipated:g} must lie between 0 and {greatest:g}, the greatest possible here, "
            f"and below the shrinkage, {shrinkage:g}, which is below 1"
        )
    small_gap = anticipated / (anticipated + _OPTIMISM * greatest)
    found = {
        "shrinkage": _patients_for_shrinkage(parameters, anticipated, shrinkage),
        "optimism": _patients_for_shrinkage(parameters, anticipated, small_gap),
        "overall_risk": ceil(overall),
    }
    patients = max(found.values())
    events = patients * events_per_patient
    return {
        **found,
        "patients": patients,
        "events": ceil(events),
        "events_per_parameter": events / parameters,
        "r2": anticipated,
    }


def _patients_for_shrinkage(parameters: int, r2: float, shrinkage: float) -> int:
    return ceil(parameters / ((shrinkage - 1) * log1p(-r2 / shrinkage)))
