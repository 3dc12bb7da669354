import csv
import gzip
import json
import time

import numpy as np
import pandas as pd
import pytest

from radpipe.errors import SettingsError, TableError
from radpipe.prognosis.evaluation.leaks import require_no_leak
from radpipe.prognosis.evaluation.oracles import require_no_oracle
from radpipe.prognosis.evaluation.patients import EARLY_CENSORING, EARLY_EVENT, WITHOUT_OUTCOME
from radpipe.prognosis.evaluation.study import Roles, as_predictors, make_study
from radpipe.prognosis.survival import repeated_folds
from radpipe.prognosis.tables.suspects import resemblance
from tests.unit.prognosis.cohorts import TEXTURE, VOLUME, simulate

SURVIVAL = Roles("death", "os_days")


def study_of(clinical, roles=SURVIVAL, patients=12):
    return make_study(simulate(patients)[0], clinical, roles)


def cohort(**columns):
    """Return the clinical table of twelve patients, in the order of their names."""
    clinical = simulate(12)[1].sort_values("patient_id").reset_index(drop=True)
    return clinical.assign(os_days=np.arange(12) + 5, death=[0, 1] * 6).assign(**columns)


def test_a_study_holds_predictors_and_nothing_of_the_endpoint():
    clinical = cohort(site=["a", "b"] * 6, hospital=["x", "y"] * 6)
    roles = Roles("death", "os_days", ["age", "sex"], batch="site", centre="hospital")
    study = study_of(clinical, roles)
    noise = [f"original_glrlm_Noise{number}" for number in range(4)]
    assert study.features == sorted([VOLUME, TEXTURE, *noise])
    assert study.clinical == ["age", "sex"]
    assert study.predictors == [*study.features, "age", "sex"]
    named = ["age", "sex", "site", "hospital"]
    assert study.frame.columns.tolist() == ["patient_id", *study.features, *named]
    assert (study.volume, study.batch, study.centre) == (VOLUME, "site", "hospital")
    assert not study.binary
    assert study.events == 6
    assert study.endpoint["time"].tolist() == clinical["os_days"].tolist()
    assert study.identifiers().columns.tolist() == ["patient_id", "case_id", "time", "event"]
    assert study.source_facts()["table"] == "simulated"


def test_facts_and_roles_survive_json():
    roles = Roles("death=1", "os_days", ("age",), features="original_*", unmatched="drop")
    assert Roles(**json.loads(json.dumps(roles.facts()))).facts() == roles.facts()
    study = study_of(cohort(), roles)
    told = [study.cohort_facts(), study.endpoint_facts(), study.source_facts()]
    assert json.loads(json.dumps(told)) == told
    assert told[0]["patients"] == 12
    assert told[1]["codes"] == {"0": 6, "1": 6}


def test_an_endpoint_without_times_is_binary():
    clinical = cohort()
    study = study_of(clinical, Roles("death"))
    assert study.binary
    assert study.endpoint.dtype == bool
    assert study.endpoint.tolist() == (clinical["death"] == 1).tolist()
    assert study.events == 6
    assert "time" not in study.identifiers()
    assert study.cohort_facts()["follow_up_median"] is None


@pytest.mark.parametrize(
    ("codes", "suggested"),
    [
        (["1", "2"], "death=2"),
        (["alive", "dead"], "death=dead"),
        (["Alive", "Deceased"], "death=Deceased"),
        (["no", "yes"], "death=yes"),
        ([0, 2], "death=2"),
    ],
)
def test_an_event_otherwise_written_is_refused_with_what_to_say_and_read_then(codes, suggested):
    clinical = cohort(death=codes * 6)
    with pytest.raises(TableError, match=f"column death: .*expected: 0 or 1.*'{suggested}'"):
        study_of(clinical)
    study = study_of(clinical, Roles(suggested, "os_days"))
    assert study.endpoint["event"].tolist() == [False, True] * 6
    assert study.endpoint_facts()["value"] == suggested.partition("=")[2]
    assert study.endpoint_facts()["competing"] == {}


