import gzip
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from radpipe.errors import RunError, TableError
from radpipe.prognosis.tables import (
    endpoint_of,
    feature_columns,
    join_clinical,
    join_columns,
    load_features,
    read_clinical,
    require_columns,
    volume_column,
)
from radpipe.store import (
    KEY_COLUMNS,
    MASK_VOLUME,
    Entry,
    Provenance,
    Row,
    Run,
    write_table,
    writer_of,
)
from tests.unit.prognosis.cohorts import PROVENANCE, TEXTURE, VOLUME, simulate
from tests.unit.prognosis.embedded import write_features


def several_rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "case_id": ["a1", "a2", "b1"],
            "patient_id": ["a", "a", "b"],
            "modality": ["CT", "CT", "CT"],
            "roi": ["node", "tumour", "tumour"],
            "label": [2, 1, 1],
            VOLUME: [5.0, 20.0, 7.0],
            TEXTURE: [1.0, 3.0, 9.0],
        }
    )


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "several.parquet"
    write_table(path, several_rows(), Provenance(**PROVENANCE))
    return path


def test_a_run_keeps_its_provenance(tmp_path):
    entries = []
    with writer_of(tmp_path / "run") as writer:
        for place, patient in enumerate(("p2", "p1")):
            keys = dict.fromkeys(KEY_COLUMNS, patient) | {"label": 1}
            entries.append(Entry(keys, patient, {"image": "i", "mask": "m"}))
            writer.run.rows.put(patient, Row({MASK_VOLUME: 8.0, VOLUME: place + 1.0}))
            writer.rows.add(patient)
        writer.write_tables(entries, [VOLUME], KEY_COLUMNS, Provenance(**PROVENANCE))
        writer.finish(Provenance(**PROVENANCE), {})
    run = writer.run
    features = load_features(run.path)
    assert features.index.tolist() == ["p2", "p1"]
    assert features.columns[0] == "patient_id"
    assert features.attrs["run"] == str(run.path)
    assert features.attrs["per_patient"] is None
    assert features.attrs["provenance"] == asdict(Provenance(**PROVENANCE))
    joined = join_clinical(features, pd.DataFrame({"patient_id": ["p1", "p2"], "age": [1, 2]}))
    assert joined.attrs["provenance"] == asdict(Provenance(**PROVENANCE))
    assert joined["age"].tolist() == [2, 1]


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"run\.json"):
        load_features(tmp_path)


def test_csv_identifiers_stay_text(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"patient_id,{VOLUME}\n007,1\nNA,2\n1e3,\n")
    features = load_features(path)
    assert features["patient_id"].tolist() == ["007", "NA", "1e3"]
    assert features.index.tolist() == ["007", "NA", "1e3"]
    assert features.attrs["provenance"] is None
    assert np.isnan(features[VOLUME].iloc[2])
    assert read_clinical(path)["patient_id"].tolist() == ["007", "NA", "1e3"]


