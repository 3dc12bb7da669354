import pytest

from radpipe.prognosis.evaluation.overlap import IDENTIFIER, IMAGE, VALUES, warn_of_overlap

RENAME = ", or rename them if they are others"


@pytest.mark.parametrize(
    ("found", "told", "end"),
    [
        ({IDENTIFIER: {"a"}, IMAGE: set()}, "1 of 40 patients bears the patient_id of", RENAME),
        ({IDENTIFIER: set(), IMAGE: {"a", "b"}}, "2 of 40 patients bear the image of", "them out"),
        ({IDENTIFIER: {"a"}, VALUES: {"b"}}, "2 of 40 patients bear the patient_id or", "them out"),
    ],
)
def test_the_warning_counts_patients_and_tells_what_gave_them_away(caplog, found, told, end):
    warn_of_overlap(found, 40)
    (message,) = caplog.messages
    assert message.startswith(told)
    assert message.endswith(end)


@pytest.mark.parametrize("found", [None, {IDENTIFIER: set(), IMAGE: set()}])
def test_without_overlap_nothing_is_said(caplog, found):
    warn_of_overlap(found, 40)
    assert caplog.messages == []
