import logging

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from radpipe.prognosis.evaluation.roles import Roles
from radpipe.prognosis.evaluation.study import make_study
from radpipe.prognosis.evaluation.yardstick import volume_reversed
from tests.unit.prognosis.cohorts import VOLUME, simulate


def study(direction, **roles):
    """Return a cohort of whom those with larger tumours responded more often, less often or so."""
    features, clinical = simulate(80, seed=4)
    random = np.random.default_rng(4)
    size = np.log(features[VOLUME])
    odds = direction * 2 * (size - size.mean()) / size.std()
    clinical = clinical.set_index("patient_id").loc[features["patient_id"]].reset_index()
    clinical["response"] = (random.random(80) < 1 / (1 + np.exp(-odds.to_numpy()))).astype(int)
    return make_study(features, clinical, Roles(event="response", **roles))


def test_good_news_turns_the_volume_round(caplog):
    found = study(-1)
    with caplog.at_level(logging.WARNING, "radpipe"):
        told = volume_reversed(found)
    expected = roc_auc_score(found.endpoint, found.frame[VOLUME])
    assert expected < 0.4
    assert told == {"auc": pytest.approx(expected)}
    assert "--event COLUMN=VALUE" in caplog.text


@pytest.mark.parametrize("direction", [0, 1])
def test_a_volume_that_points_to_the_event_or_nowhere_is_no_news(caplog, direction):
    assert volume_reversed(study(direction)) is None
    assert not caplog.records


def test_the_opposite_event_sets_it_right():
    features, clinical = simulate(80, seed=4)
    found = make_study(features, clinical, Roles(event="death", time="os_days"))
    assert volume_reversed(found) is None
