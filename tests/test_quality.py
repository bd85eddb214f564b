"""quality.json says what is wrong with a finished video, and nothing of one that is fit to post."""

import json
from pathlib import Path

import pytest
from conftest import ROOT, clip
from jsonschema import Draft202012Validator

from scripts.captions import captions
from scripts.lib.config import complete
from scripts.lib.inspection import inspect
from scripts.lib.media import MediaError, ffmpeg
from scripts.lib.quality import complaints, report
from scripts.quality import caption_rows, quality
from scripts.segment import segment

SETTINGS = {"width": 180, "height": 320, "fps": 30}
CAPTIONS = (0.5, 0.9)
MOVING = "testsrc2=s=180x320:r=30"
STAR = "drawbox=x=40:y=60:w=4:h=8:c=white@0.7:t=fill"
TONE = "sine=1000:r=48000,volume=7dB"


def film(folder: Path, *, picture: str = MOVING, sound: str | None = TONE, frames: int = 120, args: tuple = ()) -> Path:
    """A video of 4 s, as the build makes them unless told otherwise."""
    out = folder / "video.mp4"
    tone = ("-f", "lavfi", "-i", f"{sound},atrim=end=4", "-c:a", "aac", "-b:a", "128k") if sound else ()
    ffmpeg(
        *("-f", "lavfi", "-i", picture, *tone),
        *("-frames:v", frames, "-c:v", "libx264", "-preset", "veryfast", "-crf", "21", "-g", "60"),
        *("-pix_fmt", "yuv420p", "-movflags", "+faststart", *args),
        out,
    )
    return out


def scene(id: str, start: float, **other) -> dict:
    """A scene of 2 s from `start` on, spoken without a pause."""
    words = [{"start": start + 0.1, "end": start + 1.75}]
    pages = [{"start": start + 0.1, "end": start + 1.75, "text": "Waves come and go."}]
    clip = {"provider": "local", "id": f"{id}.mp4"}
    return {"id": id, "frames": 60, "clip": clip, "doubts": [], "words": words, "pages": pages} | other


SCENES = [scene("s01", 0.0), scene("s02", 2.0)]


def judged(path: Path, scenes: list[dict] = SCENES) -> dict:
    made = report(inspect(path, CAPTIONS), scenes, SETTINGS)
    Draft202012Validator(json.loads((ROOT / "config/schemas/quality.schema.json").read_text())).validate(made)
    return made


def faults(made: dict) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in made["checks"] if check["verdict"] != "good"}


def value(made: dict, name: str) -> object:
    return next(check["value"] for check in made["checks"] if check["name"] == name)


def test_a_good_video_has_nothing_wrong(tmp_path):
    made = judged(film(tmp_path))
    assert (made["verdict"], faults(made), complaints(made)) == ("good", {}, [])
    assert (made["length"], made["footage"], made["fallbacks"]) == (4.0, {"local": 2}, 0)
    assert value(made, "loudness") == pytest.approx(-14, abs=0.5)


def test_a_black_stretch_is_found_under_the_captions(tmp_path):
    caption = "drawbox=y=200:h=40:x=mod(40*t\\,90):w=90:c=white:t=fill"
    made = judged(film(tmp_path, picture=f"{MOVING},drawbox=t=fill:c=black:enable='between(t,1.5,2.8)',{caption}"))
    assert faults(made) == {"black stretch": "warning"}
    assert value(made, "black stretch").endswith(" s (s01, s02)")
    assert complaints(made)[0].startswith("black stretch: 1.") and "`reject`" in complaints(made)[0]


def test_a_frozen_stretch_is_found_under_the_captions(tmp_path):
    still = f"{MOVING},noise=alls=40,trim=end_frame=40,tpad=stop_mode=clone:stop=80"
    made = judged(film(tmp_path, picture=f"{still},drawbox=y=200:h=40:x=mod(40*t\\,90):w=90:c=white:t=fill"))
    assert faults(made) == {"frozen stretch": "warning"} and value(made, "frozen stretch").endswith("-4 s (s01, s02)")


@pytest.mark.parametrize(
    "picture",
    [
        f"color=0x080818:s=180x320:r=30,{STAR},{STAR}:x=120:enable='lt(mod(t\\,2)\\,1)'",
        "testsrc=s=240x400:r=30,crop=180:320:x=t*3:y=0,format=gray,eq=brightness=-0.2:contrast=0.4",
    ],
    ids=["a star that twinkles", "a slow pan"],
)
def test_quiet_pictures_are_neither_black_nor_frozen(tmp_path, picture):
    assert faults(judged(film(tmp_path, picture=picture))) == {}


def test_a_wrong_size_is_bad(tmp_path):
    made = judged(film(tmp_path, picture="testsrc2=s=320x180:r=30"))
    assert (made["verdict"], faults(made)) == ("bad", {"frame size": "bad"})


def test_a_wrong_rate_is_bad(tmp_path):
    made = judged(film(tmp_path, picture="testsrc2=s=180x320:r=25", frames=100))
    assert faults(made) == {"frame rate": "bad", "frames": "bad"}


def test_a_missing_frame_is_bad(tmp_path):
    assert faults(judged(film(tmp_path, frames=119)))["frames"] == "bad"


def test_silence_is_bad(tmp_path):
    made = judged(film(tmp_path, sound="anullsrc=r=48000"))
    assert faults(made) == {"loudness": "bad", "silence": "bad"}


