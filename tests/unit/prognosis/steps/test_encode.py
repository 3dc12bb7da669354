"""Encoding, clipping, imputing and scaling, by what a person would write down."""

import numpy as np
import pandas as pd
import pytest

from radpipe.errors import TableError
from radpipe.prognosis.tables.steps import (
    DropUninformative,
    Encode,
    Impute,
    Scale,
    Winsorise,
    parameters,
)


def stages():
    return pd.DataFrame(
        {
            "age": [60, 70, 80, 65],
            "stage": ["I", "II", "II", "III"],
            "smokes": [True, False, True, True],
        },
        index=pd.Index(list("wxyz"), name="case_id"),
    )


def test_the_commonest_category_is_the_reference():
    found = Encode().fit_transform(stages())
    assert found.to_dict("list") == {
        "age": [60, 70, 80, 65],
        "stage=I": [1, 0, 0, 0],
        "stage=III": [0, 0, 0, 1],
        "smokes": [1, 0, 1, 1],
    }
    assert (found.dtypes == np.float64).all()


def test_an_unseen_category_is_the_reference():
    found = Encode().fit(stages()).transform(stages().assign(stage=["IV", "I", "IV", "V"]))
    assert found["stage=I"].tolist() == [0, 1, 0, 0]
    assert found["stage=III"].tolist() == [0, 0, 0, 0]


def test_indicators_know_their_column():
    assert Encode().fit(stages()).sources() == {"stage=I": "stage", "stage=III": "stage"}


def test_a_missing_category_is_missing_and_imputed_as_the_commonest():
    found = Encode().fit(stages()).transform(stages().assign(stage=["I", None, "II", "III"]))
    assert found["stage=I"].isna().tolist() == [False, True, False, False]
    filled = Impute().fit(Encode().fit_transform(stages())).transform(found)
    assert filled.loc["x", ["stage=I", "stage=III"]].tolist() == [0, 0]


def test_codes_are_the_same_as_text_and_as_numbers():
    step = Encode().fit(pd.DataFrame({"grade": ["1", "2", "2", "x"]}))
    for grades in ([1, 2, 2, 1], [1.0, 2.0, None, 1.0]):
        assert step.transform(pd.DataFrame({"grade": grades}))["grade=1"].iloc[[0, 3]].all()


def test_one_category_needs_no_column():
    frame = pd.DataFrame({"sex": pd.Categorical(["f", "f"]), "none": [None, None], "x": [1, 2]})
    assert Encode().fit_transform(frame).columns.tolist() == ["x"]


def test_nullable_numbers_stay_numbers():
    frame = pd.DataFrame(
        {"a": pd.array([1, None], "Int64"), "b": pd.array([True, None], "boolean")}
    )
    found = Encode().fit_transform(frame)
    assert found.loc[0].tolist() == [1, 1]
    assert found.loc[1].isna().all()


def test_text_where_training_had_numbers_is_named():
    step = Encode().fit(stages())
    with pytest.raises(TableError, match=r"age.*found: old"):
        step.transform(stages().assign(age="old"))


def test_infinity_is_named():
    with pytest.raises(TableError, match=r"infinity.*rows x"):
        Encode().fit_transform(stages().assign(age=[1.0, np.inf, 2.0, 3.0]))


def test_infinity_is_not_dropped_before_it_is_told():
    frame = pd.DataFrame({"a": [np.inf, np.inf], "b": [-np.inf, 1.0], "c": [1.0, 2.0]})
    assert DropUninformative().fit(frame).kept_ == ["a", "b", "c"]


def test_numbers_are_wanted_where_text_stands():
    with pytest.raises(TableError, match=r"stage.*Encode first"):
        Scale().fit(stages())


def test_extremes_are_pulled_in_to_quantiles_of_training():
    frame = pd.DataFrame({"x": np.arange(101.0)})
    step = Winsorise(tail=0.05).fit(frame)
    found = step.transform(pd.DataFrame({"x": [-1e9, 4.0, 5.0, 50.0, 96.0, np.inf, np.nan]}))
    assert found["x"].iloc[:6].tolist() == [5, 5, 5, 50, 95, 95]
    assert np.isnan(found["x"].iloc[6])


def test_a_rare_category_survives():
    rare = pd.DataFrame({"stage=IV": [1.0] + [0.0] * 200, "smokes": [0.0] + [1.0] * 200})
    assert Winsorise().fit_transform(rare).sum().tolist() == [1, 200]


def test_what_is_missing_becomes_the_median():
    frame = pd.DataFrame({"x": [1.0, 2.0, 30.0, np.nan], "none": [np.nan] * 4})
    found = Impute().fit_transform(frame)
    assert found["x"].tolist() == [1, 2, 30, 2]
    assert found["none"].tolist() == [0, 0, 0, 0]


def test_scaled_columns_have_mean_0_and_deviation_1():
    frame = pd.DataFrame({"x": [1e9 + 1, 1e9 + 2, 1e9 + 6], "constant": [0.1] * 3})
    found = Scale().fit_transform(frame)
    assert found["x"].mean() == pytest.approx(0)
    assert found["x"].std(ddof=0) == pytest.approx(1)
    assert found["constant"].tolist() == [0, 0, 0]
    later = Scale().fit(frame).transform(pd.DataFrame({"x": [1e9 + 3], "constant": [9.0]}))
    assert later.iloc[0].tolist() == [0, 0]


def test_parameters_are_columns_as_models_see_them():
    frame = stages()
    assert parameters(frame) == Encode().fit_transform(frame).shape[1] == 4


def test_a_number_named_like_an_indicator_is_refused():
    with pytest.raises(TableError, match=r"stage=I.*rename the column"):
        Encode().fit(stages().assign(**{"stage=I": 1.0}))
