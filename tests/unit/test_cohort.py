from pathlib import Path

import pandas as pd
import pytest

from radpipe.cohort import read_cohort
from radpipe.errors import CohortError


def manifest(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cohort.csv"
    path.write_text(text)
    return path


def test_paths_are_relative_to_the_manifest_and_further_columns_are_kept(tmp_path: Path) -> None:
    cases = read_cohort(
        manifest(tmp_path, "patient_id,image,mask,hospital\n007,a/i.nii,/abs/m.nii,North\n")
    )
    (case,) = cases
    assert case.patient_id == "007"
    assert case.image == tmp_path / "a/i.nii"
    assert case.mask == Path("/abs/m.nii")
    assert case.keys()["hospital"] == "North"


def test_a_patient_called_na_stays_a_patient(tmp_path: Path) -> None:
    (case,) = read_cohort(manifest(tmp_path, "patient_id,image,mask\nNA,i.nii,m.nii\n"))
    assert case.patient_id == "NA"


def test_case_id_tells_a_patients_rois_apart(tmp_path: Path) -> None:
    cases = read_cohort(
        manifest(
            tmp_path, "patient_id,image,mask,label,roi\nA,i,m,1,tumour\nA,i,m,2,node\nB,j,n,1,t\n"
        )
    )
    assert [case.case_id for case in cases] == ["A_tumour_label-1", "A_node_label-2", "B"]


def test_pyradiomics_batch_file_is_taken_as_it_is(tmp_path: Path) -> None:
    cases = read_cohort(
        manifest(tmp_path, "ID,Image,Mask,Label,Label_channel\nx,i.nrrd,m.nrrd,3,1\n")
    )
    assert (cases[0].patient_id, cases[0].label, cases[0].label_channel) == ("x", 3, 1)
    numbered = read_cohort(manifest(tmp_path, "Image,Mask\ni.nrrd,m.nrrd\nj.nrrd,n.nrrd\n"))
    assert [case.patient_id for case in numbered] == ["1", "2"]


def test_a_table_with_holes_in_label_is_read() -> None:
    table = pd.DataFrame(
        {"patient_id": [1, 2], "image": ["a", "b"], "mask": ["c", "d"], "label": [2, None]}
    )
    assert [case.label for case in read_cohort(table)] == [2, None]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("patient,image,mask\nA,i,m\n", ["no column 'patient_id'", "rename 'patient'"]),
        ("patient_id,image,mask\nA,,m\n", ["row 2", "'image' is empty"]),
        ("patient_id,image,mask,label\nA,i,m,0\n", ["'label' is wrong", "'0'", "from 1, or all"]),
        ("patient_id,image,mask,label\nA,i,m,one\n", ["row 2", "'one'"]),
        ("patient_id,image,mask\nA,i,m\nA,i,m\n", ["several rows", "A", "keep one"]),
        ("patient_id,image,mask\nA,i,m\nA,j,n\n", ["one case_id", "A", "add a column"]),
        ("patient_id,image,mask\n", ["holds no case"]),
        ("", ["cannot read"]),
    ],
)
def test_bad_manifests_are_refused_with_their_place(
    tmp_path: Path, text: str, told: list[str]
) -> None:
    with pytest.raises(CohortError) as caught:
        read_cohort(manifest(tmp_path, text))
    for part in told:
        assert part in str(caught.value)


def test_a_missing_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="cannot read the manifest"):
        read_cohort(tmp_path / "nothing.csv")


def test_one_file_in_two_spellings_is_one_case(tmp_path: Path) -> None:
    text = "patient_id,image,mask\nA,i.nii,m.nii\nB,./x/../i.nii,./m.nii\n"
    with pytest.raises(CohortError, match="several rows"):
        read_cohort(manifest(tmp_path, text))
