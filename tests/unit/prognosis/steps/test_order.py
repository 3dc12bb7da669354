"""Order statistics of all columns at once, against numpy's and scipy's of one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata, spearmanr

from radpipe.prognosis.tables.steps.order import quantiles, standard_ranks

# Few distinct values, so that ties and constant columns are common.
matrices = arrays(
    np.float64,
    st.tuples(st.integers(1, 9), st.integers(1, 4)),
    elements=st.sampled_from([-1.5, 0.0, 1.0, 7.0, np.nan]),
)


@given(matrices, st.sampled_from([0.0, 0.01, 0.3, 0.5, 0.99, 1.0]))
def test_quantiles_are_those_of_numpy_for_what_is_present(values, share):
    for column, found in zip(values.T, quantiles(values, share), strict=True):
        present = column[~np.isnan(column)]
        assert found == pytest.approx(np.quantile(present, share) if len(present) else 0.0)


@given(matrices)
def test_ranks_are_those_of_scipy_and_missing_ones_the_mean(values):
    for column, found in zip(values.T, standard_ranks(values).T, strict=True):
        here = ~np.isnan(column)
        ranks = rankdata(column[here]) - (here.sum() + 1) / 2
        length = np.sqrt((ranks**2).sum())
        np.testing.assert_allclose(found[here], ranks / length if length else ranks, atol=1e-12)
        assert not found[~here].any()


def test_products_of_ranks_are_spearmans_correlations():
    values = np.random.default_rng(0).integers(0, 9, (40, 3)).astype(float)
    ranks = standard_ranks(values)
    np.testing.assert_allclose(ranks.T @ ranks, spearmanr(values).statistic, atol=1e-12)
