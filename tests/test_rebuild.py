"""After any edit, the jobs that run are exactly those whose result could differ; a second run does nothing."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from conftest import ROOT, SCENES, clip, edit_script, snakemake, write_config

from scripts.lib.audio import write_wav
from scripts.lib.narration.espeak import speak

PER_VIDEO = ["video", "quality"]
"""What hangs on any change of the picture or the sound."""
TIMES = ["soundtrack", "subtitles", "timestamps", "visuals"]
"""What hangs on the times of the scenes."""


def jobs(rules: list[str], scenes: list[str] | None = None) -> set[str]:
    return (
        {f"{rule} tiny/{scene}" for rule in rules for scene in scenes} if scenes else {f"{rule} tiny" for rule in rules}
    )


def check(workspace: Path, expected: set[str], *args: str) -> None:
    """The plan (where it meets the selection, more than what will run, but for the renders), the run, and a second
    run that does nothing."""
    plan = snakemake(workspace, "-n", *args)
    if "selection tiny" in expected:
        assert set(plan.jobs) >= {job for job in expected if not job.startswith("segment")}, plan.output
    else:
        assert set(plan.jobs) == expected, plan.output
    run = snakemake(workspace, *args)
    assert run.code == 0, run.output
    assert sorted(run.jobs) == sorted(expected), run.output
    again = snakemake(workspace, *args)
    assert again.code == 0
    assert again.jobs == [], again.output


def touch_all(files) -> None:
    now = time.time() + 5
    for file in files:
        os.utime(file, (now, now))


def test_nothing_runs_after_a_touch_of_every_input_and_artifact(workspace):
    touch_all(path for path in workspace.rglob("*") if path.is_file() and ".snakemake" not in path.parts)
    check(workspace, set())


def test_nothing_runs_after_key_order_and_white_space_change(workspace):
    script = json.loads((workspace / "projects/tiny/script.json").read_text())
    script["scenes"] = [dict(reversed(scene.items())) for scene in script["scenes"]]
    (workspace / "projects/tiny/script.json").write_text(json.dumps(dict(reversed(script.items())), indent=7))
    config = json.loads((workspace / "config/config.yaml").read_text())
    config = {name: dict(reversed(section.items())) for name, section in reversed(config.items())}
    (workspace / "config/config.yaml").write_text(json.dumps(config, indent=7))
    check(workspace, set())


def test_one_text(workspace):
    edit_script(workspace, "tiny", lambda scenes: scenes[1].update(text="A forest is big and very dark."))
    check(workspace, jobs(["narration", "words", "captions", "segment"], ["wood"]) | jobs([*TIMES, *PER_VIDEO]))


def test_one_recording(workspace):
    folder = workspace / "projects/tiny/narration"
    folder.mkdir()
    for scene in SCENES:
        shutil.copy(workspace / f"results/tiny/scenes/{scene}/narration.wav", folder / f"{scene}.wav")
    write_config(workspace, narration={"engine": "file"}, timing={"model": str(ROOT / "tests/data/whisper-micro")})
    assert snakemake(workspace).code == 0
    write_wav(folder / "wood.wav", speak(SCENES["wood"][0], "en-us", 1.3)[0])
    check(workspace, jobs(["narration", "words", "captions", "segment"], ["wood"]) | jobs([*TIMES, *PER_VIDEO]))


def test_the_first_scenes_text_changes_the_thumbnail_too(workspace):
    edit_script(workspace, "tiny", lambda scenes: scenes[0].update(text="The sea is blue and big."))
    check(
        workspace,
        jobs(["narration", "words", "captions", "segment"], ["sea"]) | jobs([*TIMES, *PER_VIDEO, "thumbnail"]),
    )


def test_a_visual_direction_with_the_same_choice(workspace):
    edit_script(workspace, "tiny", lambda scenes: scenes[0].update(visualDirection="waves of the ocean"))
    check(workspace, jobs(["embedding", "candidates"], ["sea"]) | jobs(["selection"]))


def test_a_visual_direction_with_another_choice(workspace):
    edit_script(workspace, "tiny", lambda scenes: scenes[1].update(visualDirection="dunes in the desert"))
    check(
        workspace,
        jobs(["embedding", "candidates", "segment"], ["wood"]) | jobs(["selection", "credits", "visuals", *PER_VIDEO]),
    )


def test_scene_order(workspace):
    edit_script(workspace, "tiny", lambda scenes: scenes.append(scenes.pop(1)))
    check(workspace, jobs([*TIMES, "credits", *PER_VIDEO]))


def test_a_scene_added(workspace):
    edit_script(
        workspace,
        "tiny",
        lambda scenes: scenes.append({"id": "dune", "text": "The desert is warm.", "visualDirection": "desert dunes"}),
    )
    chain = ["narration", "words", "captions", "embedding", "candidates", "segment"]
    check(workspace, jobs(chain, ["dune"]) | jobs(["selection", "credits", *TIMES, *PER_VIDEO]))


def test_a_scene_removed(workspace):
    edit_script(workspace, "tiny", lambda scenes: scenes.pop(1))
    check(workspace, jobs(["selection", "credits", *TIMES, *PER_VIDEO]))


@pytest.mark.parametrize(
    ("sections", "per_scene", "per_video"),
    [
        ({"captions": {"style": "minimal"}}, ["captions", "segment"], ["thumbnail"]),
        (
            {"narration": {"voice": "en-gb"}},
            ["narration", "words", "captions", "segment"],
            [*TIMES, "thumbnail"],
        ),
        ({"video": {"crf": 30}}, ["segment"], ["thumbnail"]),
        ({"video": {"preset": "superfast"}}, ["segment"], ["thumbnail"]),
        ({"video": {"fps": 12}}, ["segment"], [*TIMES, "thumbnail"]),
        ({"narration": {"pad_before": 0.3}}, ["captions", "segment"], [*TIMES, "thumbnail"]),
        (
            {"narration": {"pad_before": 0.25, "pad_after": 0.1}},
            ["captions", "segment"],
            [*TIMES, "thumbnail"],
        ),
    ],
    ids=["caption style", "voice", "crf", "preset", "fps", "pads", "pads that change places"],
)
def test_a_setting(workspace, sections, per_scene, per_video):
    write_config(workspace, **sections)
    check(workspace, jobs(per_scene, list(SCENES)) | jobs([*per_video, *PER_VIDEO]))


def test_music(workspace):
    from scripts.lib.media import ffmpeg

    ffmpeg("-f", "lavfi", "-i", "sine=frequency=220:duration=3", workspace / "music.wav")
    write_config(workspace, music={"path": "music.wav"})
    check(workspace, jobs(["soundtrack", *PER_VIDEO]))
    write_config(workspace, music={"path": "music.wav", "volume_db": -12})
    check(workspace, jobs(["soundtrack", *PER_VIDEO]))


def test_width_and_height_that_change_places(workspace):
    write_config(workspace, video={"width": 192, "height": 108})
    run = snakemake(workspace)
    assert run.code == 0, run.output
    wanted = jobs(["candidates", "captions", "segment"], list(SCENES)) | jobs(["selection", "thumbnail", *PER_VIDEO])
    assert wanted <= set(run.jobs)
    assert not {job.split()[0] for job in run.jobs} & {"narration", "words", "embedding", "soundtrack", "footage_index"}
    assert snakemake(workspace).jobs == []


def test_a_clip_rejected(workspace):
    edit_script(workspace, "tiny", lambda scenes: scenes[0].update(reject=["footage/ocean-waves.mp4"]))
    check(workspace, jobs(["segment"], ["sea"]) | jobs(["selection", "credits", "visuals", "thumbnail", *PER_VIDEO]))


def test_a_clip_pinned(workspace):
    edit_script(workspace, "tiny", lambda scenes: scenes[2].update(footage="footage/desert-dunes.mp4"))
    check(workspace, jobs(["segment"], ["town"]) | jobs(["selection", "credits", "visuals", *PER_VIDEO]))


def test_a_file_added_to_the_local_folder(workspace):
    clip(workspace / "footage/spreadsheet-of-numbers.mp4", "testsrc2=size=128x224:rate=10,hue=h=0")
    check(workspace, {"footage_index"} | jobs(["candidates"], list(SCENES)) | jobs(["selection"]))


def test_a_module_of_the_source_reruns_just_its_importers(workspace):
    """On a copy of the source, since it edits it."""
    source = workspace / "source"
    source.mkdir()
    for part in ("Snakefile", "rules", "scripts", "config", "profiles", "envs"):
        subprocess.run(["cp", "-r", ROOT / part, source], check=True)
    assert snakemake(workspace, source=source).code == 0
    with (source / "scripts/lib/picture.py").open("a") as file:
        file.write("\n# an edit\n")
    touch_all(source.rglob("*.py"))
    plan = snakemake(workspace, "-n", source=source)
    assert set(plan.jobs) == jobs(["segment"], list(SCENES)) | jobs(["thumbnail", *PER_VIDEO])


@pytest.mark.parametrize(
    ("change", "failing"),
    [({"video": {"crf": 30}}, "segment"), ({"music": {"volume_db": -20}}, "soundtrack")],
    ids=["crf", "music"],
)
def test_what_failed_is_made_by_the_next_run(workspace, change, failing):
    """The video from before the failure is there, and is not up to date."""
    write_config(workspace, **change)
    failed = snakemake(workspace, env={"IMAGEIO_FFMPEG_EXE": "/bin/false"})
    assert failed.code and {job.split()[0] for job in failed.jobs} == {failing}
    run = snakemake(workspace)
    assert run.code == 0 and failing in {job.split()[0] for job in run.jobs} and "video tiny" in run.jobs
    assert snakemake(workspace).jobs == []
