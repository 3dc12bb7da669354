"""ComBat against the published package, against its paper written out, and at its edges."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from radpipe.errors import TableError
from radpipe.prognosis.survival import make_endpoint
from radpipe.prognosis.tables.steps import ComBat, require_not_confounded

# neuroCombat 0.2.12 (MIT), parametric, no covariates, given the table of `formula`; its iteration
# was let run to a change of 1e-13 instead of 1e-4.
PUBLISHED = [
    [0.280051379477, 9.037292998562, 22.976394030565, 33.66708134838],
    [0.686295175377, 12.615247008215, 19.11425573137, 29.000135621818],
    [0.289406957941, 8.85309116385, 22.984585866788, 33.683754243758],
    [0.62553719378, 12.301706532272, 19.020910299527, 28.952036524518],
    [0.092498899827, 9.194676450798, 22.79296509936, 33.225852841209],
    [1.080224778122, 12.105815174871, 19.945675341301, 30.365427473146],
    [-0.349513781449, 9.226011167784, 21.429463121069, 31.380796599952],
    [1.295725274183, 12.217562823667, 20.924063269273, 31.602409580005],
    [-0.243215364262, 9.425025926083, 21.083624946766, 31.012137202851],
    [1.081797305071, 11.56631587992, 20.995936125997, 31.670007816644],
    [-0.303070373414, 10.129646875964, 20.65097992905, 30.335028928085],
]


def formula():
    row, column = np.arange(11)[:, np.newaxis], np.arange(4)
    values = np.sin(3.0 * row + 5.0 * column**2) * (1 + column) + 10.0 * column
    values += (row % 3) * (0.5 + 0.3 * column)
    frame = pd.DataFrame(values, columns=[f"f{number}" for number in column])
    return frame.assign(scanner=np.array(list("abc"))[np.arange(11) % 3])


def scanners(seed=0, rows=60, features=8):
    """Features that three scanners shift and stretch, each its own way."""
    random = np.random.default_rng(seed)
    place = random.permutation(np.arange(rows) % 3)
    shift, stretch = random.normal(0, 2, (3, features)), random.uniform(0.5, 2, (3, features))
    values = random.normal(size=(rows, features)) * stretch[place] + shift[place]
    frame = pd.DataFrame(values * 7 + 3, columns=[f"f{number}" for number in range(features)])
    frame.insert(2, "scanner", np.array(["a", "b", "c"])[place])
    return frame


def written_out(frame, rounds=500):
    """Follow the paper's section 3.2, feature by feature and batch by batch."""
    names = [name for name in frame.columns if name != "scanner"]
    groups = dict(list(frame.groupby("scanner")))
    alpha, sigma, gamma, delta = {}, {}, {}, {}
    for g in names:
        present = frame[g].dropna()
        alpha[g] = present.mean()
        residuals = [part[g].dropna() - part[g].mean() for part in groups.values()]
        sigma[g] = np.sqrt(sum((each**2).sum() for each in residuals) / len(present))
        for i, part in groups.items():
            z = (part[g].dropna() - alpha[g]) / sigma[g]
            gamma[i, g], delta[i, g] = z.mean(), z.var(ddof=1)
    result = frame[names].copy()
    for i, part in groups.items():
        gammas, deltas = [np.array([of[i, g] for g in names]) for of in (gamma, delta)]
        bar, tau2 = gammas.mean(), gammas.var(ddof=1)
        mean, var = deltas.mean(), deltas.var(ddof=1)
        lam, theta = (mean**2 + 2 * var) / var, (mean**3 + mean * var) / var
        for g in names:
            z = (part[g].dropna() - alpha[g]) / sigma[g]
            n, d = len(z), delta[i, g]
            for _ in range(rounds):
                c = (n * tau2 * gamma[i, g] + d * bar) / (n * tau2 + d)
                d = (theta + ((z - c) ** 2).sum() / 2) / (n / 2 + lam - 1)
            result.loc[z.index, g] = sigma[g] / np.sqrt(d) * (z - c) + alpha[g]
    return result


def test_the_published_package_gives_the_same():
    found = ComBat("scanner").fit_transform(formula())
    np.testing.assert_allclose(found.to_numpy(), PUBLISHED, atol=1e-9)


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_the_paper_written_out_gives_the_same(missing):
    frame = scanners()
    features = frame.columns.drop("scanner")
    holes = np.random.default_rng(1).random((60, 8)) < missing
    frame[features] = frame[features].mask(holes)
    found = ComBat("scanner").fit_transform(frame)
    assert found.columns.tolist() == features.tolist()
    np.testing.assert_allclose(found, written_out(frame), rtol=1e-8)


def test_batches_come_to_have_alike_means_and_spreads():
    frame = scanners(rows=300)
    found = ComBat("scanner").fit_transform(frame)

    def between(table):
        means = table.groupby(frame["scanner"]).mean()
        return (means.std() / table.std()).max()

    assert between(frame.drop(columns="scanner")) > 0.5
    assert between(found) < 0.05


def test_only_named_columns_are_touched():
    frame = scanners().assign(age=np.arange(60), sex="f")
    step = ComBat("scanner", columns=["f0", "f5"]).fit(frame)
    found = step.transform(frame)
    assert found.columns.tolist() == frame.columns.drop("scanner").tolist()
    pd.testing.assert_frame_equal(
        found.drop(columns=["f0", "f5"]), frame.drop(columns=["f0", "f5", "scanner"])
    )
    assert not np.isclose(found["f0"], frame["f0"]).any()


