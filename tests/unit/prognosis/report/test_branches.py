"""What a reader is told of a fusion that did not use all that its name holds."""

import pytest

from radpipe.prognosis.evaluation.branches import weights_note
from radpipe.prognosis.report.branches import added_by, weights_in_table, without_weight
from radpipe.prognosis.report.evidence import Evidence
from radpipe.prognosis.report.opening import headline
from radpipe.prognosis.report.questions import comparison, content
from radpipe.store import write_table
from radpipe.store.files import read_json, write_json
from tests.e2e.evaluation_input import write_evaluation

FIRST = "clinical + volume"


def facts(fits=25, first=FIRST, **weighted):
    told = {first: {"fits": fits, "weighted": fits, "weight": 0.4}}
    told |= {name: {"fits": fits, "weighted": n, "weight": n / 50} for name, n in weighted.items()}
    return {"branches": told}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            facts(radiomics=3),
            "Radiomics got weight 0 in 22 of 25 fits: the fusion then ranks patients as the "
            "clinical + volume model does.",
        ),
        (
            facts(radiomics=0),
            "Radiomics got weight 0 in all 25 fits: the fusion ranks patients as the clinical + "
            "volume model does; nothing here speaks for radiomics.",
        ),
        (
            facts(fits=1, first="volume", radiomics=0),
            "Radiomics got weight 0 in training: the fusion ranks patients as the volume model "
            "does; nothing here speaks for radiomics.",
        ),
        (
            facts(radiomics=25, genes=24),
            "Branch genes got weight 0 in 1 of 25 fits.",
        ),
        (
            facts(first="volume", radiomics=0, genes=0),
            "Radiomics got weight 0 in all 25 fits; branch genes got weight 0 in all 25 fits: the "
            "fusion ranks patients as the volume model does; nothing here speaks for radiomics or "
            "genes.",
        ),
        (
            facts(**{"other features": 0}, tex=25),
            "Other features got weight 0 in all 25 fits.",
        ),
        (facts(radiomics=25), None),
        ({}, None),
    ],
)
def test_a_weight_of_zero_is_told_in_plain_words(told, said):
    assert without_weight(told) == said


def test_the_table_counts_fits():
    assert weights_note(facts(radiomics=3)) == "radiomics had a weight in 3 of 25 fits"
    assert weights_note(facts(fits=1, radiomics=1)) == "radiomics had a weight in 1 of 1 fit"
    assert weights_note({}) is None


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (facts(fits=1, radiomics=1), "radiomics: weight 0.020"),
        (facts(fits=1, radiomics=0), "radiomics: weight 0.000"),
        (facts(radiomics=3), "radiomics had a weight in 3 of 25 fits"),
        ({}, None),
    ],
)
def test_of_one_fit_the_table_has_the_weight_itself(told, said):
    assert weights_in_table(told) == said


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (facts(radiomics=3), "Radiomics adds"),
        (facts(tex=3), "Branch tex adds"),
        (facts(**{"other features": 3}), "Other features add"),
        (
            facts(**{"other features": 3}, tex=3, fo=3),
            "Together other features, tex and fo add",
        ),
        ({}, "The model adds"),
    ],
)
def test_what_adds_to_the_first_branch_is_called_by_its_name(told, said):
    assert added_by(told) == said


@pytest.fixture
def evidence(tmp_path):
    def load(**weighted):
        found = Evidence.load(write_evaluation(tmp_path / "e"), None)
        found.metrics["models"]["fusion"].update(facts(**weighted))
        return found

    return load


def test_what_had_no_weight_is_said_in_the_first_lines_and_with_the_results(evidence):
    found = evidence(radiomics=0)
    said = "Radiomics got weight 0 in all 25 fits"
    assert said in headline(found)
    assert said in comparison.section(found).answer
    assert said in content.section(found).answer


def test_weights_throughout_need_no_word(evidence):
    found = evidence(radiomics=25)
    assert "weight 0" not in headline(found) + content.section(found).answer


def test_clinical_columns_and_volume_are_no_clusters_of_features(tmp_path):
    folder = write_evaluation(tmp_path / "e")
    found = Evidence.load(folder, None)
    rows = found.selected[found.selected["model"] == "fusion"].head(4).reset_index(drop=True)
    names = ["age", "stage", "original_shape_MeshVolume", "original_glcm_Id"]
    shares = {"chosen": 1.0, "cluster_chosen": 1.0}
    write_table(folder / "selected.parquet", rows.assign(feature=names, cluster=names, **shares))
    section = content.section(Evidence.load(folder, None))
    assert section.answer == (
        "Given, not chosen: age (clinical column), stage (clinical column), "
        "original_shape_MeshVolume (tumour volume). 1 cluster of features was chosen at least "
        "once, 1 of 1 in four folds of five or more."
    )
    (grid,) = [block for block in section.blocks if getattr(block, "name", "").startswith("Sel")]
    notes = {row[0].text: row[0].note for row in grid.rows}
    assert notes["stage"] == "clinical column"
    assert notes["original_glcm_Id"] is None


@pytest.mark.parametrize("features", [0, 1218])
def test_an_embedding_alone_is_no_cluster_of_features(tmp_path, features):
    folder = write_evaluation(tmp_path / "e", models=("cnn", "volume"))
    facts = read_json(folder / "metrics.json")
    facts["main"], facts["cohort"]["features"] = "cnn", features
    facts["source"]["embeddings"] = {"encoder": "fmcib"}
    write_json(folder / "metrics.json", facts)
    row = Evidence.load(folder, None).selected.head(1).assign(model="cnn")
    table = row.assign(feature="fmcib", cluster="fmcib", chosen=1.0, cluster_chosen=1.0)
    write_table(folder / "selected.parquet", table)
    section = content.section(Evidence.load(folder, None))
    assert section.answer == "Given, not chosen: fmcib (embedding)."


def test_a_feature_that_goes_with_the_volume_was_not_chosen_when_volume_was(tmp_path):
    folder = write_evaluation(tmp_path / "e")
    found = Evidence.load(folder, None)
    rows = found.selected[found.selected["model"] == "fusion"].head(3).reset_index(drop=True)
    table = rows.assign(
        feature=["original_shape_MeshVolume", "original_shape_Axis", "original_glcm_Id"],
        cluster=["original_shape_Axis", "original_shape_Axis", "original_glcm_Id"],
        chosen=[1.0, 0.1, 0.2],
        cluster_chosen=[1.0, 1.0, 0.2],
    )
    write_table(folder / "selected.parquet", table)
    section = content.section(Evidence.load(folder, None))
    assert "1 cluster of features was chosen at least once, 0 of 1 in" in section.answer
    (grid,) = [block for block in section.blocks if getattr(block, "name", "").startswith("Sel")]
    notes = {row[0].text: row[0].note for row in grid.rows}
    assert notes["original_shape_Axis"] == "in the cluster of one given"


def test_nothing_that_moves_the_score_gives_no_empty_table(tmp_path):
    folder = write_evaluation(tmp_path / "e")
    still = Evidence.load(folder, None).contributions.assign(mean_abs_contribution=0.0)
    write_table(folder / "contributions.parquet", still)
    blocks = content.section(Evidence.load(folder, None)).blocks
    assert blocks[0].text == "No column moved the risk score."
