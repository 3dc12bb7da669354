"""How often each feature, and each cluster of features, was chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd


def selection_frequency(
    chosen: Sequence[Sequence[str]], clusters: Mapping[str, Sequence[str]] | None = None
) -> pd.DataFrame:
    """Count over folds what was chosen.

    Of features that say the same, another one is chosen in each fold: none of them is then chosen
    often, though their cluster is.

    Parameters
    ----------
    chosen : sequence of sequence of str
        For each fold the features chosen in it.
    clusters : mapping of str to sequence of str, optional
        One clustering for all folds, leader to members, as
        :class:`~radpipe.prognosis.tables.steps.clusters.CorrelationClusters` makes of all rows
        without a look at outcomes. A feature in none is its own.

    Returns
    -------
    DataFrame
        ``feature``, ``cluster`` (its leader), ``chosen`` (the share of folds that chose the
        feature), ``cluster_chosen`` (the share that chose any of its cluster); features chosen at
        least once, the most often chosen cluster first.

    Examples
    --------
    >>> selection_frequency([["a"], ["b"]], {"a": ["a", "b"]}).to_numpy().tolist()
    [['a', 'a', 0.5, 1.0], ['b', 'a', 0.5, 1.0]]
    """
    leader = {member: name for name, members in (clusters or {}).items() for member in members}
    folds = [sorted(set(names)) for names in chosen]
    features = Counter(name for names in folds for name in names)
    together = Counter(
        cluster for names in folds for cluster in {leader.get(name, name) for name in names}
    )
    rows = [
        (name, cluster, features[name] / len(folds), together[cluster] / len(folds))
        for name in features
        for cluster in [leader.get(name, name)]
    ]
    rows.sort(key=lambda row: (-row[3], row[1], -row[2], row[0]))
    return pd.DataFrame(rows, columns=["feature", "cluster", "chosen", "cluster_chosen"])
