"""Whether tumour volume can be the yardstick that it is meant to be."""

from __future__ import annotations

import logging

import numpy as np

from radpipe.prognosis.evaluation.harness import concordance
from radpipe.prognosis.evaluation.study import Study
from radpipe.prognosis.tables.steps.scores import score_test

# Two-sided 5 % of a standard normal.
_Z = 1.96

log = logging.getLogger("radpipe")


def volume_reversed(study: Study) -> dict[str, float] | None:
    """Tell, and warn, where patients with larger tumours had the event less often.

    The volume model takes larger for worse. Of an event that is good news, such as a response to
    treatment, it is turned upside down, and whatever holds a little of the volume beats it.

    Parameters
    ----------
    study : Study
        The cohort.

    Returns
    -------
    dict of str to float or None
        ``auc`` or ``c_index`` of the volume as it stands; None where it points the right way, or
        does not point the wrong way by more than chance (score test of its ranks, 5 %).
    """
    if study.volume is None:
        return None
    volume = study.frame[study.volume]
    known = volume.notna().to_numpy()
    ranks = np.asarray(volume[known].rank(), dtype=np.float64)
    y = study.endpoint[known]
    if not known.any() or score_test(ranks[:, np.newaxis], y)[0] > -_Z:
        return None
    value = concordance(y, ranks)
    if value is None or value >= 0.5:
        return None
    good = " or, if the event is good news, name its opposite: --event COLUMN=VALUE"
    log.warning(
        "patients with larger tumours had the event less often (%s of %s: %.2f), and the baseline "
        "`volume` takes larger for worse: it is no yardstick here; look at what --event means%s",
        "AUC" if study.binary else "C-index",
        study.volume,
        value,
        good if study.binary else "",
    )
    return {"auc" if study.binary else "c_index": value}
