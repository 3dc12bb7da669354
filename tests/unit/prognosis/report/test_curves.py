import numpy as np
import pandas as pd
import pytest

from radpipe.prognosis.report.curves import (
    group_curves,
    group_of_patient,
    time_axis,
)


def _predictions(groups, model="m"):
    return pd.DataFrame(
        [
            {"model": model, "patient_id": patient, "time": 10.0, "event": True, "group": group}
            for patient, row in groups.items()
            for group in row
        ]
    )


def test_group_is_that_of_most_repeats_and_a_tie_is_high():
    rows = _predictions({"a": ["low", "low", "high"], "b": ["high", "low"], "c": ["high"]})
    other = _predictions({"a": ["high"] * 9}, model="other")
    groups = group_of_patient(pd.concat([rows, other]), "m")
    assert groups["group"].to_dict() == {"a": "low", "b": "high", "c": "high"}


def test_curve_counts_and_reads():
    groups = pd.DataFrame(
        {"time": [1.0, 2.0, 3.0, 4.0], "event": [True, False, True, False], "group": "high"}
    )
    (curve,) = group_curves(groups, time_axis("os_years", 4.0))
    assert (curve.group, curve.patients, curve.events) == ("high", 4, 2)
    # Kaplan-Meier by hand: 3/4 from year 1, 3/4 * 1/2 from year 3.
    assert [curve.at(t)[0] for t in (0, 0.9, 1, 2.5, 3, 4)] == [1, 1, 0.75, 0.75, 0.375, 0.375]
    assert curve.at(4.1) is None
    assert curve.median() == 3
    assert curve.censored.tolist() == [2, 4]
    assert curve.at_risk[[0, -1]].tolist() == [4, 1]


def test_median_may_be_out_of_reach():
    groups = pd.DataFrame({"time": [1.0, 2.0], "event": [False, False], "group": "low"})
    (curve,) = group_curves(groups, time_axis("t", 2.0))
    assert curve.median() is None


@pytest.mark.parametrize("longest", [1e-3, 0.7, 3, 59, 400, 1461, 9000, 1e6])
@pytest.mark.parametrize("name", ["os_days", "os_months", "t"])
def test_axis_has_few_ticks_within_the_follow_up(name, longest):
    axis = time_axis(name, longest)
    assert 1 <= len(axis.ticks) <= 8
    assert axis.ticks[0] == 0
    assert axis.ticks[-1] <= longest / axis.divisor * 1.001


def test_days_are_shown_in_months():
    axis = time_axis("os_days", 365.25 * 4)
    assert axis.label == "Months"
    assert 365.25 / axis.divisor == pytest.approx(12)


def test_curve_and_band_equal_scikit_survival():
    # kaplan_meier_estimator(event, time, conf_type="log-log") of scikit-survival 0.28.0.
    low = [0.4730092713620503, 0.4086907816334043, 0.3045850742018473, 0.1429821627556124]
    high = [0.9852813933673431, 0.9458726458389117, 0.8871484950277075, 0.729779106015238]
    time = [3, 5, 5, 7, 11, 11, 13, 17, 19, 23]
    event = [bool(happened) for happened in (1, 0, 1, 1, 1, 1, 0, 1, 0, 1)]
    groups = pd.DataFrame({"time": time, "event": event, "group": "low"})
    (curve,) = group_curves(groups, time_axis("t", 23.0))
    read = np.array([curve.at(moment) for moment in (3, 5, 7, 11, 17)]).T
    survival = [0.9, 0.8, 0.6857142857142857, 0.4571428571428572, 0.30476190476190484]
    np.testing.assert_allclose(read[0], survival, rtol=1e-12)
    np.testing.assert_allclose(read[1], [*low, 0.053533884600010906], rtol=1e-10)
    np.testing.assert_allclose(read[2], [*high, 0.6173675617556932], rtol=1e-10)
