"""What is said of where a model looks, and of who looked alike; pictures, and what is refused."""

import base64
import csv
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from radpipe.errors import RunError
from radpipe.prognosis.evaluation.explanation import Explanation
from radpipe.prognosis.report import write_report
from radpipe.prognosis.report.evidence import Evidence
from radpipe.prognosis.report.explained import load_explained, save_explanations
from radpipe.prognosis.report.figures.overlay import overlay_picture, thumbnail
from radpipe.prognosis.report.questions import attention, comparison, similar
from radpipe.store import Provenance, write_table
from radpipe.store.files import read_json, write_json
from radpipe.store.patches import PatchFolder, StoredPatch
from tests.e2e.evaluation_input import write_evaluation
from tests.e2e.report_input import HOSTILE_IDS, patient_ids
from tests.unit.prognosis.report.pages import Page

SHAPE = (8, 12, 16)
ENDPOINT = {"event": "death <b>", "value": None, "time": "os_days"}


def patch(inside=2.0, outside=0.0):
    """Return intensities, an ROI of a quarter of the patch, and heat inside and outside of it."""
    image = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    roi = np.zeros(SHAPE, bool)
    roi[:, 3:9, 4:12] = True
    return image, roi, np.where(roi, inside, outside)


def explanation(
    case_id, inside=2.0, outside=0.0, randomised=0.1, method="occlusion", endpoint=ENDPOINT
):
    image, roi, heat = patch(inside, outside)
    told = (case_id, f"patient of {case_id}", "fusion", "fmcib", method, 0.5)
    return Explanation(*told, heat, image, roi, (2.0, 1.0, 1.0), randomised, endpoint)


def embedded(folder, **evaluation):
    """Write an evaluation whose models were given embeddings of fmcib."""
    folder = write_evaluation(folder, **evaluation)
    facts = read_json(folder / "metrics.json")
    # All that is told of them elsewhere is the matter of other tests.
    facts["source"]["embeddings"] = {
        "encoder": "fmcib",
        "training": None,
        "provenance": {"settings": {"encoder": {}}},
    }
    write_json(folder / "metrics.json", facts)
    return folder


@pytest.fixture
def section(tmp_path):
    """Explain cases of an evaluation, and return what the report says of them."""

    def of(*explanations, **evaluation):
        save_explanations(explanations, tmp_path / "x")
        folder = embedded(tmp_path / "e", **evaluation)
        return attention.section(Evidence.load(folder, None, tmp_path / "x"))

    return of


def said(section):
    return " ".join(
        [section.answer, *(each.text for each in section.blocks if each.kind == "text")]
    )


def test_maps_inside_the_roi_that_depend_on_the_weights_are_not_warned_of(section):
    found = section(explanation("P000", outside=-0.1), explanation("P001"))
    assert "In every case that was explained, more of what moves the risk" in said(found)
    assert "rank correlation at most 0.10" in said(found)
    assert "Beware" not in said(found)
    (table,) = [block for block in found.blocks if block.kind == "grid"]
    # A quarter of the patch has 2 each, three quarters 0.1: 2 of 2.3.
    assert [cell.text for cell in table.rows[0]] == [
        *("P000", "+0.50", "2.00", "87\xa0%", "25\xa0%", "0.10")
    ]


def test_heat_outside_the_roi_and_maps_of_no_learning_are_warned_of(section):
    found = said(section(explanation("P000", 0.5, 0.5), explanation("P001", randomised=0.51)))
    assert "Beware: in 1 of 2 cases no more of what moves the risk lies inside the ROI" in found
    assert "how the image was taken: P000." in found
    assert "Beware: in 1 of 2 cases the same network with random weights" in found
    assert "little of what was learnt: P001." in found


def test_a_flat_map_has_no_share_and_no_likeness(section):
    found = section(explanation("P000", 0.0, 0.0, None))
    assert "all are flat" in said(found)
    (table,) = [block for block in found.blocks if block.kind == "grid"]
    assert [cell.text for cell in table.rows[0]][3:] == ["–", "25\xa0%", "–"]


