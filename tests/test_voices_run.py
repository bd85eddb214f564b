"""Voices in a run of Snakemake: what is fetched, what is spoken again and what is not, and what the limits hold."""

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import jsonschema
import pytest
from conftest import ROOT, Run, edit_script, snakemake, write_project

from scripts import voice_kokoro as kokoro
from scripts.lib.config import complete
from scripts.lib.errors import UserError
from scripts.lib.narration import published
from scripts.voice_piper import voice_piper
from tests.servers.faults import DOWNLOAD, Fault, Faults
from tests.servers.loopback import Answer, Exchange, Host, peak
from tests.servers.models import Models

VOICES = ROOT / "tests/data/voices"
PIPER = "en_US-test-low"
KEY = "sentinel-key-0123456789"
SCENES = {"a": ("The sea is big and blue.", "the sea"), "b": ("Cars run at night.", "a city")}
MADE = [f"results/tiny/scenes/{scene}/{file}.json" for scene in SCENES for file in ("narration", "words")]


class Hub:
    """What the makers of the voices publish, on loopback."""

    def __init__(self) -> None:
        self.files, self.faults = {}, Faults()
        self.host = Host("hub", self._answer)

    def add_piper(self, name: str, voice: str = "piper") -> None:
        listed = json.loads(self.files.get("/voices.json", b"{}"))
        files = {}
        sources = {f"{name}.onnx": f"{voice}.onnx", f"{name}.onnx.json": f"{voice}.onnx.json"}
        for file, source in (sources | {"MODEL_CARD": "README.md"}).items():
            path, body = f"{name[:2]}/{name[:5]}/test/low/{file}", (VOICES / source).read_bytes()
            self.files[f"/{path}"] = body
            files[path] = {"size_bytes": len(body), "md5_digest": hashlib.md5(body).hexdigest()}
        self.files["/voices.json"] = json.dumps(listed | {name: {"key": name, "files": files}}).encode()

    def asked(self) -> list[str]:
        return [request.path for request in self.host.requests]

    def _answer(self, exchange: Exchange) -> None:
        body = self.files.get(unquote(exchange.noted.path))
        exchange.whole = Answer(404) if body is None else Answer(200, body, "application/octet-stream")
        if fault := self.faults.meet(exchange.noted, set(DOWNLOAD)):
            DOWNLOAD[fault](exchange, exchange.whole)
        else:
            exchange.reply(exchange.whole)


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    try:
        for name in (PIPER, "en_US-other-low", "de_DE-test-low"):
            hub.add_piper(name)
        yield hub
    finally:
        hub.host.close()


@pytest.fixture
def workspace(tmp_path) -> Path:
    write_project(tmp_path, "tiny", SCENES)
    return tmp_path


def configure(workspace: Path, hub: Hub | None = None, network: dict | None = None, **narration: object) -> None:
    """Write the run's settings."""
    usual = {"allow_private": True, "voices_url": hub.host.origin if hub else "", "timeout": [5, 30], "max_wait": 5}
    settings = {"narration": narration, "network": usual | (network or {}), "cache_dir": str(workspace / "cache")}
    if narration.get("engine") in ("openai", "file"):
        settings["timing"] = {"engine": "estimate"}  # no recogniser is fetched for what gives no marks
    (workspace / "config").mkdir(exist_ok=True)
    (workspace / "config/config.yaml").write_text(json.dumps(settings))


def build(workspace: Path, *targets: str, **options: object) -> Run:
    return snakemake(workspace, *(targets or MADE), **options)


def rerun(workspace: Path) -> list[str]:
    run = build(workspace)
    assert run.code == 0, run.output
    return sorted(run.jobs)


def test_what_an_engine_does_not_use_changes_nothing(workspace):
    configure(workspace)
    assert len(rerun(workspace)) == 4
    configure(workspace, model="other", base_url="http://127.0.0.1:1/v1", key_env="OTHER_KEY", per_minute=7)
    assert rerun(workspace) == []


