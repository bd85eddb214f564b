"""A recogniser is fetched whole or not at all, by the hub's own client from a server on loopback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, wait_for

from tests.servers.faults import Fault
from tests.servers.hub import COMMIT, Hub

MICRO = ROOT / "tests/data/whisper-micro"
NEEDED = {"config.json", "model.bin", "tokenizer.json", "vocabulary.json"}
REPOSITORY = "Systran/faster-whisper-tiny.en"
FETCH = """
import json, sys
from pathlib import Path
from scripts.lib.errors import UserError
from scripts.whisper_model import whisper_model
try:
    print(json.dumps(whisper_model("tiny.en", Path(sys.argv[1]), [2, 2])))
except UserError as error:
    sys.exit(f"UserError: {error}")
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub(REPOSITORY, MICRO)
    try:
        yield hub
    finally:
        hub.host.close()


def env(origin: str, home: Path) -> dict[str, str]:
    """An environment in which the hub's client asks `origin` and keeps its notes in `home`; waits for no one."""
    own = {"HF_ENDPOINT": origin, "HF_HOME": str(home), "HF_HUB_DOWNLOAD_TIMEOUT": "2", "HF_HUB_ETAG_TIMEOUT": "2"}
    return {**{name: value for name, value in os.environ.items() if not name.startswith("HF_")}, **own}


def start(origin: str, folder: Path) -> subprocess.Popen:
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, str(folder)],
        cwd=ROOT,
        env=env(origin, folder.parent / "home"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def fetch(origin: str, folder: Path) -> tuple[bool, str]:
    process = start(origin, folder)
    out, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors
    return process.returncode == 0, out if process.returncode == 0 else errors[errors.index("UserError: ") :]


def is_whole(folder: Path) -> bool:
    return all((folder / "files" / name).read_bytes() == (MICRO / name).read_bytes() for name in NEEDED)


def test_a_model_is_fetched_once(hub, tmp_path):
    done, out = fetch(hub.host.origin, tmp_path / "tiny.en")
    assert done and is_whole(tmp_path / "tiny.en")
    assert sorted(hub.asked()) == sorted(NEEDED), "and nothing else of the repository"
    assert COMMIT in out
    hub.host.close()
    assert fetch(hub.host.origin, tmp_path / "tiny.en") == (True, out), "what is whole needs no hub"


def test_no_way_to_the_hub_is_a_clear_error(tmp_path):
    done, words = fetch("http://127.0.0.1:9", tmp_path / "tiny.en")
    assert not done
    assert words.startswith(f"UserError: the recogniser tiny.en cannot be fetched from Hugging Face ({REPOSITORY}): ")
    assert "name that as timing.model, or set timing.engine to estimate" in words
    assert not (tmp_path / "tiny.en/files").exists()


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        *(("model.bin", fault) for fault in ("404", "403", "html", "noise", "nothing", "truncated", "reset-midway")),
        *(("tree", fault) for fault in ("404", "html", "nothing")),
        ("revision", "403"),
        ("revision", "stall"),
        ("tree", "stall"),
    ],
)
def test_a_hub_that_fails_leaves_nothing_half_and_the_next_try_goes_on(hub, tmp_path, where, fault):
    hub.faults.faults = [Fault((fault,), where=where)]
    done, words = fetch(hub.host.origin, tmp_path / "tiny.en")
    assert not done and "cannot be fetched from Hugging Face" in words
    assert not (tmp_path / "tiny.en/files").exists()
    hub.faults.faults = []
    assert fetch(hub.host.origin, tmp_path / "tiny.en")[0]
    assert is_whole(tmp_path / "tiny.en")


def test_a_file_that_is_not_the_listed_one_is_refused_and_fetched_anew(hub, tmp_path):
    good = hub.files["tokenizer.json"]
    entry = hub._entry
    hub._entry = lambda name: entry(name) | ({"oid": "0" * 40} if name == "tokenizer.json" else {})
    done, words = fetch(hub.host.origin, tmp_path / "tiny.en")
    assert not done and "tokenizer.json came damaged" in words
    hub._entry = entry
    assert hub.files["tokenizer.json"] == good
    assert fetch(hub.host.origin, tmp_path / "tiny.en")[0]
    assert hub.asked().count("tokenizer.json") == 2


def test_a_repository_without_a_model_is_refused(hub, tmp_path):
    del hub.files["model.bin"]
    done, words = fetch(hub.host.origin, tmp_path / "tiny.en")
    assert not done and "it has no model.bin" in words


def test_a_killed_fetch_is_never_taken_for_whole(hub, tmp_path):
    hub.faults.faults = [Fault(("stall",), where="model.bin", times=3)]
    process = start(hub.host.origin, tmp_path / "tiny.en")
    wait_for(lambda: "model.bin" in hub.asked())
    process.kill()
    process.communicate()
    assert not (tmp_path / "tiny.en/files").exists()
    hub.faults.faults = []
    assert fetch(hub.host.origin, tmp_path / "tiny.en")[0]
    assert is_whole(tmp_path / "tiny.en")


def test_a_model_that_lost_a_file_is_fetched_again(hub, tmp_path):
    fetch(hub.host.origin, tmp_path / "tiny.en")
    (tmp_path / "tiny.en/files/model.bin").write_bytes(b"")
    assert fetch(hub.host.origin, tmp_path / "tiny.en")[0]
    assert is_whole(tmp_path / "tiny.en")


def test_two_at_once_fetch_a_model_once(hub, tmp_path):
    both = [start(hub.host.origin, tmp_path / "tiny.en") for _ in range(2)]
    outs = [process.communicate(timeout=120)[0] for process in both]
    assert outs[0] == outs[1] != ""
    assert hub.asked().count("model.bin") == 1