def test_one_code_in_a_column_suggests_nothing():
    with pytest.raises(TableError, match=r"alive \(12 patients\).*remedy: correct these rows$"):
        study_of(cohort(death="alive"))


def test_a_value_that_does_not_occur_is_refused_with_those_that_do():
    with pytest.raises(TableError, match=r"0 \(6 patients\), 1 \(6 patients\); expected: dead"):
        study_of(cohort(), Roles("death=dead", "os_days"))


def test_a_column_of_times_is_no_event():
    with pytest.raises(TableError, match="not of events; found: 12 different") as caught:
        study_of(cohort(), Roles("os_days"))
    assert caught.value.found.endswith("from 5 to 16")
    assert "if these are times, name them with --time 'os_days'" in caught.value.remedy


def test_codes_are_counted_in_patients():
    with pytest.raises(TableError, match=r"alive \(1 patient\), dead \(11 patients\)"):
        study_of(cohort(death=["alive", *["dead"] * 11]))


@pytest.mark.parametrize(
    ("roles", "option"),
    [
        (Roles("death", ""), "--time"),
        (Roles(" "), "--event"),
        (Roles("death", "os_days", volume=""), "--volume"),
        (Roles("death", "os_days", origin_days=""), "--origin-days"),
    ],
)
def test_an_empty_name_is_told_by_its_option(roles, option):
    with pytest.raises(SettingsError, match=f"^{option}: an empty name; found: '"):
        study_of(cohort(), roles)


def test_features_without_any_variation_are_told(caplog):
    features, clinical = simulate(12)
    make_study(features, clinical, SURVIVAL)
    assert caplog.messages == []
    names = features.columns[1:]
    features[names] = 1.0
    features.loc[features.index[:3], names[0]] = np.nan
    make_study(features, clinical, SURVIVAL)
    assert caplog.messages == ["no feature varies among the 12 patients"]


def test_volumes_below_zero_are_told_once(caplog):
    features, clinical = simulate(12)
    values = features[features.columns[1:]]
    features[values.columns] = (values - values.mean()) / values.std(ddof=0)
    below = (features[VOLUME] < 0).sum()
    make_study(features, clinical, SURVIVAL)
    (told,) = caplog.messages
    assert told.startswith(f"{VOLUME} is below 0 in {below} of 12 patients, as no volume is: ")
    assert "was standardised (mean 0 and standard deviation 1)" in told
    caplog.clear()
    make_study((values - 10).assign(patient_id=features["patient_id"]), clinical, SURVIVAL)
    assert "the table was transformed" in caplog.text


def test_all_columns_that_are_missing_are_named_with_the_way_to_them():
    features, clinical = simulate(12)
    roles = Roles("death", "os_days", ["age", "sex"])
    with pytest.raises(TableError, match=r"columns are missing.*--clinical FILE") as caught:
        make_study(features, None, roles)
    assert caught.value.expected == "os_days, death, age, sex"
    assert "did you mean" not in caught.value.remedy
    clinical = clinical.drop(columns=["age", "sex"]).rename(columns={"death": "Deaths"})
    with pytest.raises(TableError, match="did you mean 'Deaths'") as caught:
        make_study(features, clinical, roles)
    assert caught.value.expected == "death, age, sex"
    assert "--clinical" not in caught.value.remedy


def test_competing_events_are_censored_and_counted():
    codes = ["censored", "tumour", "heart", "tumour"] * 3
    study = study_of(cohort(cause=codes), Roles("cause=tumour", "os_days"))
    assert study.endpoint["event"].tolist() == [False, True, False, True] * 3
    facts = study.endpoint_facts()
    assert facts["competing"] == {"heart": 3}
    assert facts["codes"] == {"censored": 3, "heart": 3, "tumour": 6}


