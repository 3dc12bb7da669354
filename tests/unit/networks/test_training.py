"""Training: repeatable, resumable, and refused where it makes no sense."""

import dataclasses
import json
import logging

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: pip install 'radpipe[cnn]'")
pytest.importorskip("monai", reason="needs MONAI: pip install 'radpipe[cnn]'")
pytest.importorskip("torchsurv", reason="needs torchsurv: pip install 'radpipe[cnn]'")

from radpipe.errors import ModelError, SettingsError  # noqa: E402
from radpipe.networks.batches import make_patients  # noqa: E402
from radpipe.networks.course import Course  # noqa: E402
from radpipe.networks.encoders import ENCODERS  # noqa: E402
from radpipe.networks.methods import METHODS  # noqa: E402
from radpipe.networks.methods.autoencoder import Autoencoder  # noqa: E402
from radpipe.networks.training import Training, train_encoder, warn_of_few_events  # noqa: E402

SPEC = ENCODERS["radpipe-small"]
SHORT = {"epochs": 3, "batch": 4, "seed": 3}


def cohort(count=8, seed=0):
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(count, 2, 32, 32, 32)).astype(np.float32)
    inputs[:, 1] = 0
    inputs[:, 1, 8:24, 8:24, 8:24] = 1
    outcome = np.zeros(count, dtype=[("event", bool), ("time", float)])
    outcome["event"] = np.arange(count) % 2 == 0
    outcome["time"] = random.exponential(size=count)
    return inputs, outcome


def bytes_of(trained):
    return {name: each.numpy().tobytes() for name, each in trained.network.state_dict().items()}


@pytest.mark.parametrize("patience", [0, 2])
@pytest.mark.parametrize("method", METHODS)
def test_eight_patients_give_the_same_bytes_twice(method, patience):
    how = Training(method=method, patience=patience, **SHORT)
    first, again = train_encoder(SPEC, how, *cohort()), train_encoder(SPEC, how, *cohort())
    assert bytes_of(first) == bytes_of(again)
    assert first.history == again.history
    assert all(np.isfinite(list(each.values())).all() for each in first.history)
    assert not first.network.training
    assert not any(each.requires_grad for each in first.network.parameters())


def test_another_seed_gives_another_encoder():
    one = train_encoder(SPEC, Training(epochs=1), *cohort())
    other = train_encoder(SPEC, Training(epochs=1, seed=1), *cohort())
    assert bytes_of(one) != bytes_of(other)


def test_nothing_outside_is_touched():
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    numpys = np.random.get_state()[1].copy()  # noqa: NPY002
    inputs, outcome = cohort()
    given = inputs.copy()
    train_encoder(SPEC, Training(method="cox", epochs=1), inputs, outcome)
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(numpys, np.random.get_state()[1])  # noqa: NPY002
    assert torch.get_num_threads() == threads
    assert np.array_equal(given, inputs)


def test_it_learns():
    history = train_encoder(SPEC, Training(epochs=12, batch=4), *cohort()).history
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    assert [each["epoch"] for each in history] == list(range(1, 13))


def test_the_best_epochs_weights_are_returned(monkeypatch):
    told = iter([3.0, 1.0, 2.0, 2.5, 0.1])
    monkeypatch.setattr(Course, "_held_out_loss", lambda self, epoch: next(told))
    how = Training(patience=2, epochs=5, batch=4)
    stopped = train_encoder(SPEC, how, *cohort())
    assert stopped.epoch == 2
    assert [each["held_out_loss"] for each in stopped.history] == [3.0, 1.0, 2.0, 2.5]
    monkeypatch.setattr(Course, "_held_out_loss", lambda self, epoch: -float(epoch < 3) * epoch)
    assert bytes_of(train_encoder(SPEC, how, *cohort())) == bytes_of(stopped)


class Killed(Exception):
    """Stands for whatever ends a process."""


@pytest.mark.parametrize(("method", "patience"), [("autoencoder", 0), ("cox", 3), ("vicreg", 3)])
def test_a_resumed_training_gives_the_same_bytes(method, patience, tmp_path, monkeypatch):
    how = Training(method=method, patience=patience, epochs=4, batch=4)
    whole = train_encoder(SPEC, how, *cohort())
    path = tmp_path / "new" / "training.pt"
    keep = Course._keep

    def keep_and_die(course):
        keep(course)
        if len(course.history) == 2:
            raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Course, "_keep", keep_and_die)
        train_encoder(SPEC, how, *cohort(), checkpoint=path)
    resumed = train_encoder(SPEC, how, *cohort(), checkpoint=path)
    assert bytes_of(resumed) == bytes_of(whole)
    assert (resumed.history, resumed.epoch) == (whole.history, whole.epoch)
    monkeypatch.setattr(Course, "run_epoch", lambda course: pytest.fail("it was finished"))
    assert bytes_of(train_encoder(SPEC, how, *cohort(), checkpoint=path)) == bytes_of(whole)


@pytest.mark.parametrize(
    ("other", "data", "told"), [({"seed": 1}, 0, "another settings"), ({}, 1, "another patients")]
)
def test_a_checkpoint_of_another_training_is_refused(other, data, told, tmp_path):
    path = tmp_path / "training.pt"
    train_encoder(SPEC, Training(epochs=1), *cohort(), checkpoint=path)
    with pytest.raises(ModelError, match=told):
        train_encoder(SPEC, Training(epochs=1, **other), *cohort(seed=data), checkpoint=path)