def test_semicolons_and_a_byte_order_mark_are_read_as_excel_writes_them(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("patient_id;os_days;death;site\n007;12.5;1;Basel, CH\n008;30;0;\n", "utf-8-sig")
    clinical = read_clinical(path)
    assert clinical.columns.tolist() == ["patient_id", "os_days", "death", "site"]
    assert clinical["patient_id"].tolist() == ["007", "008"]
    assert clinical["site"].tolist()[0] == "Basel, CH"
    endpoint = endpoint_of(clinical, "os_days", "death")
    assert endpoint.tolist() == [(True, 12.5), (False, 30.0)]


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_decimal_commas_are_refused_and_not_read(tmp_path, name):
    frame = pd.DataFrame(
        {"patient_id": ["1,5", "2", "3"], "site": ["a, b", "c", "d"], "age": ["61", None, "58,25"]}
    )
    if name == "t.csv":
        frame.to_csv(tmp_path / name, sep=";", index=False)
    else:
        frame.to_parquet(tmp_path / name)
    with pytest.raises(TableError, match=r"column age: .*commas.*58,25;.*remedy: save.*\(58\.25\)"):
        read_clinical(tmp_path / name)


def test_text_with_commas_is_text(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("patient_id;site\n1,5;3,4 and 5\n2;1,2\n")
    assert read_clinical(path)["site"].tolist() == ["3,4 and 5", "1,2"]
    assert read_clinical(path)["patient_id"].tolist() == ["1,5", "2"]


def test_unquoted_decimal_commas_do_not_shift_the_columns(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("patient_id,os_days,death\na,12,5,1\nb,30,5,0\n")
    with pytest.raises(TableError, match=r"more cells than the header.*decimal points"):
        read_clinical(path)


@pytest.mark.parametrize("rows", ["1,2,\n2,3,\n", "1,2,\n2,3\n", "1,2\n2,3,\n", "1,2,,\n2,3,,\n"])
@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("read", [read_clinical, load_features])
def test_rows_that_end_in_a_separator_do_not_shift_the_columns(tmp_path, read, rows, separator):
    path = tmp_path / "t.csv"
    path.write_text(f"patient_id,os_days\n{rows}".replace(",", separator))
    with pytest.raises(TableError, match=r"t\.csv: cannot read.*no comma at a row's end"):
        read(path)


def test_a_truncated_archive_is_refused(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"patient_id,age\na,1\n" * 99)[:-9])
    with pytest.raises(TableError, match="cannot read the table"):
        read_clinical(path)


def test_a_wide_csv_loads_without_a_warning(tmp_path):
    features, _ = simulate(8, noise=300)
    features.assign(text="t", whole=1).to_csv(tmp_path / "t.csv", index=False)
    assert len(feature_columns(load_features(tmp_path / "t.csv"))) == 302


def test_a_saved_frame_loads_again(tmp_path):
    features, _ = simulate(5)
    features.attrs = {}
    features.to_parquet(tmp_path / "t.parquet")
    assert load_features(tmp_path / "t.parquet").index.tolist() == features.index.tolist()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("patient_id,original_glcm_Contrast\na,high\n", "holds text.*'high'"),
        ("pat_id,original_glcm_Contrast\na,1\n", "no column names the patients.*--id 'pat_id'"),
        ("patient_id,original_glcm_Contrast\n ,1\n", "patient_id is empty"),
        ("patient_id,original_glcm_Contrast\n", "no rows"),
        ("", "cannot read the table; found: a file without a byte"),
        ("case_id,patient_id\nx,a\nx,b\n", "case_id is not unique.*x"),
    ],
)
def test_what_is_no_feature_table_is_refused(tmp_path, content, message):
    path = tmp_path / "t.csv"
    path.write_text(content)
    with pytest.raises(TableError, match=message):
        load_features(path)


def test_missing_files_and_other_formats_are_refused(tmp_path):
    (tmp_path / "t.xlsx").write_bytes(b"x")
    with pytest.raises(TableError, match="unknown table format"):
        load_features(tmp_path / "t.xlsx")
    with pytest.raises(TableError, match="no such file"):
        load_features(tmp_path / "absent.csv")
    with pytest.raises(TableError, match="a folder"):
        read_clinical(tmp_path)


def test_several_rows_a_patient_are_refused_by_name(table):
    with pytest.raises(TableError, match=r"several rows a patient; found: a;.*--per-patient"):
        load_features(table)


def test_largest_keeps_the_row_of_the_largest_roi(table):
    assert load_features(table, "largest").index.tolist() == ["a2", "b1"]


def test_mean_averages_the_numbers(table):
    features = load_features(table, "mean")
    assert features[TEXTURE].tolist() == [2.0, 9.0]
    assert features["patient_id"].tolist() == ["a", "b"]
    assert features.attrs["provenance"] == asdict(Provenance(**PROVENANCE))


def test_wide_puts_rois_beside_each_other(table):
    features = load_features(table, "wide")
    assert features.loc["a1", f"{TEXTURE}__node_2"] == 1.0
    assert features.loc["a1", f"{TEXTURE}__tumour_1"] == 3.0
    assert np.isnan(features.loc["b1", f"{TEXTURE}__node_2"])
    assert len(feature_columns(features)) == 4


def test_wide_refuses_rows_it_cannot_tell_apart(tmp_path):
    rows = several_rows().assign(roi="tumour", label=1)
    write_table(tmp_path / "t.parquet", rows)
    with pytest.raises(TableError, match=r"t.parquet: two rows of a patient have the same ROI"):
        load_features(tmp_path / "t.parquet", "wide")


def test_an_unknown_way_is_refused(table):
    with pytest.raises(TableError, match=r"largest\|mean\|wide"):
        load_features(table, "biggest")


def test_feature_columns_are_what_extraction_names():
    features = [
        "original_shape_MeshVolume",
        "GTV-1_original_shape_MeshVolume",
        "log-sigma-3-0-mm-3D_glcm_Imc1",
        "wavelet-LLH_firstorder_10Percentile",
        "shape_Volume",
        "original_shape2D_Sphericity",
        "original_ngtdm_Busyness__node_2",
    ]
    others = ["age", MASK_VOLUME, "diagnostics_Mask-original_VoxelNum", "patient_id", "glcm_score"]
    assert feature_columns(pd.DataFrame(columns=features + others)) == features


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["original_shape_VoxelVolume", "original_shape_MeshVolume"], "original_shape_MeshVolume"),
        (["CT_original_shape_VoxelVolume", "shape_Volume"], "CT_original_shape_VoxelVolume"),
        (["original_shape_Volume", MASK_VOLUME], "original_shape_Volume"),
        ([MASK_VOLUME], MASK_VOLUME),
        (["original_shape_SurfaceVolumeRatio"], None),
    ],
)
def test_the_volume_is_found(columns, expected):
    assert volume_column(pd.DataFrame(columns=columns)) == expected