def test_a_voice_is_fetched_once_and_spoken_with(workspace, hub):
    configure(workspace, hub, engine="piper", voice=PIPER)
    run = build(workspace)
    assert run.code == 0, run.output
    assert run.jobs[0] == f"voice_piper {PIPER}"
    assert sorted(run.jobs[1:]) == ["narration tiny/a", "narration tiny/b", "words tiny/a", "words tiny/b"]
    folder = workspace / "resources/voices/piper" / PIPER
    assert (folder / "model.onnx").read_bytes() == (VOICES / "piper.onnx").read_bytes()
    assert (folder / "MODEL_CARD").read_bytes() == (VOICES / "README.md").read_bytes()
    sha256 = {
        name: hashlib.sha256((VOICES / file).read_bytes()).hexdigest()
        for name, file in (("model.onnx", "piper.onnx"), ("model.onnx.json", "piper.onnx.json"))
    }
    assert json.loads((folder / "manifest.json").read_text()) == {
        "name": PIPER,
        "licence": "see MODEL_CARD",
        "sha256": sha256,
    }
    words = json.loads((workspace / MADE[1]).read_text())
    assert words["engine"] == "native"
    assert [word["word"] for word in words["words"]] == SCENES["a"][0].split()
    asked = hub.asked()
    files = [f"{PIPER}.onnx", f"{PIPER}.onnx.json", "MODEL_CARD"]
    assert asked == ["/voices.json", *(f"/en/en_US/test/low/{file}" for file in files)]
    for path in folder.iterdir():
        path.touch()
    assert rerun(workspace) == []
    assert hub.asked() == asked
    configure(workspace, hub, engine="piper", voice="en_US-other-low")
    assert rerun(workspace)[:2] == ["narration tiny/a", "narration tiny/b"]


def test_a_voice_that_lost_a_file_says_what_to_do(workspace, hub):
    configure(workspace, hub, engine="piper", voice=PIPER)
    rerun(workspace)
    (workspace / f"resources/voices/piper/{PIPER}/model.onnx").unlink()
    edit_script(workspace, "tiny", lambda scenes: scenes[0].update(text="Another text."))
    run = build(workspace)
    assert f"resources/voices/piper/{PIPER}/model.onnx: is gone; remove resources/voices/piper/" in run.output
    shutil.rmtree(workspace / "resources")
    assert f"voice_piper {PIPER}" in rerun(workspace)


def test_an_unknown_voice_fails_once_and_names_those_that_are_near(workspace, hub):
    configure(workspace, hub, engine="piper", voice="en_US-tset-low")
    run = build(workspace)
    assert run.code != 0
    assert run.jobs == ["voice_piper en_US-tset-low"]
    assert f"narration.voice: Piper has no voice en_US-tset-low; near it: {PIPER}, en_US-other-low" in run.output
    assert "Traceback" not in run.output


def fetch_piper(folder: Path, hub: Hub, name: str = PIPER) -> dict:
    """The manifest of a fetched voice."""
    network = complete({"network": {"allow_private": True}}, "")[0]["network"]
    files = {part: folder / file for part, file in (("model", "model.onnx"), ("config", "model.onnx.json"))}
    manifest = folder / "manifest.json"
    voice_piper(name, **files, card=folder / "MODEL_CARD", manifest=manifest, url=hub.host.origin, network=network)
    made = json.loads(manifest.read_text())
    jsonschema.validate(made, json.loads((ROOT / "config/schemas/voice.schema.json").read_text()))
    return made


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("404", "127.0.0.1: answered 404"),
        ("noise", "127.0.0.1: what it sent is not the file that the list of voices names"),
        ("nothing", "127.0.0.1: what it sent is empty"),
    ],
)
def test_a_voice_that_cannot_be_had_whole_is_not_used(tmp_path, hub, fault, said):
    hub.faults.faults.append(Fault((fault,), where=f"{PIPER}.onnx"))
    with pytest.raises(UserError) as error:
        fetch_piper(tmp_path, hub)
    assert str(error.value).startswith(f"the voice {PIPER} cannot be fetched: {said}")
    assert f"and set narration.model to models/{PIPER}.onnx" in str(error.value)
    assert not (tmp_path / "manifest.json").exists()
    hub.faults.faults.clear()
    assert fetch_piper(tmp_path, hub)["name"] == PIPER


def test_a_broken_off_fetch_is_gone_on_with(tmp_path, hub):
    hub.faults.faults.append(Fault(("truncated",), times=1))
    assert fetch_piper(tmp_path, hub)["name"] == PIPER