def test_a_value_may_be_written_as_a_float():
    study = study_of(cohort(death=[1.0, 2.0] * 6), Roles("death=2", "os_days"))
    assert study.events == 6


def test_a_column_may_have_an_equals_sign_in_its_name():
    clinical = cohort().rename(columns={"death": "death=1"})
    study = study_of(clinical, Roles("death=1", "os_days"))
    assert study.endpoint_facts()["event"] == "death=1"
    assert study.endpoint_facts()["value"] is None


@pytest.mark.parametrize("time", ["os_days", None])
def test_no_event_at_all_is_refused(time):
    with pytest.raises(TableError, match=r"no event happened.*0 events in 12 patients"):
        study_of(cohort(death=0), Roles("death", time))


def test_an_event_in_everyone_is_refused_where_there_are_no_times():
    with pytest.raises(TableError, match="happened to everyone"):
        study_of(cohort(death=1), Roles("death"))
    assert study_of(cohort(death=1)).events == 12


@pytest.mark.parametrize("value", [0, -1, "12,5", "unknown", np.inf])
def test_times_that_are_none_are_refused_by_patient(value):
    times = [*range(1, 12), value]
    with pytest.raises(TableError, match=r"column os_days.*patient 011: "):
        study_of(cohort(os_days=pd.Series(times, dtype=object)))


def test_dates_are_no_times():
    with pytest.raises(TableError, match=r"column os_days.*2020"):
        study_of(cohort(os_days=pd.to_datetime(["2020-03-04"] * 12)))


def test_patients_without_an_outcome_are_left_out_where_that_is_asked():
    clinical = cohort(death=[None, 1, *[0, 1] * 5], os_days=[*np.arange(11.0) + 5, np.nan])
    told = "found: os_days of 011; death of 000;.*--drop-unmatched"
    with pytest.raises(TableError, match=f"without an outcome: cells are empty; {told}"):
        study_of(clinical)
    study = study_of(clinical, Roles("death", "os_days", unmatched="drop"))
    assert study.excluded[WITHOUT_OUTCOME] == ["000", "011"]
    assert len(study.frame) == len(study.endpoint) == 10


def test_times_run_from_the_origin_and_what_ended_before_is_left_out_by_name():
    # Day:            event on it, after it, before it; censored on it, before it; a scan before 0.
    clinical = cohort(
        os_days=[10, 20, 5, 10, 5, 30, *[50] * 6],
        death=[1, 1, 1, 0, 0, 1, *[0, 1] * 3],
        scan=[10, 12, 9, 10, 9, -3, *[0] * 6],
    )
    roles = Roles("death", "os_days", origin_days="scan")
    study = study_of(clinical, roles)
    assert study.excluded[EARLY_EVENT] == ["000", "002"]
    assert study.excluded[EARLY_CENSORING] == ["003", "004"]
    assert study.frame["patient_id"].tolist() == ["001", "005", *[f"{n:03d}" for n in range(6, 12)]]
    assert study.endpoint["time"].tolist() == [8, 33, *[50] * 6]
    assert study.endpoint["event"].tolist() == [True, True, *[False, True] * 3]
    assert study.endpoint_facts()["origin_days"] == "scan"
    assert study.codes == {"0": 3, "1": 5}


def test_an_origin_needs_times_and_numbers():
    with pytest.raises(SettingsError, match=r"--origin-days.*--time"):
        study_of(cohort(scan=1), Roles("death", origin_days="scan"))
    with pytest.raises(TableError, match=r"cells are empty; found: scan of 000, 001"):
        study_of(cohort(scan=np.nan), Roles("death", "os_days", origin_days="scan"))
    with pytest.raises(TableError, match=r"no patient is left.*event at or before.*004 and 3 more"):
        study_of(cohort(scan=99), Roles("death", "os_days", origin_days="scan"))


