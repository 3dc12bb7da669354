"""Write survival_values.json: what scikit-survival gives for seeded cohorts.

Run it where scikit-survival is installed (it is GPL, so never beside radpipe):
``python tests/reference/make_survival_values.py``. The values kept were made with 0.28.0.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np


def cohort(seed: int, ties: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return event, time (days) and risk score of 60 patients."""
    random = np.random.default_rng(seed)
    risk = random.normal(size=60)
    time = random.exponential(np.exp(-risk) * 500) + 1
    if ties:
        risk, time = risk.round(1), np.ceil(time / 60) * 60
    return random.random(60) < 0.6, time, risk


def values(seed: int, ties: bool) -> dict[str, object]:
    """Return inputs and scikit-survival's answers."""
    from sksurv.linear_model.coxph import BreslowEstimator
    from sksurv.metrics import concordance_index_censored
    from sksurv.nonparametric import kaplan_meier_estimator

    event, time, risk = cohort(seed, ties)
    km_times, km = kaplan_meier_estimator(event, time)
    reverse_times, reverse = kaplan_meier_estimator(event, time, reverse=True)
    breslow = BreslowEstimator().fit(risk, event, time)
    at = [100.0, 300.0, 600.0]
    curves = [[float(f(t)) for t in at] for f in breslow.get_survival_function(risk[:3])]
    return {
        "event": event.tolist(),
        "time": time.tolist(),
        "risk": risk.tolist(),
        "c_index": float(concordance_index_censored(event, time, risk)[0]),
        "km": [km_times.tolist(), km.tolist()],
        "median_follow_up": float(reverse_times[np.flatnonzero(reverse <= 0.5)[0]]),
        "horizons": at,
        "survival": curves,
    }


if __name__ == "__main__":
    import sksurv

    cohorts = [values(seed, ties) for seed in range(3) for ties in (False, True)]
    content = {"made_with": f"scikit-survival {sksurv.__version__}", "cohorts": cohorts}
    path = Path(__file__).with_name("survival_values.json")
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")
