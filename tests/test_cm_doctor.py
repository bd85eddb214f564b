"""`cm doctor`: what is there, what lacks and its remedy; no key is ever shown."""

import importlib.util
import json
import os
from pathlib import Path

import pytest
from cm import concurrency
from cm_process import cm, configure
from conftest import SCENES, write_project

KEY = "SECRET0123456789abcdef"


@pytest.fixture
def place(tmp_path) -> Path:
    write_project(tmp_path, "tiny", SCENES)
    configure(tmp_path, cache_dir=str(tmp_path / "cache"))
    return tmp_path


def doctor(place: Path, code: int = 0, **environment: str) -> dict[str, dict]:
    run = cm(place, "doctor", "--json", **environment)
    assert run.returncode == code, run.stdout + run.stderr
    assert KEY not in run.stdout + run.stderr
    return {check["name"]: check for check in json.loads(run.stdout)["checks"]}


def test_this_machine_is_fit_and_it_says_by_what(place):
    found = doctor(place)
    good = [
        "Python",
        "packages",
        "ffmpeg",
        "ffmpeg's filters",
        "video.encoder",
        "fonts",
        "voice en-us of eSpeak NG",
        "cache",
    ]
    assert {found[name]["state"] for name in good} == {"good"}
    assert f"{float(concurrency.usable_cpus()):g} CPU" in found["machine"]["found"]
    assert all(check["remedy"] for check in found.values() if check["state"] in ("warning", "bad"))
    said = cm(place, "doctor").stdout
    assert "good     ffmpeg's filters: libass" in said and "\x1b" not in said


def test_keys_are_there_or_not_and_never_shown(place):
    (place / ".env").write_text(f"PEXELS_API_KEY={KEY}\n")
    (place / ".env").chmod(0o644)
    found = doctor(place, PIXABAY_API_KEY="")
    assert found["key PEXELS_API_KEY"]["found"].startswith("is set")
    assert (
        found["key PIXABAY_API_KEY"]["state"] == "note" and "pixabay.com/api" in found["key PIXABAY_API_KEY"]["remedy"]
    )
    assert "chmod 600" in found[".env"]["remedy"]
    (place / ".env").chmod(0o600)
    found = doctor(place, PIXABAY_API_KEY=f"{KEY} with a space")
    assert ".env" not in found and found["key PIXABAY_API_KEY"]["state"] == "warning"
    plain = cm(place, "doctor", PIXABAY_API_KEY=KEY)
    assert KEY not in plain.stdout + plain.stderr and "key PIXABAY_API_KEY: is set" in plain.stdout


def test_a_key_that_a_project_needs_is_missed(place):
    write_project(place, "spoken", SCENES, narration={"engine": "openai", "model": "tts-1", "key_env": "MY_VOICE_KEY"})
    check = doctor(place)["key MY_VOICE_KEY"]
    assert check["state"] == "warning" and check["found"] == "is not set, for narration" and ".env" in check["remedy"]


def test_the_quota_that_is_left_is_told_by_the_ledger(place):
    from scripts.lib.net.ledger import Ledger

    limits = {"per_hour": 200, "per_month": 20000}
    (place / "cache").mkdir()
    ledger = Ledger(place / "cache", "pexels", KEY, limits, 1)
    for _ in range(3):
        ledger.send(lambda: None)
    check = doctor(place, PEXELS_API_KEY=KEY)["quota of pexels"]
    assert check["state"] == "good" and "197 of 200 per hour" in check["found"] and "19,997 of 20,000" in check["found"]
    assert "quota of pexels" not in doctor(place, PEXELS_API_KEY="")
    ledger.block(9 * 86_400, "its quota is used up, it says")
    check = doctor(place, PEXELS_API_KEY=KEY)["quota of pexels"]
    assert check["state"] == "warning" and "its quota is used up" in check["found"]
    assert str(ledger.blocked) in check["remedy"]


