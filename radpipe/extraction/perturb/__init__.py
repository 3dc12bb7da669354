"""Slightly other images and contours of the same cases, to learn which features withstand that.

After Zwanenburg et al. 2019, doi:10.1038/s41598-018-36938-4: a feature that changes when a patient
lies a little differently, or another hand draws the tumour, predicts nothing elsewhere. Ranges and
procedures are radpipe's own, and stand with each perturbation, one a file.
"""

from radpipe.extraction.perturb.cohort import Perturbed, perturb_cohort

__all__ = ["Perturbed", "perturb_cohort"]
