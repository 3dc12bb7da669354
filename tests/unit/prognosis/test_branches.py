from radpipe.prognosis.evaluation.branches import title_facts


def test_branches_tell_in_how_many_fits_they_counted():
    settings = [
        {"weights": {"clinical + volume": 0.6, "radiomics": 0.0}, "slope": 1.0},
        {"weights": {"clinical + volume": 0.2, "radiomics": 0.5}, "slope": 1.0},
    ]
    assert title_facts("fusion", settings) == {
        "title": "Fusion of clinical + volume and radiomics",
        "branches": {
            "clinical + volume": {"fits": 2, "weighted": 2, "weight": 0.4},
            "radiomics": {"fits": 2, "weighted": 1, "weight": 0.25},
        },
    }


def test_other_models_have_no_branches():
    assert title_facts("volume", [{"slope": 1.0}]) == {"title": "Tumour volume alone"}
