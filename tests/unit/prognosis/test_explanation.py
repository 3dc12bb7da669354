"""What a model looks at: a planted blob, refusals, and a map of a network that learnt nothing."""

import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from radpipe.errors import ModelError, RunError, SettingsError, TableError

pytest.importorskip("torch")

import torch
from torch import nn

from radpipe.networks.untrained import untrained
from radpipe.prognosis.evaluation import ModelOptions, explain, explanation, predict, train
from radpipe.prognosis.evaluation.explanation import Explanation
from radpipe.prognosis.evaluation.sight import Sight
from radpipe.prognosis.tables.steps import embed as embed_step
from tests.unit.prognosis import looking

ASKED = {"event": "died", "time": "days", "model": "cnn"}


@pytest.fixture
def spec(monkeypatch):
    return looking.install(monkeypatch)


@pytest.fixture
def run(tmp_path, spec):
    return looking.write_run(tmp_path / "run", spec, looking.network(spec))


def trained(run, **options):
    asked = {**ASKED, **options}
    return train(run, looking.cohort()[2], out=run.with_name("model"), **asked)


@pytest.mark.parametrize("head", ["linear", "xgboost"])
def test_occlusion_finds_the_blob_that_shortens_life(run, head):
    trained(run, options=ModelOptions(head=head, components=2))
    weights = run.with_name("ENCODER")
    found = explain(run.with_name("model"), run, weights=weights, count=4)
    risks = predict(run.with_name("model"), run).set_index("case_id")["risk_score"]
    told = pd.Series({each.case_id: each.risk for each in found})
    pd.testing.assert_series_equal(told, risks.loc[told.index], check_names=False)
    assert told.iloc[0] == risks.max()
    assert told.iloc[-1] == risks.min()
    assert told.is_monotonic_decreasing
    blob = looking.cohort()[1][looking.CASES.index(found[0].case_id)]
    place = np.unravel_index(found[0].heat.argmax(), found[0].heat.shape)
    assert all(part.start <= at < part.stop for part, at in zip(blob, place, strict=True))
    assert found[0].share_inside > 3 * found[0].roi_share
    assert found[0].spacing_mm == (2.0, 1.0, 1.0)


def test_a_hidden_part_is_worth_what_the_whole_model_says(run):
    saved = trained(run)
    weights = run.with_name("ENCODER")
    (found,) = explain(saved, run, weights=weights, cases=["case 02"])
    image = found.intensities.copy()
    image[:4, :4, :4] = image.mean()
    made = looking.network(looking.ENCODERS["toy"])
    vectors = made(torch.tensor(np.stack([found.intensities, image])[:, np.newaxis])).numpy()
    names = [*saved.model.feature_names_in_]
    risks = saved.model.predict(pd.DataFrame(vectors.astype(np.float64), columns=names))
    # The first voxel lies in one window alone: windows are 4 wide and move by 2.
    assert found.heat[0, 0, 0] == pytest.approx(risks[0] - risks[1], rel=1e-4)


def test_grad_cam_of_a_linear_head_is_its_closed_form(run):
    saved = trained(run, options=ModelOptions(components=2))
    weights = run.with_name("ENCODER")
    (found,) = explain(saved, run, weights=weights, cases=["case 02"], method="gradcam")
    made = looking.network(looking.ENCODERS["toy"])
    maps = made.maps(torch.tensor(found.intensities[np.newaxis, np.newaxis])).numpy()[0]
    names = [*saved.model.feature_names_in_]
    units = pd.DataFrame(np.vstack([np.zeros(6), np.eye(6)]), columns=names)
    risks = saved.model.predict(units)
    # A mean over the patch has the same gradient everywhere: one over the number of voxels.
    wanted = np.tensordot((risks[1:] - risks[0]) / looking.SIDE**3, maps, axes=1)
    np.testing.assert_allclose(found.heat, wanted, rtol=1e-4, atol=1e-9)


def test_a_model_that_fitted_its_own_encoder_needs_no_weights(tmp_path, spec, monkeypatch):
    made = looking.network(spec)
    monkeypatch.setattr(embed_step, "_fitted", lambda *_: made)
    run = looking.write_run(tmp_path / "run", spec, made, fitted=True)
    trained(run)
    found = explain(run.with_name("model"), run, count=2)
    assert found[0].heat.max() > 0
    with pytest.raises(SettingsError, match="brings its own encoder"):
        explain(run.with_name("model"), run, weights=tmp_path / "ENCODER")