@pytest.mark.parametrize("part", ["death", "os_days", "scan"])
def test_the_endpoint_does_not_predict_itself(part):
    roles = Roles("death=1", "os_days", ["age", part], origin_days="scan", force=True)
    with pytest.raises(SettingsError, match=f"cannot predict itself.*found: {part}"):
        study_of(cohort(scan=0), roles)


def test_several_times_and_events_are_refused_by_what_they_resemble():
    clinical = cohort(pfs_days=1, chemotherapy=2, relapse=[0, 1] * 6)
    named = ["pfs_days", "age", "chemotherapy", "relapse"]
    with pytest.raises(TableError) as caught:
        study_of(clinical, Roles("death", "os_days", named))
    told = "pfs_days (a time), chemotherapy (a treatment), relapse (an event);"
    assert (
        f"--clinical-columns: columns resemble a time, an event or a treatment; found: {told}"
        in (str(caught.value))
    )
    assert "--force" in str(caught.value)
    assert study_of(clinical, Roles("death", "os_days", named, force=True)).clinical == named


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (
            "a time",
            "Survival.time overall_survival_in_days os_days PFS dx_to_mri_days FollowUp "
            "follow_up_months DateOfBirth 1yearsurvival radiotherapy_total_treat_time OS.time",
        ),
        (
            "an event",
            "deadstatus.event vital_status vitalStatus status death any_event lung_mets "
            "Recurrence local_relapse progressed censored node_target alive outcome",
        ),
        (
            "a treatment",
            "treatment chemotherapy_given cancer_surgery_performed Radiation Chemotherapy "
            "radiotherapy_refgydose_total_highriskgtv adjuvant_drug resected dose_gy",
        ),
        (
            None,
            "age age_at_diagnosis age_months sex gender stage Overall.Stage clinical.T.Stage "
            "clin_t grade histology index_tumour_location performance_status_ecog smoking_status "
            "overall_hpv_p16_status pretreat_hb_in_mmolperlitre pre_treatment_weight site "
            "EGFR_mutation_status Lymphovascular_invasion glucose prostate_volume",
        ),
    ],
)
def test_names_of_real_tables_are_told_apart(kind, names):
    assert {name: resemblance(name) for name in names.split()} == dict.fromkeys(names.split(), kind)


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["2019-03-04", *["2020-01-01"] * 11], "no dates"),
        (
            [f"{n}" for n in range(10, 21)] + ["not collected"],
            "patient 011: not collected.*numbers",
        ),
        ([f"note {n}" for n in range(12)], "categories that patients share"),
        ([np.inf, *range(11)], "finite"),
    ],
)
def test_clinical_columns_that_no_model_can_use_are_refused(cells, told):
    with pytest.raises(TableError, match=f"column marker: .*{told}"):
        study_of(cohort(marker=cells), Roles("death", "os_days", ["marker"]))


def test_clinical_columns_become_numbers_or_clean_categories():
    clinical = cohort(hb=["7.5", " 8 ", None, *["9"] * 9], t=["1", " 2", "4a", "", *["X"] * 8])
    study = study_of(clinical, Roles("death", "os_days", ["hb", "t"]))
    assert study.frame["hb"].dtype == np.float64
    assert study.frame["hb"].iloc[:2].tolist() == [7.5, 8.0]
    assert study.frame["hb"].isna().sum() == 1
    assert study.frame["t"].iloc[:3].tolist() == ["1", "2", "4a"]
    assert pd.isna(study.frame["t"].iloc[3])


