"""Listening in a run of Snakemake: which model is fetched for whom, what is timed anew, and what if none can be had."""

import json
import os
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import ROOT, SCENES, Run, snakemake, write_config, write_project

from scripts.lib.audio import write_wav
from scripts.lib.narration.espeak import speak
from tests.servers.hub import Hub

MICRO = ROOT / "tests/data/whisper-micro"
TEXTS = {"a": ("The sea is big and blue.", "the sea"), "b": ("Every night we see the stars.", "a city")}
MADE = [f"results/tiny/scenes/{scene}/words.json" for scene in TEXTS]
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub("Systran/faster-whisper-tiny.en", MICRO)
    try:
        yield hub
    finally:
        hub.host.close()


@pytest.fixture
def recorded(tmp_path) -> Path:
    """A workspace whose narrations are recordings."""
    write_project(tmp_path, "tiny", TEXTS)
    (tmp_path / "projects/tiny/narration").mkdir()
    for scene, (text, _) in TEXTS.items():
        write_wav(tmp_path / f"projects/tiny/narration/{scene}.wav", speak(text, "en-us", 1.0)[0])
    return tmp_path


def configure(workspace: Path, voice: str = "file", **timing: object) -> None:
    (workspace / "config").mkdir(exist_ok=True)
    config = {"narration": {"engine": voice}, "timing": timing, "network": {"timeout": [2, 2]}}
    (workspace / "config/config.yaml").write_text(json.dumps(config))


def build(workspace: Path, origin: str = NOWHERE, *args: str) -> Run:
    return snakemake(workspace, *MADE, *args, env={"HF_ENDPOINT": origin, "HF_HOME": str(workspace / "home")})


@pytest.fixture(autouse=True)
def no_hub_of_the_callers(monkeypatch) -> None:
    for name in [name for name in os.environ if name.startswith("HF_")]:
        monkeypatch.delenv(name)


def times(workspace: Path) -> list[dict]:
    return [json.loads((workspace / path).read_text()) for path in MADE]


def test_a_video_is_made_with_words_that_were_listened_for(workspace):
    model = workspace / "models/micro"
    shutil.copytree(MICRO, model)
    write_config(workspace, timing={"engine": "whisper", "model": "models/micro"})
    run = snakemake(workspace)
    assert run.code == 0, run.output
    per_scene = {f"{rule} tiny/{scene}" for rule in ("words", "captions", "segment") for scene in SCENES}
    assert per_scene < set(run.jobs)
    rules = {job.split()[0] for job in run.jobs}
    assert not rules & {"narration", "soundtrack", "embedding", "candidates", "selection", "footage_index"}
    assert len([job for job in run.jobs if job.startswith("whisper_model")]) == 1
    for scene, (text, _) in SCENES.items():
        made = json.loads((workspace / f"results/tiny/scenes/{scene}/words.json").read_text())
        assert made["engine"] == "whisper"
        assert [word["word"] for word in made["words"]] == text.split()
        assert all(left["end"] <= right["start"] for left, right in pairwise(made["words"]))
    quality = json.loads((workspace / "results/tiny/quality.json").read_text())
    assert "narration" in [check["name"] for check in quality["checks"]]
    assert snakemake(workspace).jobs == []
    for path in [*model.iterdir(), *workspace.glob("resources/models/whisper/*/*")]:
        os.utime(path)
    (model / "README.md").write_text("Notes.")
    assert snakemake(workspace).jobs == [], "a model of the same content is the same"
    (model / "config.json").write_text((model / "config.json").read_text() + "\n")
    again = snakemake(workspace, "-n")
    assert {job.split()[0] for job in again.jobs} == rules, "another model times all words anew"


def test_a_voice_with_marks_of_its_own_needs_no_model(recorded):
    configure(recorded, voice="espeak")
    assert {job.split()[0] for job in build(recorded, NOWHERE, "-n").jobs} == {"narration", "words"}
    write_project(recorded, "tiny", TEXTS, timing={"engine": "estimate"}, narration={"engine": "file"})
    assert {job.split()[0] for job in build(recorded, NOWHERE, "-n").jobs} == {"narration", "words"}