def test_a_voice_s_name_may_have_any_letters(tmp_path, hub):
    hub.add_piper("pt_PT-tugão-medium")
    assert fetch_piper(tmp_path, hub, "pt_PT-tugão-medium")["name"] == "pt_PT-tugão-medium"


@pytest.mark.parametrize("listed", [b"[]", b"<html>", b'{"en_US-test-low": {"files": {"a.onnx": {}}}}', b"[" * 10**5])
def test_a_list_of_voices_that_is_none_is_an_error(tmp_path, hub, listed):
    hub.files["/voices.json"] = listed
    with pytest.raises(UserError, match=r"voices.json: is no list of Piper's voices|Piper has no voice en_US-test-low"):
        fetch_piper(tmp_path, hub)


def test_kokoro_is_fetched_by_its_checksums(tmp_path, hub, monkeypatch):
    network = complete({"network": {"allow_private": True}}, "")[0]["network"]
    target = tmp_path / "kokoro"
    model, voices, manifest = (target / name for name in ("model.onnx", "voices.bin", "manifest.json"))
    hub.files["/kokoro-v1.0.onnx"] = (VOICES / "kokoro.onnx").read_bytes()
    hub.files["/voices-v1.0.bin"] = (VOICES / "voices.bin").read_bytes()
    with pytest.raises(UserError, match=r"cannot be fetched: .*SHA-256 is .*, not beb0d18.*\n.*set narration.model to"):
        kokoro.voice_kokoro("kokoro-v1.0", model, voices, manifest, hub.host.origin, network)
    assert list(target.iterdir()) == []
    sums = [hashlib.sha256(hub.files[f"/{name}"]).hexdigest() for name in ("kokoro-v1.0.onnx", "voices-v1.0.bin")]
    monkeypatch.setitem(published.KOKORO, "kokoro-v1.0", sums[0])
    monkeypatch.setattr(kokoro, "KOKORO_VOICES", ("voices-v1.0.bin", sums[1]))
    kokoro.voice_kokoro("kokoro-v1.0", model, voices, manifest, hub.host.origin, network)
    assert json.loads(manifest.read_text())["sha256"] == {
        "model.onnx": sums[0],
        "voices.bin": sums[1],
    }


def test_another_file_than_kokoro_s_own_is_refused_by_its_rule(workspace, hub):
    hub.files["/kokoro-v1.0.onnx"] = (VOICES / "kokoro.onnx").read_bytes()
    configure(workspace, hub, engine="kokoro", voice="af_heart")
    run = build(workspace)
    assert run.code != 0
    assert run.jobs == ["voice_kokoro kokoro-v1.0"]
    assert "the voices of Kokoro cannot be fetched: " in run.output and "not beb0d18" in run.output
    assert "set narration.model to models/kokoro-v1.0.onnx" in run.output and "Traceback" not in run.output
    assert not list((workspace / "resources/voices").rglob("*.*"))


def test_a_model_of_your_own_is_used_where_it_lies(workspace):
    (workspace / "models").mkdir()
    for name in ("kokoro.onnx", "voices.bin"):
        shutil.copy(VOICES / name, workspace / "models" / name)
    configure(workspace, engine="kokoro", voice="am_adam", model="models/kokoro.onnx")
    assert rerun(workspace) == ["narration tiny/a", "narration tiny/b", "words tiny/a", "words tiny/b"]
    assert json.loads((workspace / MADE[1]).read_text())["engine"] == "native"
    (workspace / "models/kokoro.onnx").touch()
    assert rerun(workspace) == []
    configure(workspace, engine="kokoro", voice="am_adm", model="models/kokoro.onnx")
    run = build(workspace)
    assert run.code != 0
    assert "Kokoro has no voice 'am_adm'; near it: am_adam" in run.output


def record(workspace: Path, scene: str, source: str) -> None:
    """Take another scene's speech as the recording."""
    folder = workspace / "projects/tiny/narration"
    folder.mkdir(exist_ok=True)
    shutil.copy(workspace / f"results/tiny/scenes/{source}/narration.wav", folder / f"{scene}.wav")


