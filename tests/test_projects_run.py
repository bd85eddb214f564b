"""Whole runs over good and bad projects: what is refused, what is built all the same, what the user is told."""

import json
from pathlib import Path

import pytest
from conftest import copy_workspace, edit_script, snakemake, write_config, write_footage, write_project

TINY = {"only": ("The sea is big.", "ocean waves")}


def test_a_broken_project_beside_two_good_ones_leaves_those_built(workspace):
    write_project(workspace, "alpha", TINY)
    write_project(workspace, "omega", TINY)
    for name in ("broken", "Not A Name"):
        (workspace / "projects" / name).mkdir()
    (workspace / "projects/broken/script.json").write_text(
        '{"scenes": [{"id": "../x", "text": "", "visualDirectoin": 1}]}'
    )
    run = snakemake(workspace)
    assert run.code != 0
    assert "Traceback" not in run.output
    assert (workspace / "results/alpha/video.mp4").exists() and (workspace / "results/omega/video.mp4").exists()
    for wrong in ("../x", "text", "visualDirectoin", "Not A Name"):
        assert wrong in run.output
    assert run.output.count("did you mean visualDirection") == 1
    assert not list(workspace.rglob("results/broken/*"))


def test_a_project_that_breaks_keeps_the_video_it_had(workspace):
    before = (workspace / "results/tiny/video.mp4").read_bytes()
    (workspace / "projects/tiny/script.json").write_text("{")
    for target in ([], ["results/tiny/video.mp4"], ["results/tiny/scenes/sea/words.json"]):
        run = snakemake(workspace, *target)
        assert run.code != 0 and "projects/tiny/script.json" in run.output and "Traceback" not in run.output
    assert (workspace / "results/tiny/video.mp4").read_bytes() == before


def test_an_archived_project_is_left_alone_unless_it_is_asked_for(workspace):
    write_config_of(workspace, "tiny", archived=True, captions={"style": "minimal"})
    assert snakemake(workspace).jobs == []
    assert "segment tiny/sea" in snakemake(workspace, "-n", "results/tiny/video.mp4").jobs


def write_config_of(workspace: Path, project: str, **config: object) -> None:
    (workspace / "projects" / project / "config.yaml").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"video": {"widht": 108}}, "video.widht: is not a known key; did you mean width?"),
        ({"caption": {}}, "caption: is not a known key; did you mean captions?"),
        ({"video": {"fps": "fast"}}, "video.fps"),
    ],
)
def test_a_fault_in_the_runs_own_settings_ends_it_with_one_message(workspace, config, told):
    (workspace / "config/config.yaml").write_text(json.dumps(config))
    run = snakemake(workspace)
    assert run.code != 0 and run.jobs == []
    assert told in run.output and "config/config.yaml" in run.output and "Traceback" not in run.output


def test_a_project_or_scene_that_is_not_there_is_named(workspace):
    assert "there is no such project" in snakemake(workspace, "results/nosuch/video.mp4").output
    run = snakemake(workspace, "results/tiny/scenes/nosuch/words.json")
    assert run.code != 0 and "no scene 'nosuch'" in run.output and "Traceback" not in run.output


def test_a_draft_has_half_the_size_and_a_folder_of_its_own(workspace):
    import av

    run = snakemake(
        workspace, "--profile", str(Path(__file__).parents[1] / "profiles/draft"), "draft/results/tiny/video.mp4"
    )
    assert run.code == 0, run.output
    with av.open(str(workspace / "draft/results/tiny/video.mp4")) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (54, 96)
    assert snakemake(workspace).jobs == []


HOSTILE = {
    "ass": r"Braces {\b1}bold{\b0} and \N a break \h here.",
    "format": "Percent %{} and %s and {0} and $HOME and `id` $(id).",
    "quotes": "It's \"quoted\" 'twice' \\ and back\\slashed, a:b=c;[d],e.",
    "lines": "One\nline\r\nafter\tanother.",
    "rtl": "שלום עולם and مرحبا بالعالم",
    "cjk": "大海是蓝色的。海はとても広い。",
    "emoji": "Rockets 🚀 fly 👩‍👩‍👧 high ⭐!",
    "long": "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft " * 2,
}