def test_the_page_holds_the_pictures_and_no_markup_of_a_case(tmp_path):
    cases = [explanation(case, method="gradcam") for case in HOSTILE_IDS]
    folder = save_explanations(cases, tmp_path / "x")
    assert {path.name for path in folder.iterdir()} == {
        *("case_01.png", "case_02.png", "case_03.png", "explanations.csv", "explanations.json")
    }
    evaluation = embedded(tmp_path / "e")
    page = Page(write_report(evaluation, tmp_path / "r.html", explained=folder).read_text("utf-8"))
    told = base64.b64encode((folder / "case_02.png").read_bytes()).decode()
    assert f"data:image/png;base64,{told}" in page.sources
    assert HOSTILE_IDS[0] in page.text
    assert page.tags.count("script") == 1
    assert "Grad-CAM" in page.text
    with (folder / "explanations.csv").open(encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    assert [row["case_id"] for row in rows] == [*HOSTILE_IDS]
    assert float(rows[0]["share_inside"]) == 1.0


def test_explanations_are_whole_and_of_the_same_patients(tmp_path):
    folder = save_explanations([explanation("P000")], tmp_path / "x")
    with pytest.raises(RunError, match="not empty"):
        save_explanations([explanation("P000")], folder)
    here = ({"fusion": "fmcib"}, ENDPOINT)
    assert load_explained(folder, {"P000"}, *here).cases[0]["strongest"] == 2.0
    with pytest.raises(RunError, match=r"does not know.*P000"):
        load_explained(folder, {"P001"}, *here)
    write_json(
        folder / "explanations.json", {**read_json(folder / "explanations.json"), "schema": 9}
    )
    with pytest.raises(RunError, match="layout 9, not 2"):
        load_explained(folder, {"P000"}, *here)
    with pytest.raises(RunError, match=r"no explanations\.json"):
        load_explained(tmp_path, {"P000"}, *here)


def test_explanations_are_of_a_model_and_an_endpoint_of_the_page(tmp_path):
    evaluation = embedded(tmp_path / "e")
    ours = save_explanations([explanation("P000")], tmp_path / "ours")
    assert Evidence.load(evaluation, None, ours).explained.model == "fusion"
    other = {**ENDPOINT, "event": "relapse"}
    folder = save_explanations([explanation("P000", endpoint=other)], tmp_path / "x")
    with pytest.raises(RunError, match=r"another endpoint.*relapse.*death"):
        Evidence.load(evaluation, None, folder)
    withheld = embedded(tmp_path / "w", models=("cnn", "volume"))
    with pytest.raises(RunError, match=r"found: fusion of fmcib; expected: cnn of fmcib, volume;"):
        Evidence.load(withheld, None, ours)
    with pytest.raises(RunError, match=r"not measured.*found: fusion of fmcib; expected: fusion,"):
        Evidence.load(write_evaluation(tmp_path / "n"), None, ours)


def test_another_hospital_may_name_its_columns_otherwise(tmp_path):
    validation = embedded(tmp_path / "v", kind="validation")
    facts = read_json(validation / "metrics.json")
    facts["endpoint"]["event"] = "exitus"
    write_json(validation / "metrics.json", facts)
    trained_on = facts["design"]["trained_on"]["endpoint"]
    folder = save_explanations([explanation("P000", endpoint=trained_on)], tmp_path / "x")
    assert Evidence.load(validation, None, folder).explained.model == "fusion"


def test_pictures_that_cannot_be_drawn_leave_no_folder(tmp_path, monkeypatch):
    def fails(*_):
        raise ValueError("no")

    monkeypatch.setattr("radpipe.prognosis.report.figures.overlay.overlay_picture", fails)
    with pytest.raises(ValueError, match="no"):
        save_explanations([explanation("P000")], tmp_path / "x")
    assert [*tmp_path.iterdir()] == []


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_red_raises_and_blue_lowers_and_nothing_has_no_colour():
    image, roi, heat = patch()
    roi = np.zeros_like(roi)
    drawn = {
        sign: pixels(overlay_picture(image, roi, sign * heat, (1, 1, 1), 2.0))
        for sign in (1, -1, 0)
    }
    lower = slice(drawn[1].shape[0] // 2, -60)
    red, blue = (drawn[1] - drawn[0])[lower], (drawn[-1] - drawn[0])[lower]
    assert red[..., 0].max() > 50
    assert (red[..., 0] - red[..., 2]).min() >= -1
    assert (blue[..., 2] - blue[..., 0]).min() >= -1
    assert (blue[..., 2] - blue[..., 0]).max() > 50
    # Above is the image alone.
    assert (drawn[1] == drawn[0])[: drawn[1].shape[0] // 2 - 30].all()


def test_planes_have_the_patients_proportions():
    image, roi, heat = patch()
    height, width, _ = pixels(overlay_picture(image, roi, heat, (2, 1, 1))).shape
    # Side by side 16, 16 and 12 mm wide, two rows of 16 mm, and 0.56 inches for words and gaps.
    scale = (width - 18) / 44
    assert height == pytest.approx(2 * 16 * scale + 0.56 * 150, abs=3)
    small = pixels(thumbnail(image, roi, (1.0, 1.0, 1.0)))
    assert small.shape == (195, 195, 3)
    # 16 by 12 voxels: black above and below.
    assert not small[:15].any()
    assert not small[-15:].any()
    assert small[:, :10].any()


def test_an_roi_that_fills_the_patch_or_is_not_there_has_no_contour():
    image, roi, _ = patch()
    for mask in (np.ones_like(roi), np.zeros_like(roi)):
        assert len(thumbnail(image, mask, (1.0, 1.0, 1.0))) > 500


def with_similar(folder, **evaluation):
    path = write_evaluation(folder / "e", patients=30, **evaluation)
    ids = patient_ids(30)
    rows = [
        (0, case, rank, ids[(place + rank) % 30], 1 - rank / 10, 96.0 if place < 3 else 40.0)
        for place, case in enumerate(ids)
        for rank in (1, 2)
    ]
    names = ["fold", "case_id", "rank", "similar", "cosine", "similar_percentile"]
    write_table(path / "similar.parquet", pd.DataFrame(rows, columns=names))
    return path


def embedded_run(folder, ids):
    folder.mkdir()
    keys = [f"k{place}" for place in range(len(ids))]
    table = pd.DataFrame({"case_id": ids, "fmcib_0000": 0.0})
    write_table(folder / "embeddings.parquet", table, Provenance("fmcib", "1", {}), keys)
    image, roi, _ = patch()
    for key in keys[1:]:
        PatchFolder(folder / "patches" / "patches").put(key, StoredPatch(image, roi))
    return folder


def test_patients_who_looked_alike_are_told_with_their_outcomes(tmp_path):
    evidence = Evidence.load(with_similar(tmp_path), None)
    found = similar.section(evidence)
    assert "Of 30 patients, 3 lie farther" in found.answer
    assert "Likeness is no proof" in found.answer
    risks = evidence.predictions.query("model == 'fusion'").groupby("case_id")["risk_score"].mean()
    headings = [each.text for each in found.blocks if each.kind == "heading"]
    assert len(headings) == 4
    assert headings[0].startswith(f"{risks.idxmax()}: ")
    assert headings[-1].startswith(f"{risks.idxmin()}: ")
    outcomes = evidence.patients.set_index("case_id")
    points = next(each for each in found.blocks if each.kind == "points").sentences
    first = patient_ids(30)[(patient_ids(30).index(risks.idxmax()) + 1) % 30]
    happened, days = outcomes.loc[first, ["event", "time"]]
    assert points[0].startswith(f"{first}: {'event' if happened else 'censored'} at ")
    months = float(points[0].split(" at ")[1].split("\N{NO-BREAK SPACE}")[0])
    assert months == pytest.approx(days / (365.25 / 12), abs=0.5)
    assert points[0].endswith("cosine 0.90")


def test_without_times_there_is_an_event_or_none(tmp_path):
    found = similar.section(Evidence.load(with_similar(tmp_path, binary=True), None))
    points = [line for each in found.blocks if each.kind == "points" for line in each.sentences]
    assert {line.split(": ")[1].split(",")[0] for line in points} == {"event", "no event"}


def test_a_run_of_embeddings_gives_thumbnails(tmp_path):
    evaluation = with_similar(tmp_path)
    run = embedded_run(tmp_path / "run", patient_ids(30))
    found = similar.section(Evidence.load(evaluation, run))
    galleries = [each for each in found.blocks if each.kind == "gallery"]
    assert all(len(each.pictures) == 3 for each in galleries)
    assert galleries[0].pictures[0].lines[1] == "this patient"
    facts = read_json(evaluation / "metrics.json")
    facts["source"] |= {"run": None, "table": str(run / "embeddings.parquet")}
    write_json(evaluation / "metrics.json", facts)
    again = similar.section(Evidence.load(evaluation, None))
    assert [each.kind for each in again.blocks] == [each.kind for each in found.blocks]
    page = Page(write_report(evaluation, tmp_path / "r.html").read_text("utf-8"))
    assert page.sources.count(galleries[0].pictures[0].source) > 0


def test_without_an_encoder_nobody_looked_alike(tmp_path):
    evidence = Evidence.load(write_evaluation(tmp_path / "e"), None)
    assert similar.section(evidence) is None
    assert attention.section(evidence) is None


def test_radiomics_and_the_embedding_alone_are_yardsticks_too(tmp_path):
    folder = write_evaluation(tmp_path / "e", models=("fusion", "cox", "cnn", "volume"))
    facts = read_json(folder / "metrics.json")
    gap = {"estimate": 0.04, "low": 0.01, "high": 0.07}
    facts["models"]["fusion"]["versus"] |= {"cox": gap, "cnn": gap}
    facts["models"]["cnn"]["versus"] |= {"cox": gap}
    write_json(folder / "metrics.json", facts)
    (beside,) = [
        block
        for block in comparison.section(Evidence.load(folder, None)).blocks
        if block.kind == "beside"
    ]
    charts = {column[0].data.name: column[0] for column in beside.columns}
    assert {"against_cox", "against_cnn"} <= charts.keys()
    assert "less that of radiomics alone" in charts["against_cox"].caption
    assert "less that of the embedding alone" in charts["against_cnn"].caption
    assert [row[1] for row in charts["against_cox"].data.rows] == [0.04, 0.04]
    assert [row[1] for row in charts["against_cnn"].data.rows] == [0.04]
