import json
import os
from functools import partial
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from PIL import Image

from scripts.footage_index import MOST_WARNINGS, footage_index, warnings
from scripts.lib.embedding.engines import vectors
from scripts.lib.footage import local
from scripts.lib.footage.folder import listing
from scripts.lib.media import ffmpeg

CATALOGUE = {
    "rain": {"description": "Rain running down a window", "painter": "rain"},
    "sea": {"description": "Waves of the sea in the morning", "painter": "sea"},
}


def clip(path, size="128x72", seconds=1, *options):
    path.parent.mkdir(parents=True, exist_ok=True)
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25", "-t", seconds, *options, path)


def picture(path, size=(120, 80), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.effect_noise(size, 40).save(path, **options)


@pytest.fixture
def footage(tmp_path, monkeypatch):
    """An empty footage folder in an empty workspace, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "footage").mkdir()
    return Path("footage")


def found(folder="footage"):
    return local.entries(listing(folder)[0], folder)


def minilm(workspace):
    return partial(vectors, embedding={"engine": "minilm"}, model=workspace / "resources/models/minilm", config={})


def why(refused):
    return {file["path"]: file["why"] for file in refused}


def test_clips_and_pictures_are_found_with_size_length_and_words(footage):
    clip(footage / "Nature/Sea/IMG_2041-stormWaves.mp4", "128x72", 2)
    rotated = Image.Exif()
    rotated[0x0112] = 6
    picture(footage / "old_town.jpg", (120, 80), exif=rotated)
    entries, refused = found()
    assert not refused
    sea, town = entries
    assert sea == {
        "provider": "local",
        "id": "Nature/Sea/IMG_2041-stormWaves.mp4",
        "path": "footage/Nature/Sea/IMG_2041-stormWaves.mp4",
        "kind": "video",
        "description": "Nature Sea storm Waves",
        "author": None,
        "licence": None,
        "page": None,
        "size": [128, 72],
        "duration": 2.0,
    }
    assert (town["kind"], town["size"], town["duration"]) == ("picture", [80, 120], None)
    assert town["description"] == "old town"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("beach-sunset_2", "beach sunset"),
        ("1080p/DSC01234", ""),
        ("Bäume/nachtRegen", "Bäume nacht Regen"),
        ("海/雨", "海 雨"),
        ("cafe\u0301_हिन्दी", "café हिन्दी"),
        ("NASA launch (final) [x]", "NASA launch final"),
    ],
)
def test_words_of_a_path_are_what_a_person_would_read(name, words):
    assert local.words(name) == words


def test_text_beside_a_clip_describes_and_credits_it(footage):
    picture(footage / "a.png")
    (footage / "a.txt").write_text("A lighthouse\nin the fog")
    (footage / "a.yaml").write_text("author: Ada\nlicense: CC0\npage: https://example.org/1\n")
    (footage / "b.json").write_text('{"description": "Two cats", "author": 3}')
    picture(footage / "b.png")
    (a, b), refused = found()
    assert not refused
    assert (a["description"], a["author"], a["licence"], a["page"]) == (
        *("A lighthouse in the fog", "Ada", "CC0", "https://example.org/1"),
    )
    assert (b["description"], b["author"]) == ("Two cats", None)


def test_what_cannot_be_shown_is_refused_with_the_reason(footage):
    clip(footage / "whole.mp4", "320x180")
    data = (footage / "whole.mp4").read_bytes()
    (footage / "cut.mp4").write_bytes(data[: len(data) // 3])
    (footage / "text.mp4").write_text("This is no video.")
    (footage / "list.mp4").write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    (footage / "concat.mkv").write_text("ffconcat version 1.0\nfile whole.mp4\n")
    (footage / "empty.webm").write_bytes(b"")
    (footage / "empty.png").write_bytes(b"")
    picture(footage / "dot.png", (1, 1))
    picture(footage / "whole.jpg", (400, 300))
    (footage / "cut.jpg").write_bytes((footage / "whole.jpg").read_bytes()[:20_000])
    Image.new("1", (20_000, 20_000)).save(footage / "huge.png")
    ffmpeg("-f", "lavfi", "-i", "sine", "-t", 1, footage / "song.mp3")
    (footage / "song.mp4").write_bytes((footage / "song.mp3").read_bytes())
    picture(footage / "bad.png")
    (footage / "bad.yaml").write_text("author: [")
    entries, refused = found()
    assert [entry["id"] for entry in entries] == ["whole.jpg", "whole.mp4"]
    reasons = why(refused)
    for name, reason in {
        "cut.mp4": "cannot be read as a video",
        "text.mp4": "cannot be read as a video",
        "list.mp4": "cannot be read as a video",
        "concat.mkv": "cannot be read as a video",
        "empty.webm": "cannot be read as a video",
        "empty.png": "not a picture",
        "dot.png": "is too small: 1x1",
        "cut.jpg": "a damaged picture",
        "huge.png": "more pixels than is safe",
        "song.mp3": "is sound alone",
        "song.mp4": "has no picture",
        "bad.png": "bad.yaml: line 2",
    }.items():
        assert reason in reasons.pop(f"footage/{name}")
    assert not reasons


def test_names_that_mean_something_elsewhere_are_only_names(footage):
    names = [
        "a b.png",
        'it\'s "q".png',
        "%d.png",
        "-dash.png",
        "$(x);.png",
        "é😀.png",
        "[a]*?.png",
        "c:d.png",
        "b\\s.png",
    ]
    for name in names:
        picture(footage / name)
    clip(footage / "%03d: it's.mp4")
    entries, refused = found()
    assert sorted(entry["id"] for entry in entries) == sorted([*names, "%03d: it's.mp4"])
    assert not refused


def test_links_out_of_the_folder_are_refused_and_the_folder_itself_may_be_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture(Path("elsewhere/inside.png"))
    picture(Path("secret.png"))
    Path("elsewhere/out.png").symlink_to("../secret.png")
    Path("elsewhere/in.png").symlink_to("inside.png")
    Path("private.txt").write_text("a secret")
    Path("elsewhere/inside.txt").symlink_to("../private.txt")
    Path("footage").symlink_to("elsewhere")
    entries, refused = found()
    assert [entry["path"] for entry in entries] == ["footage/in.png", "footage/inside.png"]
    assert entries[1]["description"] == "inside"
    assert why(refused) == {"footage/out.png": "is a link that leads out of the folder"}


def test_the_listing_leaves_out_what_no_rule_could_take(footage):
    for name in ["b.txt", "a.mp4", ".hidden.mp4", ".git/c.mp4", "sub/d.mp4", "{x}.mp4", "<y>.mp4", "new\nline.mp4"]:
        (footage / name).parent.mkdir(exist_ok=True)
        (footage / name).write_text("")
    Path(os.fsdecode(b"footage/latin\xe9.mp4")).write_text("")
    (footage / "gone.mp4").symlink_to("nowhere")
    os.mkfifo(footage / "pipe.mp4")
    fit, unfit = listing("./footage/")
    assert fit == ["footage/a.mp4", "footage/b.txt", "footage/sub/d.mp4"]
    assert unfit == ["footage/<y>.mp4", "footage/latin\\udce9.mp4", "footage/new\\nline.mp4", "footage/{x}.mp4"]
    assert listing("nowhere") == ([], [])


def test_the_index_holds_own_footage_and_backgrounds_and_fits_its_schema(footage, model):
    picture(footage / "sunset.png")
    picture(footage / "0001.png")
    (footage / "x.mp4").write_text("")
    made = footage_index(listing("footage")[0], "footage", CATALOGUE, "minilm", minilm(model))
    assert [entry["id"] for entry in made["entries"]] == ["0001.png", "sunset.png", "rain", "sea"]
    assert not any(made["entries"][0]["vector"])
    assert all(any(entry["vector"]) for entry in made["entries"][1:])
    assert [file["path"] for file in made["refused"]] == ["footage/x.mp4"]
    schema = json.loads((Path(__file__).parents[1] / "config/schemas/footage_index.schema.json").read_text())
    Draft202012Validator(schema).validate(made)
    told = warnings(made)
    assert len(told) == 2
    assert "footage/x.mp4: is left out: cannot be read" in told[0]
    assert "footage/0001.png: neither" in told[1]


def test_without_a_folder_the_index_holds_the_shipped_backgrounds(model):
    catalogue = yaml.safe_load(Path("config/backgrounds.yaml").read_text())
    made = footage_index([], "", catalogue, "minilm", minilm(model))
    assert [entry["id"] for entry in made["entries"]] == sorted(catalogue)


def test_a_folder_full_of_rubbish_gives_a_screen_of_warnings():
    refused = [{"path": f"footage/\x1b[31m{n}.mp4", "why": "is broken"} for n in range(200)]
    told = warnings({"entries": [], "refused": refused})
    assert len(told) == MOST_WARNINGS + 1
    assert "\x1b" not in "".join(told)