def test_a_fusion_is_explained_by_the_weight_of_its_embedding(run):
    saved = trained(run, model="fusion")
    weight = saved.model.weights_["embeddings"]
    assert weight > 0
    branch = saved.model.branches_["embeddings"]
    (whole,) = explain(saved, run, weights=run.with_name("ENCODER"), cases=["case 02"])
    (part,) = explain(trained_cnn(run), run, weights=run.with_name("ENCODER"), cases=["case 02"])
    scale = saved.model.calibration_.slope * weight / saved.model.scale_ / branch.calibration_.slope
    np.testing.assert_allclose(whole.heat, scale * part.heat, rtol=1e-9, atol=1e-12)

    saved.model.weights_["embeddings"] = 0.0
    with pytest.raises(ModelError, match="gives its embedding no weight"):
        explain(saved, run, weights=run.with_name("ENCODER"))


def trained_cnn(run):
    return train(run, looking.cohort()[2], out=run.with_name("cnn"), **ASKED)


def test_shares_are_counted():
    heat, roi = np.zeros((4, 4, 4)), np.zeros((4, 4, 4), bool)
    roi[:2] = True
    heat[0, 0, 0], heat[3, 3, 3] = 3.0, -1.0
    told = ("c", "p", "cnn", "toy", "occlusion", 0.0, heat, heat, roi, (1, 1, 1), None, {})
    found = Explanation(*told)
    assert (found.share_inside, found.roi_share) == (0.75, 0.5)
    assert Explanation(*told[:6], 0 * heat, *told[7:]).share_inside is None


class Voxels(nn.Module):
    """Every voxel has a weight of its own, so that a map is a map of weights."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(looking.SIDE**3, looking.DIMENSION)

    def forward(self, patches):
        return self.out(patches.flatten(1))


@pytest.mark.parametrize(("seed", "low", "high"), [(0, 1 - 1e-12, 1), (1, -0.25, 0.25)])
def test_a_map_of_weights_is_like_that_of_random_ones_only_if_they_are(
    spec, monkeypatch, seed, low, high
):
    monkeypatch.setitem(looking.ARCHITECTURES, "toy", Voxels)
    # The network that a model is held against has the seed 0.
    summed = SimpleNamespace(standardised_of=lambda table: table.sum(axis=1), feature_names_in_=())
    sight = Sight(summed, 1.0, spec, untrained(spec, seed))
    patch = looking.cohort()[0][1]
    heat, other = explanation._maps(sight, "occlusion", patch, pd.DataFrame(), lambda **_: None)
    assert low <= explanation._alike(heat, other) <= high
    assert explanation._alike(heat, -heat) == pytest.approx(1)
    assert explanation._alike(heat, 0 * heat) is None


def test_without_torch_it_is_told_what_is_missing(run, monkeypatch):
    saved = trained(run)
    monkeypatch.setattr("radpipe.networks.find_spec", lambda name: None)
    with pytest.raises(SettingsError, match="no torch"):
        explain(saved, run, weights=run.with_name("ENCODER"))


def test_what_cannot_be_explained_is_refused(run, tmp_path):
    saved = trained(run)
    weights = run.with_name("ENCODER")
    with pytest.raises(SettingsError, match="weights are needed"):
        explain(saved, run)
    with pytest.raises(SettingsError, match="no such way to explain"):
        explain(saved, run, weights=weights, method="saliency")
    with pytest.raises(TableError, match=r"no such case.*nobody"):
        explain(saved, run, weights=weights, cases=["nobody", "case 02"])
    other = looking.network(looking.ENCODERS["toy"], seed=4)
    looking.save_encoder(tmp_path / "OTHER", looking.ENCODERS["toy"], other)
    with pytest.raises(ModelError, match="not the weights that the model was made with"):
        explain(saved, run, weights=tmp_path / "OTHER")
    saved.facts["source"]["embeddings"] = None
    with pytest.raises(ModelError, match="does not give the embedding"):
        explain(saved, run, weights=tmp_path / "OTHER")
    shutil.rmtree(run / "patches" / "patches")
    with pytest.raises(TableError, match="does not come with the patches"):
        explain(saved, run, weights=weights)


def test_a_damaged_patch_is_told(run):
    saved = trained(run)
    (run / "patches" / "patches" / "key2.npz").write_bytes(b"no patch")
    with pytest.raises(RunError, match="a patch cannot be read"):
        explain(saved, run, weights=run.with_name("ENCODER"), cases=["case 02"])


def test_trees_have_no_gradient_and_volume_no_image(run):
    saved = trained(run, options=ModelOptions(head="xgboost"))
    with pytest.raises(SettingsError, match=r"boosted trees have none.*occlusion"):
        explain(saved, run, weights=run.with_name("ENCODER"), method="gradcam")
    volume = train(run, looking.cohort()[2], out=run.with_name("v"), **{**ASKED, "model": "volume"})
    with pytest.raises(ModelError, match="looks at no image"):
        explain(volume, run)