def test_two_volumes_of_one_rank_are_for_the_user_to_decide():
    frame = pd.DataFrame(columns=["CT_original_shape_MeshVolume", "PT_original_shape_MeshVolume"])
    frame.attrs["source"] = "RUN"
    with pytest.raises(TableError, match=r"RUN: several columns.*--volume COLUMN"):
        volume_column(frame)
    assert volume_column(frame, frame.columns[1]) == frame.columns[1]
    with pytest.raises(TableError, match="did you mean 'PT_original"):
        volume_column(frame, "PT_original_shape_Mesh")


def test_join_orders_by_patient_and_not_by_row():
    features, clinical = simulate(20)
    joined = join_clinical(features, clinical)
    expected = clinical.set_index("patient_id").loc[features["patient_id"], "age"]
    assert joined["age"].tolist() == expected.tolist()
    assert joined.index.tolist() == features.index.tolist()


@pytest.mark.parametrize(
    ("ours", "theirs"), [(int, int), (int, str), (str, int), (int, float), ("Int64", object)]
)
def test_join_compares_identifiers_as_text(ours, theirs):
    ids = [11, 7, 30]
    features = pd.DataFrame({"patient_id": pd.Series(ids).astype(ours), VOLUME: [1.0, 2.0, 3.0]})
    clinical = pd.DataFrame({"patient_id": pd.Series(ids[::-1]).astype(theirs), "age": [3, 2, 1]})
    joined = join_clinical(features, clinical)
    assert joined["patient_id"].tolist() == ["11", "7", "30"]
    assert joined["age"].tolist() == [1, 2, 3]


@pytest.mark.parametrize("empty", ["", None])
def test_join_refuses_patients_without_a_name(empty):
    features, clinical = simulate(5)
    clinical.loc[2, "patient_id"] = empty
    with pytest.raises(TableError, match=r"clinical table: patient_id is empty; found: rows 3;"):
        join_clinical(features, clinical)


def test_join_refuses_duplicates_by_name():
    features, clinical = simulate(5)
    twice = pd.concat([clinical, clinical[clinical["patient_id"] == "003"]])
    told = "clinical table: a patient has several rows; found: 003; these rows "
    with pytest.raises(TableError, match=f"{told}are alike"):
        join_clinical(features, twice)
    twice["os_days"] = np.arange(6.0)
    with pytest.raises(TableError, match=f"{told}contradict each other in os_days;"):
        join_clinical(features, twice)


def test_join_refuses_unmatched_rows_on_both_sides_by_name():
    features, clinical = simulate(5)
    clinical["patient_id"] = clinical["patient_id"].replace("002", "999")
    with pytest.raises(TableError) as caught:
        join_clinical(features, clinical)
    assert "features without clinical row (1): 002" in str(caught.value)
    assert "clinical rows without features (1): 999" in str(caught.value)
    joined = join_clinical(features, clinical, unmatched="drop")
    assert len(joined) == 4
    assert joined.attrs["dropped"] == {
        "features without clinical row": ["002"],
        "clinical rows without features": ["999"],
    }


def test_join_tells_whose_cases_failed(tmp_path):
    _, clinical = simulate(5)
    run = write_features(tmp_path / "RUN", ["000", "001", "002", "003"])
    failures = pd.DataFrame({"patient_id": ["004", "other"]})
    write_table(Run(run).failures_path, failures)
    with pytest.raises(TableError) as caught:
        join_clinical(load_features(run), clinical)
    told = f"clinical rows without features (1): 004; 1 of them failed, as {run}/failures.parquet"
    assert told in str(caught.value)
    assert "mend the cases that failed" in str(caught.value)


def test_identifiers_that_never_agree_are_probably_written_otherwise():
    features, clinical = simulate(5)
    clinical["patient_id"] = clinical["patient_id"].astype(int)
    with pytest.raises(TableError, match=r"same patients.*remedy: write the identifiers alike"):
        join_clinical(features, clinical)


def test_a_clinical_file_without_rows_is_refused(tmp_path):
    simulate(5)[1].iloc[:0].to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(TableError, match=r"c\.csv: the table has no rows; found: columns patient_"):
        read_clinical(tmp_path / "c.csv")


def test_join_takes_one_file_for_both():
    features, clinical = simulate(6)
    both = join_clinical(features, clinical)
    again = join_clinical(both, both.reset_index(drop=True))
    pd.testing.assert_frame_equal(again[both.columns], both, check_like=True)