@pytest.mark.parametrize("how", ["truncated", "text", "empty", "other"])
def test_a_damaged_checkpoint_is_named(how, tmp_path):
    path = tmp_path / "training.pt"
    train_encoder(SPEC, Training(epochs=1), *cohort(), checkpoint=path)
    whole = path.read_bytes()
    if how == "other":
        torch.save([1], path)
    else:
        path.write_bytes({"truncated": whole[:-900], "text": b"none", "empty": b""}[how])
    with pytest.raises(ModelError, match="cannot be read") as caught:
        train_encoder(SPEC, Training(epochs=1), *cohort(), checkpoint=path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("method", METHODS)
def test_a_patch_that_is_no_number_stops_it(method, wrong):
    inputs, outcome = cohort()
    inputs[:, 0, 16, 16, 16] = wrong
    with pytest.raises(ModelError, match="epoch 1, step 1"):
        train_encoder(SPEC, Training(method=method, **SHORT), inputs, outcome)


def test_a_loss_that_is_no_number_leaves_the_last_good_checkpoint(tmp_path, monkeypatch):
    path, right, calls = tmp_path / "training.pt", Autoencoder.loss, []

    def wrong_in_the_fourth_step(self, *arguments):
        calls.append(1)
        return right(self, *arguments) * (np.nan if len(calls) == 4 else 1)

    how = Training(epochs=3, batch=4)
    with monkeypatch.context() as patched, pytest.raises(ModelError) as caught:
        patched.setattr(Autoencoder, "loss", wrong_in_the_fourth_step)
        train_encoder(SPEC, how, *cohort(), checkpoint=path)
    assert "epoch 2, step 2" in str(caught.value)
    assert f"epoch 1 is kept in {path}" in str(caught.value)
    resumed = train_encoder(SPEC, how, *cohort(), checkpoint=path)
    assert bytes_of(resumed) == bytes_of(train_encoder(SPEC, how, *cohort()))


def test_three_patients_are_too_few_and_four_are_enough():
    inputs, outcome = cohort(4)
    with pytest.raises(ModelError, match=r"3 patients; expected: at least 4"):
        train_encoder(SPEC, Training(), inputs[:3])
    for method in METHODS:
        trained = train_encoder(
            SPEC, Training(method=method, epochs=1, patience=1), inputs, outcome
        )
        assert np.isfinite(list(trained.history[0].values())).all()


def test_events_are_needed_by_cox_alone():
    inputs, outcome = cohort()
    outcome["event"] = np.arange(8) == 0
    with pytest.raises(ModelError, match="1 patients with the event; expected: at least 2"):
        train_encoder(SPEC, Training(method="cox"), inputs, outcome)
    train_encoder(SPEC, Training(epochs=1), inputs, outcome)


def test_classes_take_the_place_of_times():
    inputs, outcome = cohort()
    how = Training(method="cox", patience=1, **SHORT)
    trained = train_encoder(SPEC, how, inputs, outcome["event"])
    assert np.isfinite(list(trained.history[0].values())).all()
    with pytest.raises(ModelError, match="without the event"):
        train_encoder(SPEC, how, inputs, np.arange(8) > 0)


def test_a_supervised_method_needs_outcomes():
    with pytest.raises(SettingsError, match="needs outcomes"):
        train_encoder(SPEC, Training(method="cox"), cohort()[0])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"method": "vicregg"}, "method: .*did you mean 'vicreg'"),
        ({"augmentations": ("flips",)}, "--augment: .*did you mean 'flip'"),
        ({"epochs": 0}, "epochs: "),
        ({"batch": 1}, "batch: "),
        ({"learning_rate": 0.0}, "learning_rate: "),
        ({"learning_rate": float("nan")}, "learning_rate: "),
        ({"patience": -1}, "patience: "),
        ({"held_out": 0.9}, "held_out: "),
        ({"seed": -1}, "seed: "),
    ],
)
def test_a_setting_without_sense_is_named(wrong, told):
    with pytest.raises(SettingsError, match=told):
        train_encoder(SPEC, Training(**wrong), *cohort())


def test_settings_go_to_json_and_back():
    how = Training(method="cox", augmentations=("flip", "shift"))
    held = json.loads(json.dumps(dataclasses.asdict(how)))
    back = Training(**{**held, "augmentations": tuple(held["augmentations"])})
    assert back == how


def test_every_batch_holds_events_and_everyone_is_shown_once():
    inputs, outcome = np.zeros((60, 1, 2, 2, 2), np.float32), cohort(60)[1]
    outcome["event"] = np.arange(60) < 20
    patients = make_patients(inputs, outcome, seed=0)
    taught, held_out = patients.split(0.2)
    assert sorted([*taught, *held_out]) == list(range(60))
    assert (held_out < 20).sum() == 4
    assert len(held_out) == 12
    batches = [each.numpy() for each in patients.batches(taught, 8, epoch=1)]
    assert sorted(np.concatenate(batches)) == list(taught)
    assert {len(each) for each in batches} == {8}
    assert all(2 <= (each < 20).sum() <= 4 for each in batches)
    assert not np.array_equal(batches[0], patients.batches(taught, 8, epoch=2)[0])


def test_few_events_are_told_and_many_are_not(caplog):
    with caplog.at_level(logging.WARNING, logger="radpipe"):
        warn_of_few_events(100)
        assert not caplog.records
        warn_of_few_events(99)
    assert "99 events" in caplog.text


def test_it_tells_how_far_it_is(capsys):
    train_encoder(SPEC, Training(epochs=1), *cohort(4), shown=True)
    train_encoder(SPEC, Training(epochs=1), *cohort(4), shown=False)
    assert "Traceback" not in capsys.readouterr().err