def one_file(patients=12):
    features, _ = simulate(patients)
    rows = features.reset_index(drop=True).rename(columns={"patient_id": "Case ID"})
    rows.columns = rows.columns.str.replace("original_glrlm_", "FD ")
    return rows.assign(os=np.arange(patients) + 1.0, dead=[0, 1] * (patients // 2), sex="f")


def test_one_file_may_hold_features_and_outcomes(tmp_path):
    rows = one_file()
    rows.to_csv(tmp_path / "t.csv", index=False)
    roles = Roles("dead", "os", ["sex"], features="FD *, !FD Noise1", volume=VOLUME, id="Case ID")
    study = make_study(tmp_path / "t.csv", None, roles)
    assert study.features == ["FD Noise0", "FD Noise2", "FD Noise3"]
    assert study.volume == VOLUME
    assert VOLUME not in study.predictors
    assert study.endpoint["time"].tolist() == rows["os"].tolist()
    assert study.frame["patient_id"].tolist() == rows["Case ID"].tolist()
    pd.testing.assert_frame_equal(make_study(rows, None, roles).frame, study.frame)
    assert study.where == str(tmp_path / "t.csv")
    assert study.source_facts()["clinical"] is None


def test_a_pattern_does_not_mean_columns_that_play_a_part():
    roles = Roles("dead", "os", features="*", id="Case ID", centre="sex")
    study = make_study(one_file(), None, roles)
    assert study.features == sorted([VOLUME, TEXTURE, *(f"FD Noise{n}" for n in range(4))])


def test_a_pattern_takes_no_outcome_by_accident():
    rows = one_file().assign(time_to_relapse=1.0)
    roles = Roles("dead", "os", ["sex"], features="*", id="Case ID")
    with pytest.raises(TableError, match=r"--features: .*found: time_to_relapse \(a time\)"):
        make_study(rows, None, roles)
    told = make_study(rows, None, Roles(**{**roles.facts(), "features": "*,!time*"}))
    assert "time_to_relapse" not in told.features


def test_a_pattern_that_fits_nothing_or_text_is_refused():
    with pytest.raises(TableError, match=r"--features, .*expected: PyRad"):
        make_study(one_file(), None, Roles("dead", "os", features="PyRad*", id="Case ID"))
    with pytest.raises(TableError, match="sex: a feature column holds text; found: 'f'"):
        make_study(one_file(), None, Roles("dead", "os", features="*", id="Case ID"))


def test_a_column_with_brackets_is_named_as_it_is():
    rows = one_file().rename(columns={"FD Noise0": "Mean [HU]"})
    study = make_study(rows, None, Roles("dead", "os", features="Mean [HU]", id="Case ID"))
    assert study.features == ["Mean [HU]"]


def test_columns_may_stand_in_either_table():
    features, clinical = simulate(12)
    roles = Roles("death", "os_days", ["age"], batch="scanner")
    study = make_study(features.assign(scanner=["A", "B"] * 6), clinical, roles)
    assert study.frame["scanner"].tolist() == ["A", "B"] * 6
    with pytest.raises(TableError, match=r"a column is missing.*expected: scanner"):
        make_study(features, clinical, roles)


def test_hospitals_are_names_even_if_they_are_numbered():
    roles = Roles("death", "os_days", batch="site", centre="site")
    study = study_of(cohort(site=[1.0, 2.0] * 6), roles)
    assert study.frame["site"].tolist() == ["1", "2"] * 6
    with pytest.raises(TableError, match=r"column site: patients belong to no group; found: 001;"):
        study_of(cohort(site=["a", " ", *["b"] * 10]), roles)


def test_a_run_names_patients_its_own_way():
    features, clinical = simulate(12)
    clinical = clinical.rename(columns={"patient_id": "ID"})
    assert len(make_study(features, clinical, Roles("death", "os_days", id="ID")).frame) == 12
    with pytest.raises(TableError, match=r"no column names the patients.*--id 'ID'"):
        make_study(features, clinical, SURVIVAL)


def test_rows_of_a_patient_that_contradict_each_other_are_refused():
    rows = pd.concat([one_file(), one_file()[:2]], ignore_index=True)
    roles = Roles("dead", "os", id="Case ID", per_patient="mean")
    assert len(make_study(rows, None, roles).frame) == 12
    rows.loc[13, "os"] += 1
    with pytest.raises(TableError, match=r"column os: rows.*contradict.*patient 001;"):
        make_study(rows, None, roles)


def test_rows_are_reduced_over_the_columns_that_the_pattern_means():
    rows = pd.concat([one_file(), one_file()[:1] * 1], ignore_index=True)
    rows.loc[12, ["FD Noise0", "size"]] = [rows.loc[0, "FD Noise0"] + 2, 1.0]
    rows["size"] = rows["size"].fillna(0.0)
    roles = {"event": "dead", "time": "os", "features": "FD*", "id": "Case ID"}
    mean = make_study(rows, None, Roles(**roles, per_patient="mean"))
    largest = make_study(rows, None, Roles(**roles, per_patient="largest", volume="size"))
    first = rows.loc[0, "Case ID"]
    means, kept = (
        made.frame.set_index("patient_id").loc[first, "FD Noise0"] for made in (mean, largest)
    )
    assert means == pytest.approx(rows.loc[0, "FD Noise0"] + 1)
    assert kept == rows.loc[12, "FD Noise0"]
    wide = make_study(rows.assign(roi=["a"] * 12 + ["b"]), None, Roles(**roles, per_patient="wide"))
    assert [name for name in wide.features if "Noise0" in name] == ["FD Noise0__a", "FD Noise0__b"]


def test_identifiers_lose_the_spaces_around_them_and_keep_those_inside(tmp_path):
    features, clinical = simulate(12)
    spaced = clinical.assign(patient_id="P " + clinical["patient_id"])
    spaced.assign(patient_id="  " + spaced["patient_id"] + " ").to_csv(tmp_path / "c.csv")
    features = features.assign(patient_id="P " + features["patient_id"])
    study = make_study(features, tmp_path / "c.csv", SURVIVAL)
    assert study.frame["patient_id"].tolist() == [f"P {number:03d}" for number in range(12)]


def test_names_of_columns_lose_the_spaces_around_them(tmp_path):
    (tmp_path / "c.csv").write_text(
        " patient_id ;os_days; death\n" + "".join(f"{n:03d};{n + 1};{n % 2}\n" for n in range(12))
    )
    assert make_study(simulate(12)[0], tmp_path / "c.csv", SURVIVAL).events == 6


def test_an_infinite_feature_is_refused():
    features, clinical = simulate(12)
    features.iloc[3, 2] = np.inf
    with pytest.raises(TableError, match=f"a feature is infinite; found: {TEXTURE}"):
        make_study(features, clinical, SURVIVAL)


def test_predictors_need_no_outcome():
    features, clinical = simulate(12)
    roles = Roles("death", "os_days", ["age", "sex"], unmatched="drop")
    known = clinical.drop(columns=["death", "os_days"])
    found = as_predictors(features[:5], known, roles)
    study = make_study(features, clinical, roles)
    pd.testing.assert_frame_equal(found[study.predictors], study.frame[study.predictors][:5])
    with pytest.raises(TableError, match=r"features without clinical row \(1\): 003"):
        as_predictors(features[:5], known[known["patient_id"] != "003"], roles)


def test_predictors_of_patients_whom_the_clinical_table_lacks_can_be_left_out(caplog):
    features, clinical = simulate(12)
    known = clinical[clinical["patient_id"] != "003"]
    roles = Roles("death", "os_days", ["age"])
    left = as_predictors(features[:5], known, roles, "drop")
    assert left["patient_id"].tolist() == ["000", "001", "002", "004"]
    assert caplog.messages == ["left out, features without clinical row: 003"]
    with pytest.raises(TableError, match=r"no patient is left; found: features without.*003;"):
        as_predictors(features[3:4], known, roles, "drop")


def test_twenty_thousand_columns_are_read_and_checked_in_seconds(tmp_path):
    features, clinical = simulate(100, noise=20_000)
    features.to_csv(tmp_path / "t.csv")
    began = time.process_time()
    study = make_study(tmp_path / "t.csv", clinical, SURVIVAL)
    require_no_oracle(study)
    assert time.process_time() - began < 10
    assert len(study.features) == 20_002


# Patients, events and features as the publishers count them.
REAL = {
    "hn1_maastro.csv": (
        Roles("event_overall_survival", "overall_survival_in_days", ["clin_n"], id="id"),
        (137, 74, 105),
    ),
    "nsclc_radiogenomics.csv": (
        Roles("deadstatus.event", "Survival.time", ["Gender"], id="ID"),
        (144, 51, 105),
    ),
    "lung1_unscaled.csv": (
        Roles("deadstatus.event", "Survival.time", ["age", "Histology"], id="PatientID"),
        (145, 129, 1218),
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_real_tables_load_with_one_call(shared, name):
    roles, counts = REAL[name]
    study = make_study(shared / "tables" / name, None, roles)
    assert (len(study.frame), study.events, len(study.features)) == counts
    assert study.volume.endswith("original_shape_MeshVolume")
    require_no_leak(study, repeated_folds(study.endpoint["event"], repeats=1, folds=5, seed=0))
    require_no_oracle(study)


@pytest.mark.parametrize(
    ("name", "features", "volume"),
    [
        ("Arita2018", "*", "T2_original_Total_Volume"),
        ("C4KC-KiTS", None, "late_original_shape_MeshVolume"),
        ("Head-Neck-Radiomics-HN1", None, None),
        ("Lu2019", "*", None),
        ("NSCLC-Radiogenomics", None, None),
        ("Veeraraghavan2020", "*", "Volume"),
    ],
)
def test_radiomics_benchmark_tables_load_with_one_call(shared, name, features, volume):
    path = shared / "tables" / "radmlbench" / f"{name}.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        header, *lines = list(csv.reader(file))
    roles = Roles("Target", features=features, volume=volume, id="ID")
    study = make_study(path, None, roles)
    assert len(study.features) == len(header) - 2
    target = {line[header.index("ID")]: line[header.index("Target")] == "1" for line in lines}
    assert study.endpoint.tolist() == [target[name] for name in study.frame["patient_id"]]
    assert len(study.frame) == len(lines)
    require_no_leak(study, repeated_folds(study.endpoint, repeats=1, folds=5, seed=0))
    require_no_oracle(study)


def test_several_volumes_are_asked_for(shared):
    path = shared / "tables" / "radmlbench" / "C4KC-KiTS.csv.gz"
    with pytest.raises(TableError, match=r"several columns may be.*late_orig.*--volume COLUMN"):
        make_study(path, None, Roles("Target", id="ID"))


@pytest.mark.parametrize(
    ("event", "time", "events"),
    [("death", "os_days", 8), ("status=D", "os_days", 8), ("lung_mets", "lung_met_free_days", 8)],
)
def test_sarcoma_outcomes_load(shared, event, time, events):
    # 24 patients with 8 deaths and 8 lung metastases: README of the data.
    features = simulate(24)[0].assign(patient_id=[f"STS_{number:03d}" for number in range(1, 25)])
    roles = Roles(event, time, ["age", "sex", "grade"])
    study = make_study(features, shared / "sts" / "clinical.csv", roles)
    assert (len(study.frame), study.events) == (24, events)
    assert study.competing == {}
    for wrong in ("treatment", "lung_mets", "dx_to_mri_days", "status"):
        with pytest.raises(TableError, match=f"found: {wrong} "):
            make_study(
                features, shared / "sts" / "clinical.csv", Roles("death", "os_days", [wrong])
            )


def test_the_order_of_rows_and_of_features_does_not_matter():
    features, clinical = simulate(20)
    plain = make_study(features, clinical, SURVIVAL)
    turned = features[features.columns[::-1]][::-1]
    shuffled = make_study(turned, clinical.sample(frac=1, random_state=1), SURVIVAL)
    pd.testing.assert_frame_equal(shuffled.frame, plain.frame)
    assert (shuffled.endpoint == plain.endpoint).all()