def test_a_quiet_sound_is_bad_and_one_a_little_quiet_a_warning(tmp_path):
    assert faults(judged(film(tmp_path, sound="sine=1000:r=48000,volume=-3dB"))) == {"loudness": "bad"}
    assert faults(judged(film(tmp_path, sound="sine=1000:r=48000,volume=5dB"))) == {"loudness": "warning"}


def test_a_sound_that_clips_is_named(tmp_path):
    assert "true peak" in faults(judged(film(tmp_path, sound="sine=1000:r=48000,volume=24dB")))


def test_no_sound_at_all_is_bad(tmp_path):
    assert faults(judged(film(tmp_path, sound=None))) == {"sound length": "bad", "loudness": "bad"}


def test_a_silence_where_words_are_spoken_is_found_and_a_pause_is_not(tmp_path):
    path = film(tmp_path, sound=f"{TONE},volume=0:enable='between(t,1,2.5)'")
    assert faults(judged(path)) == {"silence": "warning"}
    first = scene("s01", 0.0, words=[{"start": 0.1, "end": 1.0}])
    second = scene("s02", 2.0, words=[{"start": 2.5, "end": 3.9}])
    assert faults(judged(path, [first, second])) == {}


def test_an_index_at_the_end_is_a_warning(tmp_path):
    assert faults(judged(film(tmp_path, args=("-movflags", "0")))) == {"faststart": "warning"}


def test_captions_too_fast_to_read_are_a_warning(tmp_path):
    fast = [{"start": 0.1, "end": 0.5, "text": "Waves come and go."}]
    made = judged(film(tmp_path), [scene("s01", 0.0, pages=fast), scene("s02", 2.0, pages=[])])
    assert faults(made) == {"reading speed": "warning", "shortest page": "warning"}
    assert (value(made, "reading speed"), value(made, "shortest page")) == (45.0, 0.4)


def test_a_repeated_clip_is_a_warning_and_a_generated_one_a_note(tmp_path):
    stars = {"provider": "procedural", "id": "stars"}
    path = film(tmp_path)
    made = judged(path, [scene("s01", 0.0, clip=stars), scene("s02", 2.0)])
    assert (made["verdict"], made["fallbacks"], value(made, "generated backgrounds")) == ("good", 1, 1)
    made = judged(path, [scene("s01", 0.0, clip=stars), scene("s02", 2.0, clip=stars)])
    assert (made["verdict"], value(made, "repeated clips")) == ("warnings", "procedural:stars")


def test_a_hostile_name_stays_on_its_line(tmp_path):
    evil = {"provider": "local", "id": "a\nerror: \x1b[2Jb.mp4"}
    made = judged(film(tmp_path), [scene("s01", 0.0, clip=evil), scene("s02", 2.0, clip=evil)])
    assert complaints(made)[0].startswith("repeated clips: local:a\\nerror: \\x1b[2Jb.mp4, wanted none")


def test_a_video_cut_off_in_its_file_is_bad(tmp_path):
    path = film(tmp_path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert faults(judged(path))["frames"] == "bad"


def test_a_file_that_is_no_video_is_refused(tmp_path):
    (tmp_path / "video.mp4").write_text("#EXTM3U\n/etc/passwd\n")
    with pytest.raises(MediaError, match="cannot be read as a video"):
        inspect(tmp_path / "video.mp4", CAPTIONS)


@pytest.mark.parametrize("style", ["karaoke", "pill", "bold", "minimal"])
@pytest.mark.parametrize("position", ["top", "center", "bottom"])
def test_real_captions_hide_no_black_picture(tmp_path, style, position):
    """The rows that are left out are the rows in which captions stand."""
    own = {"width": 180, "height": 320, "fps": 10, "pad_before": 0.1, "pad_after": 0.25}
    settings = complete({}, "config")[0]
    settings = (
        settings["video"] | settings["captions"] | {"style": style, "position": position, "preset": "ultrafast"} | own
    )
    spoken = enumerate(["Waves", "come", "and", "go"])
    said = [{"word": word, "start": n * 0.3, "end": n * 0.3 + 0.25} for n, word in spoken]
    words = {"engine": "native", "duration": 1.25, "words": said}
    fonts = [str(font) for font in sorted(ROOT.glob("config/fonts/*.ttf"))]
    text = captions(said, 1.25, settings, fonts)
    (tmp_path / "captions.ass").write_text(text)
    clip(tmp_path / "clip.mp4", "color=black:s=180x320:r=10", seconds=1)
    segment(tmp_path / "clip.mp4", tmp_path / "captions.ass", fonts, 16, settings, tmp_path / "video.mp4")
    made = quality(tmp_path / "video.mp4", ["s01"], [words], [SCENES[0]["clip"]], [text], settings)
    assert value(made, "black stretch") == "0-1.6 s (s01)"
    assert value(made, "shortest page") > 0.3
    top, bottom = caption_rows([text], 320)
    assert bottom - top < 0.45


def test_a_video_without_captions_is_looked_at_whole():
    assert caption_rows(["[Events]\n"], 320) == (0.0, 0.0)


def test_a_narration_that_does_not_say_the_script_is_a_warning(tmp_path):
    doubt = "“The sea is blue.” is not heard"
    made = judged(film(tmp_path), [SCENES[0], scene("s02", 2.0, doubts=[doubt])])
    assert faults(made) == {"narration": "warning"}
    assert value(made, "narration") == f"s02: {doubt}"
    assert complaints(made)[0].startswith(f"narration: s02: {doubt}, wanted the script; listen")