def test_recordings_are_listened_to_with_a_model_that_is_fetched_once(recorded, hub):
    configure(recorded, model="tiny.en")
    run = build(recorded, hub.host.origin)
    assert run.code == 0, run.output
    assert sorted(run.jobs)[-3:] == ["whisper_model tiny.en/manifest-if-any", "words tiny/a", "words tiny/b"]
    assert [made["engine"] for made in times(recorded)] == ["whisper"] * 2
    assert not any("doubts" in made for made in times(recorded))
    asked = len(hub.host.requests)
    configure(recorded, engine="whisper", model="tiny.en")
    run = build(recorded)
    assert run.code == 0, run.output
    assert sorted(run.jobs) == ["whisper_model tiny.en/manifest", "words tiny/a", "words tiny/b"]
    assert len(hub.host.requests) == asked, "what is there is not fetched again"


def test_where_no_model_can_be_had_times_are_guessed_and_the_remedy_is_named(recorded, hub):
    configure(recorded, model="tiny.en")
    run = build(recorded)
    assert run.code == 0, run.output
    assert [made["engine"] for made in times(recorded)] == ["estimate"] * 2
    (doubt,) = times(recorded)[0]["doubts"]
    manifest = "resources/models/whisper/tiny.en/manifest-if-any.json"
    assert doubt.startswith("the times of the words are guessed: the recogniser tiny.en cannot be fetched")
    assert doubt.endswith("as timing.model, or set timing.engine to whisper, which fetches it or fails")
    assert "words are guessed" in run.output and "Traceback" not in run.output
    again = build(recorded, hub.host.origin)
    assert again.jobs == [], "what was settled stays so"
    assert again.output.count(f"{manifest}: word times are guessed, for want of it; set") == 1, "and is told"
    configure(recorded, engine="whisper", model="tiny.en")
    assert build(recorded, hub.host.origin).code == 0
    assert [made["engine"] for made in times(recorded)] == ["whisper"] * 2


def test_a_model_that_was_asked_for_must_be_had_and_the_next_run_tries_again(recorded, hub):
    configure(recorded, engine="whisper", model="tiny.en")
    run = build(recorded)
    assert run.code != 0
    assert "the recogniser tiny.en cannot be fetched from Hugging Face" in run.output
    assert "name that as timing.model" in run.output and "Traceback" not in run.output
    assert not any((recorded / path).exists() for path in MADE)
    run = build(recorded, hub.host.origin)
    assert run.code == 0, run.output
    assert [made["engine"] for made in times(recorded)] == ["whisper"] * 2


@pytest.mark.parametrize(
    ("timing", "words"),
    [
        ({"model": "huge"}, "timing.model: huge is neither a size of Whisper's nor a folder; known here: tiny"),
        ({"model": "smal"}, "timing.model: smal is neither a size of Whisper's nor a folder; did you mean small?"),
        ({"model": "models/none"}, "timing.model: models/none is neither a size of Whisper's nor a folder"),
        ({"model": "projects"}, "timing.model: projects has no config.json, model.bin, tokenizer.json; it must be"),
        ({"model": "../models"}, "timing.model: a folder's name may not hold"),
        ({"language": "xx"}, "timing.language: Whisper knows no xx"),
        ({"engine": "native"}, "timing.engine: native takes the voice's own marks, and file gives none; set it"),
        ({"device": "cpu", "compute_type": "float16"}, "timing.compute_type: a CPU does not compute with float16"),
    ],
)
def test_a_model_that_is_none_stops_its_project_with_a_remedy(recorded, timing, words):
    configure(recorded, **timing)
    run = snakemake(recorded)
    assert run.code != 0
    assert words in run.output and "Traceback" not in run.output
    assert run.jobs == ["refused tiny"]


def test_changing_how_is_listened_times_anew_and_what_is_not_used_does_not(recorded):
    configure(recorded, model=f"{MICRO}/")
    run = build(recorded)
    assert run.code == 0
    assert "//" not in run.output.replace("://", "") and "double '/'" not in run.output
    configure(recorded, model=str(MICRO))
    assert build(recorded).code == 0
    for unused in ({"narration": {"engine": "file", "pad_after": 0.5}}, {"captions": {"style": "bold"}}):
        config = json.loads((recorded / "config/config.yaml").read_text())
        (recorded / "config/config.yaml").write_text(json.dumps(config | unused))
        assert build(recorded).jobs == []
    configure(recorded, model=str(MICRO), threads=2)
    assert sorted(build(recorded).jobs) == ["words tiny/a", "words tiny/b"]
    write_wav(recorded / "projects/tiny/narration/a.wav", speak("The sea is big and old.", "en-us", 1.0)[0])
    run = build(recorded)
    assert sorted(run.jobs) == ["narration tiny/a", "words tiny/a"], "a new recording makes its own scene anew"
    assert "is heard instead of “blue.”" in run.output