@pytest.mark.parametrize("name", ["label", "roi", "modality", MASK_VOLUME, TEXTURE, "stage"])
def test_a_column_that_both_tables_hold_otherwise_is_refused(name):
    features, clinical = simulate(6)
    features[name] = 1
    clinical = clinical.assign(**{name: range(6)})
    clinical.attrs["source"] = "c.csv"
    told = f"c.csv: both tables.*found: {name};.*simulated.*remedy: rename it in the clinical"
    with pytest.raises(TableError, match=told):
        join_columns(features, clinical, ["os_days", name])
    joined = join_columns(features, clinical, ["os_days", "os_days"])
    assert joined.columns.tolist() == [*features.columns, "os_days"]
    alone = join_columns(features.drop(columns=name), clinical, [name])
    assert dict(zip(alone["patient_id"], alone[name], strict=True)) == dict(
        zip(clinical["patient_id"], clinical[name], strict=True)
    )


def test_one_file_may_serve_as_both_tables(tmp_path):
    features, clinical = simulate(6)
    both = join_clinical(features, clinical).assign(label=1, age=[50.5, None, 1, 2, 3, 4])
    both.to_csv(tmp_path / "t.csv")
    tables = load_features(tmp_path / "t.csv"), read_clinical(tmp_path / "t.csv")
    joined = join_columns(*tables, ["os_days", "death", "age", "label", TEXTURE])
    pd.testing.assert_series_equal(joined["age"], both["age"])


def test_what_is_wrong_in_a_clinical_file_names_the_file(tmp_path):
    features, clinical = simulate(6)
    path = tmp_path / "c.csv"
    for wrong, told in (
        (pd.concat([clinical, clinical[:1]]), "a patient has several rows"),
        (clinical[1:], "the tables do not hold the same patients"),
        (clinical.drop(columns="death"), "a column is missing; found: patient_id, os_days, age"),
    ):
        wrong.to_csv(path, index=False)
        with pytest.raises(TableError, match=f"c.csv: {told}"):
            join_columns(features, read_clinical(path), ["os_days", "death"])


@pytest.mark.parametrize("value", [0, -3.0, np.nan, np.inf, "soon"])
def test_impossible_times_are_refused_by_name(value):
    _, clinical = simulate(5)
    clinical["os_days"] = clinical["os_days"].astype(object)
    clinical.loc[clinical["patient_id"] == "004", "os_days"] = value
    with pytest.raises(TableError, match=f"column os_days.*patient 004: {value}; expected: a posi"):
        endpoint_of(clinical, "os_days", "death")


@pytest.mark.parametrize("value", [2, -1, np.nan, "dead", 0.5])
def test_impossible_events_are_refused_by_name(value):
    _, clinical = simulate(5)
    clinical["death"] = clinical["death"].astype(object)
    clinical.loc[clinical["patient_id"] == "004", "death"] = value
    with pytest.raises(TableError, match=f"column death.*patient 004: {value}; expected: 0 or 1"):
        endpoint_of(clinical, "os_days", "death")


@pytest.mark.parametrize("kind", [int, float, bool, "boolean", "Int64", str])
def test_events_are_read_however_they_are_written(kind):
    _, clinical = simulate(12)
    endpoint = endpoint_of(clinical.astype({"death": kind}), "os_days", "death")
    assert endpoint["event"].tolist() == (clinical["death"] == 1).tolist()


def test_a_missing_endpoint_column_tells_the_nearest_name():
    _, clinical = simulate(5)
    with pytest.raises(TableError, match="did you mean 'os_days'"):
        endpoint_of(clinical, "os_day", "death")


def test_only_columns_that_nobody_asked_for_are_suggested():
    frame = pd.DataFrame(columns=["patient_id", "stage", "deaths"])
    with pytest.raises(TableError) as caught:
        require_columns(frame, ["patient_id", "age", "stage"], "c.csv")
    assert caught.value.remedy == "name a column that is there, or a table that has it"
    with pytest.raises(TableError, match="did you mean 'stage'"):
        require_columns(frame, ["patient_id", "age"], "c.csv")
    with pytest.raises(TableError, match=r"did you mean 'deaths'\?$"):
        require_columns(frame, ["stage", "death"], "c.csv")


@pytest.mark.parametrize("kind", [object, str, "category"])
def test_a_value_in_place_of_its_column_is_told(kind):
    words = pd.Series(["dead", None, "alive"]).astype(kind)
    frame = pd.DataFrame({"vital_status": words, "age": [1, 2, 3], "ok": [True, False, True]})
    frame["day"] = pd.Timestamp("2020-01-01")
    told = r"remedy: write vital_status=dead \(dead is a value of vital_status\)$"
    with pytest.raises(TableError, match=told):
        require_columns(frame, ["dead"], "c.csv")