def test_hostile_and_foreign_text_gives_a_good_video_and_no_injection(workspace):
    write_project(workspace, "hostile", {name: (text, text) for name, text in HOSTILE.items()})
    edit_script(
        workspace, "hostile", lambda scenes: [scene.update(footage="footage/desert-dunes.mp4") for scene in scenes]
    )
    run = snakemake(workspace, "results/hostile/video.mp4", "results/hostile/quality.json", "results/hostile/video.srt")
    assert run.code == 0, run.output
    checks = json.loads((workspace / "results/hostile/quality.json").read_text())["checks"]
    assert not [check for check in checks if check["verdict"] == "bad"]
    lines = (workspace / "results/hostile/scenes/ass/captions.ass").read_text().splitlines()
    assert not [line for line in lines if line.startswith("Dialogue:") and "{\\b1}" in line]
    words = json.loads((workspace / "results/hostile/scenes/quotes/words.json").read_text())["words"]
    assert [word["word"] for word in words] == HOSTILE["quotes"].split()


def test_hostile_footage_is_left_out_and_the_rest_is_used(workspace):
    from PIL import Image

    footage = workspace / "footage"
    (footage / "ocean-text.mp4").write_text("this is no video")
    (footage / "ocean-cut.mp4").write_bytes((footage / "ocean-waves.mp4").read_bytes()[:900])
    (footage / "ocean-list.mp4").write_text("#EXTM3U\nfile:///etc/passwd\n")
    (footage / "ocean <b>{x}.mp4").write_bytes((footage / "ocean-waves.mp4").read_bytes())
    (footage / 'ocean \'n "quoted" $(id) [1];.mp4').write_bytes((footage / "ocean-waves.mp4").read_bytes())
    Image.new("RGB", (1, 1)).save(footage / "ocean-dot.png")
    Image.new("1", (20_000, 20_000)).save(footage / "ocean-huge.png")
    run = snakemake(workspace)
    assert run.code == 0, run.output
    assert "Traceback" not in run.output
    for name in ("ocean-text", "ocean-cut", "ocean-list", "ocean-dot", "ocean-huge", "ocean <b>"):
        assert name in run.output
    index = json.loads((workspace / "resources/footage/index.json").read_text())
    refused = {Path(entry["path"]).stem for entry in index["refused"]}
    assert refused == {"ocean-text", "ocean-cut", "ocean-list", "ocean-dot", "ocean-huge"}
    used = {entry["path"] for entry in index["entries"] if entry["provider"] == "local"}
    assert any("quoted" in path for path in used)


def test_a_clip_that_is_damaged_after_the_build_is_named_and_another_is_shown(workspace):
    damaged = workspace / "footage/ocean-waves.mp4"
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    run = snakemake(workspace)
    assert run.code == 0, run.output
    assert "footage/ocean-waves.mp4: is left out" in run.output and "Traceback" not in run.output
    assert json.loads((workspace / "results/tiny/selection/sea.json").read_text())["path"] == "footage/sea-boats.mp4"
    assert "segment tiny/sea" in run.jobs


def test_others_scripts_work_as_they_are(workspace):
    folder = workspace / "projects/svm"
    folder.mkdir()
    (folder / "script.json").write_text(
        json.dumps(
            {"scenes": [{"text": "Hello world", "searchTerms": ["ocean"]}], "config": {"captionPosition": "center"}}
        )
    )
    run = snakemake(workspace, "results/svm/video.mp4")
    assert run.code == 0, run.output
    assert (workspace / "results/svm/scenes/s01/words.json").exists()


def test_a_failed_scene_leaves_another_video_built(model, tmp_path):
    """One project's clip is no clip at all; the other is built."""
    workspace = copy_workspace(model, tmp_path / "w")
    write_config(workspace)
    write_project(workspace, "good", TINY)
    write_project(workspace, "bad", TINY)
    (workspace / "clip.mp4").write_text("no video")
    edit_script(workspace, "bad", lambda scenes: scenes[0].update(footage="clip.mp4"))
    run = snakemake(workspace, "results/good/video.srt", "results/bad/video.mp4")
    assert run.code != 0 and "clip.mp4" in run.output and "Traceback" not in run.output
    assert (workspace / "results/good/video.srt").exists()


def test_a_video_is_chosen_after_the_one_whose_clips_it_avoids(tmp_path, model):
    """From nothing: the other's choice is made first, and its clips are not used again."""
    copy_workspace(model, tmp_path)
    write_config(tmp_path)
    write_footage(tmp_path)
    write_project(tmp_path, "one", {"sea": ("The sea is blue.", "ocean waves")})
    write_project(tmp_path, "another", {"sea": ("The sea is big.", "ocean waves")}, selection={"avoid": ["one"]})
    run = snakemake(tmp_path, "results/another/credits.md", "results/one/credits.md")
    assert run.code == 0, run.output
    chosen = [
        json.loads((tmp_path / f"results/{name}/selection/sea.json").read_text())["path"] for name in ("one", "another")
    ]
    assert chosen[0] == "footage/ocean-waves.mp4" and chosen[1] != chosen[0]
    assert snakemake(tmp_path, "results/another/credits.md").jobs == []
