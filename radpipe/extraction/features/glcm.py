"""Features of the grey level co-occurrence matrix.

Haralick et al. 1973, doi:10.1109/TSMC.1973.4309314. Every feature is computed for each direction
and averaged over them; with ``weightingNorm``, from one matrix: the weighted sum over directions.
"""

from __future__ import annotations

import numpy as np

from radpipe.extraction.features.base import FeatureClass
from radpipe.extraction.features.cooccurrence import (
    Cooccurrence,
    GlcmSetting,
    cooccurrence,
    window_cooccurrence,
)
from radpipe.extraction.features.groups import EPSILON, Values

__all__ = ["GLCM", "GlcmSetting"]

GLCM = FeatureClass(
    "glcm",
    cooccurrence,
    of_windows=window_cooccurrence,
    undefined="no two voxels of the ROI are neighbours",
    valueless=("Dissimilarity", "Homogeneity1", "Homogeneity2", "SumVariance"),
)


@GLCM.feature("Autocorrelation", "QWB0")
def autocorrelation(m: Cooccurrence) -> Values:
    """Sum of p i j."""
    return m.over_directions(m.sum(m.p * (m.i * m.j)))


@GLCM.feature("JointAverage", "60VM")
def joint_average(m: Cooccurrence) -> Values:
    """Mean of i."""
    return m.over_directions(m.mean_i, of_all=True)


@GLCM.feature("ClusterProminence", "AE86")
def cluster_prominence(m: Cooccurrence) -> Values:
    """Fourth moment of i + j."""
    return m.over_directions(m.sum(m.p * (m.off_means**2) ** 2))


@GLCM.feature("ClusterShade", "7NFM")
def cluster_shade(m: Cooccurrence) -> Values:
    """Third moment of i + j."""
    return m.over_directions(m.sum(m.p * m.off_means**2 * m.off_means))


@GLCM.feature("ClusterTendency", "DG8W")
def cluster_tendency(m: Cooccurrence) -> Values:
    """Second moment of i + j."""
    return m.over_directions(m.sum(m.p * m.off_means**2))


@GLCM.feature("Contrast", "ACUI")
def contrast(m: Cooccurrence) -> Values:
    """Mean of (i - j)²."""
    return m.over_directions(m.sum(m.p * (m.i - m.j) ** 2))


@GLCM.feature("Correlation", "NI2N")
def correlation(m: Cooccurrence) -> Values:
    """Pearson correlation of i and j; 1 where either does not vary."""
    covariance = m.sum(m.p * m.off_mean_i * m.off_mean_j)
    spread = m.spreads[0] * m.spreads[1]
    return m.over_directions(np.where(spread == 0, 1.0, covariance / (spread + EPSILON)))


@GLCM.feature("DifferenceAverage", "TF7R")
def difference_average(m: Cooccurrence) -> Values:
    """Mean of |i - j|."""
    return m.over_directions(m.differences.mean())


@GLCM.feature("DifferenceEntropy", "NTRS")
def difference_entropy(m: Cooccurrence) -> Values:
    """Entropy of |i - j|."""
    return m.over_directions(m.differences.entropy())


@GLCM.feature("DifferenceVariance", "D3YU")
def difference_variance(m: Cooccurrence) -> Values:
    """Variance of |i - j|."""
    return m.over_directions(m.differences.variance())


@GLCM.feature("Id", "IB1Z")
def inverse_difference(m: Cooccurrence) -> Values:
    """Mean of 1 / (1 + |i - j|)."""
    d = m.differences
    return m.over_directions(d.sum(d.p / (1 + d.value)))


@GLCM.feature("Idn", "NDRX")
def inverse_difference_normalised(m: Cooccurrence) -> Values:
    """Inverse difference with |i - j| as a share of the largest grey level."""
    d = m.differences
    return m.over_directions(d.sum(d.p / (1 + d.value / m.top)))


@GLCM.feature("Idm", "WF0Z")
def inverse_difference_moment(m: Cooccurrence) -> Values:
    """Mean of 1 / (1 + (i - j)²)."""
    d = m.differences
    return m.over_directions(d.sum(d.p / (1 + d.value**2)))


@GLCM.feature("Idmn", "1QCO")
def inverse_difference_moment_normalised(m: Cooccurrence) -> Values:
    """Inverse difference moment with |i - j| as a share of the largest grey level."""
    d = m.differences
    return m.over_directions(d.sum(d.p / (1 + d.value**2 / m.top**2)))


@GLCM.feature("InverseVariance", "E8JP")
def inverse_variance(m: Cooccurrence) -> Values:
    """Sum of p / (i - j)² where i and j differ."""
    d = m.differences
    differ = d.value > 0
    share = np.divide(d.p, d.value**2, out=np.zeros_like(d.p), where=differ)
    return m.over_directions(d.sum(share))


@GLCM.feature("Imc1", "R8DG")
def information_correlation_1(m: Cooccurrence) -> Values:
    """How far pairs are from independent, as a share of the larger marginal entropy."""
    largest = np.fmax(m.rows.entropy(), m.columns.entropy())
    distance = m.joint_entropy - m.entropy_of_marginals
    return m.over_directions(np.where(largest == 0, 0.0, distance / largest))


@GLCM.feature("Imc2", "JN9H")
def information_correlation_2(m: Cooccurrence) -> Values:
    """How far pairs are from independent, from 0 to 1."""
    distance = m.entropy_of_product - m.joint_entropy
    return m.over_directions(np.where(distance == 0, 0.0, (1 - np.e ** (-2 * distance)) ** 0.5))


@GLCM.feature("JointEnergy", "8ZQL")
def joint_energy(m: Cooccurrence) -> Values:
    """Sum of p²."""
    return m.over_directions(m.sum(m.p**2))


@GLCM.feature("JointEntropy", "TU9B")
def joint_entropy(m: Cooccurrence) -> Values:
    """Entropy of pairs."""
    return m.over_directions(m.joint_entropy)


@GLCM.feature("MCC")
def maximal_correlation_coefficient(m: Cooccurrence) -> Values:
    """Root of the second largest eigenvalue of Q; 1 for a single grey level."""
    if m.levels.size < 2:
        return m.over_directions(np.ones(m.count))
    return m.over_directions(m.maximal_correlations).real


@GLCM.feature("MaximumProbability", "GYBY")
def maximum_probability(m: Cooccurrence) -> Values:
    """The largest p."""
    return m.over_directions(m.largest)


@GLCM.feature("SumAverage", "ZGXS")
def sum_average(m: Cooccurrence) -> Values:
    """Mean of i + j."""
    return m.over_directions(m.sums.mean())


@GLCM.feature("SumEntropy", "P6QZ")
def sum_entropy(m: Cooccurrence) -> Values:
    """Entropy of i + j."""
    return m.over_directions(m.sums.entropy())


@GLCM.feature("SumSquares", "UR99")
def sum_of_squares(m: Cooccurrence) -> Values:
    """Variance of i."""
    return m.over_directions(m.sum(m.p * m.off_mean_i**2))
