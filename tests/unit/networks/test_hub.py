import hashlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

from radpipe.errors import SettingsError
from radpipe.networks.encoders import ENCODERS
from radpipe.networks.hub import fetch
from radpipe.networks.spec import Source

SPEC = ENCODERS["ctfm"]
REVISION, ELSEWHERE = "0123456789abcdef" * 2 + "01234567", "f" * 40
CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILE = f"/{SPEC.source.repository}/resolve/{REVISION}/{SPEC.source.file}"
# The address of the hub is read when its library is imported: each answer is a new process's.
CODE = """
import json, sys
from radpipe.errors import RadpipeError
from radpipe.networks.encoders import ENCODERS
from radpipe.networks.hub import fetch
try:
    print(json.dumps(["Path", str(fetch(ENCODERS["ctfm"], *sys.argv[1:]))]))
except RadpipeError as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""
needs_hub = pytest.mark.skipif(
    find_spec("huggingface_hub") is None, reason="needs huggingface_hub, which is not installed"
)


class Hub(BaseHTTPRequestHandler):
    """One file at one revision, as the hub serves it."""

    def do_HEAD(self):
        if "/resolve/" in self.path:
            self.server.asked.append(self.command)
        there = self.path == FILE
        self.send_response(200 if there else 404)
        if not there:
            self.send_header("X-Error-Code", "RevisionNotFound")
        self.send_header("X-Repo-Commit", REVISION)
        self.send_header("ETag", f'"{SHA256}"')
        self.send_header("Content-Length", str(len(CONTENT) if there else 0))
        self.end_headers()

    def do_GET(self):
        self.do_HEAD()
        if self.path == FILE:
            self.wfile.write(CONTENT)

    def log_message(self, *told):
        """Say nothing."""


@pytest.fixture
def hub():
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        server.asked = []
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield server
        server.shutdown()
        serving.join()


def fetched(place: Path, server: ThreadingHTTPServer, *arguments: str, **more: str) -> list[str]:
    foreign = ("HF_", "HUGGING_FACE_")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    variables |= {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_address[1]}",
        "HF_HOME": str(place),
        "NO_PROXY": "127.0.0.1",
        **more,
    }
    command = [sys.executable, "-c", CODE, *arguments]
    told = subprocess.run(
        command, env=variables, check=True, capture_output=True, text=True, timeout=120
    )
    answer: list[str] = json.loads(told.stdout)
    return answer


@needs_hub
def test_a_file_comes_by_its_revision_and_once(hub, tmp_path):
    kind, path = fetched(tmp_path, hub, REVISION.upper(), SHA256.upper())
    assert kind == "Path"
    assert Path(path).read_bytes() == CONTENT
    assert Path(path).name == SPEC.source.file and tmp_path in Path(path).parents
    assert fetched(tmp_path, hub, REVISION, SHA256) == ["Path", path]
    assert hub.asked == ["HEAD", "GET"]


@needs_hub
def test_another_file_is_refused_with_both_hashes(hub, tmp_path):
    wrong = "0" * 64
    kind, told = fetched(tmp_path, hub, REVISION, wrong)
    assert kind == "ModelError"
    assert SHA256 in told and wrong in told and "not the one that was asked for" in told


@needs_hub
def test_a_revision_that_is_not_there_is_told(hub, tmp_path):
    kind, told = fetched(tmp_path, hub, ELSEWHERE, SHA256)
    assert kind == "ModelError"
    assert "cannot be fetched" in told and "RevisionNotFound" in told and ELSEWHERE in told
    assert hub.asked == ["HEAD"]


@needs_hub
def test_a_hub_that_cannot_be_reached_is_told(hub, tmp_path):
    kind, told = fetched(tmp_path, hub, REVISION, SHA256, HF_HUB_OFFLINE="1")
    assert kind == "ModelError"
    assert "cannot be fetched" in told and "--weights FILE" in told
    assert hub.asked == []


@pytest.mark.parametrize("revision", [None, "main", "v1.0", REVISION[:-1], REVISION + "0"])
def test_a_branch_is_no_revision(revision):
    with pytest.raises(SettingsError, match=r"a branch can change.*--weights FILE"):
        fetch(SPEC, revision, SHA256)


@pytest.mark.parametrize("sha256", [None, SHA256[:-1], "sha256:" + SHA256])
def test_a_file_that_cannot_be_checked_is_not_fetched(sha256):
    with pytest.raises(SettingsError, match=r"SHA-256.*huggingface\.co.*--weights FILE"):
        fetch(SPEC, REVISION, sha256)


@pytest.mark.parametrize(
    ("repository", "told"),
    [
        ("doi 10.5281/zenodo.10528450", r"10\.5281/zenodo\.10528450.*--weights FILE"),
        ("https://example.org/weights", r"https://example\.org/weights.*--weights FILE"),
        (None, "none are published.*trained on a cohort"),
    ],
)
def test_what_is_not_on_the_hub_is_told_with_its_address(repository, told):
    source = None if repository is None else Source(repository, "model.torch", REVISION, SHA256)
    with pytest.raises(SettingsError, match=told):
        fetch(replace(SPEC, source=source))


def test_without_the_package_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(SettingsError, match=r"pip install 'radpipe\[hub\]'"):
        fetch(SPEC, REVISION, SHA256)


def test_the_source_itself_can_know_revision_and_hash(monkeypatch):
    asked = []

    class Package:
        @staticmethod
        def hf_hub_download(repository, file, revision):
            asked.append((repository, file, revision))
            return __file__

    monkeypatch.setitem(sys.modules, "huggingface_hub", Package)
    sha256 = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    source = replace(SPEC.source, revision=REVISION, sha256=sha256)
    assert fetch(replace(SPEC, source=source)) == Path(__file__)
    assert asked == [(source.repository, source.file, REVISION)]