def test_a_new_recording_is_its_own_scene_s_business(workspace):
    configure(workspace)
    rerun(workspace)
    record(workspace, "a", "a")
    record(workspace, "b", "b")
    configure(workspace, engine="file")
    assert rerun(workspace) == ["narration tiny/a", "narration tiny/b", "words tiny/a", "words tiny/b"]
    for path in (workspace / "projects/tiny/narration").iterdir():
        path.touch()
    assert rerun(workspace) == []
    edit_script(workspace, "tiny", lambda scenes: scenes[0].update(text="The sea is big and green."))
    assert rerun(workspace) == ["words tiny/a"], "what is said has not changed"
    record(workspace, "b", "a")
    assert rerun(workspace) == ["narration tiny/b", "words tiny/b"]
    configure(workspace, engine="file", voice="en-gb", speed=1.7)
    run = build(workspace)
    assert run.jobs == []
    assert "narration.speed: has no effect; recordings are played as they are" in run.output


def test_missing_recordings_stop_their_own_project(workspace):
    write_project(workspace, "mine", SCENES, narration={"engine": "file"}, timing={"engine": "estimate"})
    configure(workspace)
    run = build(workspace, "results/mine/video.mp4", *MADE)
    assert run.code != 0
    assert "projects/mine/narration: has no recording of a, b; put one in for each" in run.output
    assert sorted(run.jobs) == ["narration tiny/a", "narration tiny/b", "refused mine", "words tiny/a", "words tiny/b"]


@pytest.fixture
def server() -> Iterator[Models]:
    with Models(key=KEY) as server:
        yield server


def ask(workspace: Path, server: Models, **narration: object) -> None:
    usual = {
        "engine": "openai",
        "model": "tts-1",
        "voice": "nova",
        "base_url": server.base_url,
        "key_env": "SPEECH_KEY",
    }
    configure(workspace, **usual | narration)


def test_a_server_speaks_and_its_key_is_nowhere(workspace, server):
    ask(workspace, server)
    run = build(workspace, env={"SPEECH_KEY": KEY})
    assert run.code == 0, run.output
    assert sorted(asked["input"] for asked in server.asked) == sorted(text for text, _ in SCENES.values())
    made = json.loads((workspace / MADE[0]).read_text())
    assert (made["engine"], made["voice"], made["marks"]) == ("openai", "nova", None)
    ask(workspace, server, per_minute=100, max_concurrent=2, key_env="ANOTHER_KEY")
    assert rerun(workspace) == []
    ask(workspace, server, speed=1.5)
    failed = build(workspace, env={"SPEECH_KEY": "wrong-" + KEY})
    assert "answered 401" in failed.output
    assert "check the key in SPEECH_KEY" in failed.output
    files = [path for path in workspace.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    assert KEY not in run.output + failed.output


def test_speech_waits_beside_the_cores_and_within_its_slots(workspace, server):
    scenes = {f"s{n}": (f"This is sentence {n}.", "the sea") for n in range(6)}
    write_project(workspace, "many", scenes)
    ask(workspace, server, max_concurrent=6)
    say, second = server.routes["/v1/audio/speech"], threading.Event()

    def slowly(asked: dict) -> Answer:
        if len(server.requests) > 1:
            second.set()
        second.wait(30)  # the first, until there is another beside it
        server.host.closing.wait(0.5)
        return say(asked)

    server.routes["/v1/audio/speech"] = slowly
    targets = [f"results/many/scenes/{scene}/narration.json" for scene in scenes]
    run = build(workspace, *targets, "--resources", "api_slots=3", cores=1, env={"SPEECH_KEY": KEY})
    assert run.code == 0, run.output
    assert peak(server.requests) in (2, 3), "beside each other though there is one core, and never more than the slots"


def test_a_project_s_own_limits_and_key_are_used(workspace, server):
    ask(workspace, server, key_env="NOT_SET", network={"max_wait": 0})
    own = {"narration": {"key_env": "SPEECH_KEY", "per_minute": 1}}
    (workspace / "projects/tiny/config.yaml").write_text(json.dumps(own))
    run = build(workspace, env={"SPEECH_KEY": KEY})
    assert run.code != 0
    assert len(server.requests) == 1
    assert "its 1 requests a minute are used up; free again at" in run.output
