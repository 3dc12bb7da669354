"""`radpipe demo` from the first voxel to the page, on fewer patients than `make demo`."""

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("xgboost")


@pytest.mark.slow
def test_the_whole_line(tmp_path: Path) -> None:
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            "from radpipe.cli import main; main()",
            "demo",
            "--out",
            str(tmp_path / "demo"),
            "--patients",
            "40",
            "--workers",
            "2",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told = dict(re.findall(r"^  (true hazard|model|tumour volume) +([\d.]+)", ended.stdout, re.M))
    metrics = json.loads((tmp_path / "demo" / "evaluation" / "metrics.json").read_text())
    for name, said in (("fusion", "model"), ("volume", "tumour volume")):
        assert float(told[said]) == pytest.approx(
            metrics["models"][name]["c_index"]["estimate"], abs=6e-4
        )
    assert float(told["true hazard"]) > 0.6
    verified = "tolerance 1e-06" if find_spec("radiomics") else "not verified"
    assert verified in ended.stdout
    assert len(pd.read_parquet(tmp_path / "demo" / "run" / "features.parquet")) == 40
    assert (tmp_path / "demo" / "model" / "MODEL_CARD.md").is_file()
    page = (tmp_path / "demo" / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 40