def test_a_poor_ffmpeg_is_bad_and_the_remedy_is_told(place):
    poor = place / "ffmpeg"
    answers = "*filters*) echo ' .. scale V->V x';; *-version*) echo 'ffmpeg version 1';; *) exit 1;;"
    poor.write_text(f'#!/bin/sh\ncase "$*" in {answers} esac\n')
    poor.chmod(0o755)
    found = doctor(place, code=1, IMAGEIO_FFMPEG_EXE=str(poor))
    assert found["ffmpeg's filters"]["state"] == "bad" and "subtitles, zscale" in found["ffmpeg's filters"]["found"]
    assert found["video.encoder"]["state"] == "bad" and "libx264" in found["video.encoder"]["remedy"]
    found = doctor(place, code=1, IMAGEIO_FFMPEG_EXE="/no/such/ffmpeg")
    assert found["ffmpeg"]["state"] == "bad" and "IMAGEIO_FFMPEG_EXE" in found["ffmpeg"]["remedy"]


def test_a_voice_that_is_not_known_is_told_with_what_is_near(place):
    configure(place, cache_dir=str(place / "cache"), narration={"voice": "en-uss"})
    check = doctor(place, code=1)["voice en-uss of eSpeak NG"]
    assert check["state"] == "bad" and "en-us" in check["found"].replace("en-uss", "")


def test_a_faulty_project_and_a_lock_are_told(place):
    write_project(place, "wrong", {})
    (place / ".snakemake/locks").mkdir(parents=True)
    (place / ".snakemake/locks/0.output.lock").write_text("x\n")
    found = doctor(place)
    assert found["projects"]["state"] == "warning" and "cm status wrong" in found["projects"]["remedy"]
    assert found["lock"]["state"] == "note"


@pytest.mark.parametrize("text", ["video: {crf: much}", "video: ["])
def test_a_faulty_configuration_is_one_check_among_the_others(place, text):
    (place / "config/config.yaml").write_text(text)
    found = doctor(place, code=1)
    assert found["configuration"]["state"] == "bad" and "config/config.yaml" in found["configuration"]["found"]
    assert found["Python"]["state"] == found["ffmpeg"]["state"] == found["projects"]["state"] == "good"


def test_voices_and_models_that_a_build_will_fetch_are_told_with_their_sizes(place):
    write_project(place, "one", SCENES, narration={"engine": "piper", "voice": "en_US-lessac-medium"})
    write_project(place, "two", SCENES, timing={"engine": "whisper", "model": "tiny.en"})
    (place / "resources/voices/kokoro/kokoro-v1.0").mkdir(parents=True)
    (place / "resources/voices/kokoro/kokoro-v1.0/manifest.json").write_text("{}")
    found = doctor(place)
    voice, model = found["voice piper/en_US-lessac-medium"], found["model whisper/tiny.en"]
    assert voice["state"] == model["state"] == "note"
    assert "MB" in voice["remedy"] and "76 MB" in model["remedy"]
    assert found["voice kokoro/kokoro-v1.0"]["state"] == "good"


def test_it_changes_nothing_in_the_workspace(place):
    before = sorted(place.rglob("*"))
    doctor(place)
    assert [path for path in sorted(place.rglob("*")) if "cache" not in path.parts] == before


def test_slurm_that_is_there_is_asked_for_its_version(place):
    bin_ = place / "bin"
    bin_.mkdir()
    (bin_ / "sbatch").write_text("#!/bin/sh\necho slurm 99.1\n")
    (bin_ / "sbatch").chmod(0o755)
    check = doctor(place, PATH=f"{bin_}:{os.environ['PATH']}")["Slurm"]
    if importlib.util.find_spec("snakemake_executor_plugin_slurm"):
        assert check["state"] == "good" and "slurm 99.1" in check["found"]
    else:
        assert check["state"] == "warning" and check["remedy"].startswith("make ")