def test_a_hospital_absent_at_training_passes_as_it_is():
    step = ComBat("scanner").fit(scanners())
    later = scanners(seed=5).assign(scanner=["d"] * 2 + [None] + ["a"] * 57)
    found = step.transform(later)
    raw = later.drop(columns="scanner")
    pd.testing.assert_frame_equal(found.iloc[:3], raw.iloc[:3])
    assert not np.isclose(found.iloc[3:], raw.iloc[3:]).any(axis=0).all()


def test_a_batch_too_small_to_be_estimated_is_absent():
    frame = scanners()
    small = frame.assign(scanner=["d", "d", *frame["scanner"][2:]])
    step = ComBat("scanner").fit(small)
    assert step.batches_ == ["a", "b", "c"]
    without = clone(step).fit(small.iloc[2:])
    np.testing.assert_array_equal(step.shifts_, without.shifts_)
    pd.testing.assert_frame_equal(
        step.transform(small).iloc[:2], frame.iloc[:2].drop(columns="scanner")
    )


def test_one_batch_alone_passes_as_it_is():
    frame = scanners().assign(scanner="a")
    step = ComBat("scanner").fit(frame)
    pd.testing.assert_frame_equal(step.transform(frame), frame.drop(columns="scanner"))
    assert step.batches_ == []


def test_numbers_name_batches_as_text_does():
    frame = scanners()
    coded = frame.assign(scanner=frame["scanner"].map({"a": 1.0, "b": 2.0, "c": 10.0}))
    step = ComBat("scanner").fit(coded)
    assert step.batches_ == ["1", "10", "2"]
    expected = ComBat("scanner").fit_transform(frame)
    pd.testing.assert_frame_equal(step.transform(coded), expected)


def test_constant_empty_and_single_features_do_no_harm():
    frame = scanners(features=3)
    spoilt = frame.assign(constant=0.1, empty=np.nan)
    found = ComBat("scanner").fit_transform(spoilt)
    pd.testing.assert_frame_equal(found[["constant", "empty"]], spoilt[["constant", "empty"]])
    pd.testing.assert_frame_equal(found[["f0", "f1", "f2"]], ComBat("scanner").fit_transform(frame))
    one = ComBat("scanner").fit_transform(frame[["f0", "scanner"]])["f0"].groupby(frame["scanner"])
    # With one feature there is none to borrow from: plain location and scale.
    np.testing.assert_allclose(one.mean(), frame["f0"].mean())


def outcome(hazard, seed=0):
    random = np.random.default_rng(seed)
    return make_endpoint(random.random(len(hazard)) < 0.8, random.exponential(1 / hazard) + 1e-9)


def test_a_batch_that_is_the_outcome_is_refused():
    frame = scanners(rows=90)
    y = outcome(frame["scanner"].map({"a": 1.0, "b": 1.0, "c": 8.0}).to_numpy())
    with pytest.raises(TableError, match=r"scanner: the batch is confounded.*remedy"):
        ComBat("scanner").fit(frame, y)
    died = np.asarray(frame["scanner"] == "a")
    with pytest.raises(TableError, match="a: 30 of 30, b: 0 of 30, c: 0 of 30"):
        ComBat("scanner").fit(frame, died)


def test_hospitals_that_differ_as_hospitals_do_are_not():
    frame = scanners(rows=300)
    y = outcome(frame["scanner"].map({"a": 1.0, "b": 1.2, "c": 1.4}).to_numpy())
    ComBat("scanner").fit(frame, y)
    ComBat("scanner").fit(frame, y["event"])


def test_what_many_batches_explain_by_chance_does_not_count():
    # 20 hospitals of 20, events 10 ± 3 or ± 4: chi-square 50, of which chance alone gives 19;
    # 50 of 400 are more than a tenth explained, 31 are not.
    events = [14, 6, 13, 7] * 5
    y = np.concatenate([np.arange(20) < count for count in events])
    require_not_confounded(pd.Series(np.repeat(np.arange(20), 20)), y)
    with pytest.raises(TableError, match="confounded"):
        require_not_confounded(pd.Series(np.repeat(np.arange(20) % 2, 20)), y)


@pytest.mark.parametrize("binary", [False, True])
def test_small_batches_without_any_effect_are_seldom_refused(binary):
    refused = 0
    for seed in range(300):
        batch = pd.Series(np.random.default_rng(seed).integers(0, 8, 40).astype(str))
        y = outcome(np.ones(40), seed)
        try:
            require_not_confounded(batch, y["event"] if binary else y)
        except TableError:
            refused += 1
    assert refused <= 3


def test_one_outcome_for_all_confounds_nothing():
    frame = scanners()
    ComBat("scanner").fit(frame, np.ones(60, dtype=bool))
    ComBat("scanner").fit(frame, make_endpoint(np.zeros(60, dtype=bool), np.arange(1, 61)))


def test_a_missing_batch_column_is_named():
    with pytest.raises(TableError, match="expected: hospital"):
        ComBat("hospital").fit(scanners())
