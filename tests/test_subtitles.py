"""Subtitle files: what players and ffmpeg read of them, and when it is shown."""

import html
from itertools import pairwise

import pysubs2
import pytest

from scripts.lib.media import ffmpeg
from scripts.lib.timeline import scene_frames
from scripts.lib.words import split
from scripts.subtitles import columns, cues, srt, vtt

TEXTS = [
    "The ocean covers more than 70% of our planet. Yet we have explored less than five percent of it.",
    "What lives down there is stranger than fiction, and nobody knows why.",
    "It is late.",
]


def say(text: str, rate: float = 15) -> dict:
    words, time = [], 0.0
    for _, word in split(text):
        length = (len(word) + 1) / rate
        words.append({"word": word, "start": round(time, 6), "end": round(time + length, 6)})
        time += length
    return {"engine": "native", "duration": round(time, 6), "words": words}


def subtitles(*texts: str, fps: int = 30) -> list:
    return list(cues([say(text) for text in texts], 0.1, 0.25, fps))


def test_subtitles_follow_one_another_and_say_it_all():
    found = subtitles(*TEXTS)
    assert all(start < end for start, end, _ in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))
    assert " ".join(" ".join(lines) for _, _, lines in found) == " ".join(TEXTS)


def test_a_scene_starts_on_its_frame():
    scenes = [say(text) for text in TEXTS]
    for fps in (10, 30, 60):
        found = list(cues(scenes, 0.1, 0.25, fps))
        start = next(start for start, _, lines in found if lines[0].startswith("What"))
        assert start == scene_frames(scenes[0]["duration"], 0.1, 0.25, fps) / fps


def test_lines_are_two_and_short_enough():
    for text in [*TEXTS, "海洋覆盖了地球表面的百分之七十，我们却知之甚少，" * 3]:
        for _, _, lines in subtitles(text):
            assert len(lines) <= 2 and all(columns(line) <= 42 for line in lines)


def test_sentences_stand_alone_where_they_can_be_read():
    assert [lines for _, _, lines in subtitles("It is late in the year. We should all go home now.")] == [
        ["It is late in the year."],
        ["We should all go home now."],
    ]


def test_wide_characters_count_twice():
    assert columns("ab") == 2 and columns("海洋") == 4 and columns("e\u0301") == 1


HOSTILE = "Tom & <i>Jerry</i> --> {\\an8} \\N 1 00:00:01,000 WEBVTT NOTE"


@pytest.mark.parametrize(("form", "write"), [("srt", srt), ("vtt", vtt)])
def test_files_are_read_back_as_they_were_said(form, write, tmp_path):
    found = subtitles(*TEXTS)
    read = pysubs2.SSAFile.from_string(write(found), format_=form)
    assert [(event.start, event.end) for event in read] == [(round(1000 * a), round(1000 * b)) for a, b, _ in found]
    assert [event.plaintext.split("\n") for event in read] == [lines for _, _, lines in found]
    (tmp_path / f"video.{form}").write_text(write(found))
    ffmpeg("-i", tmp_path / f"video.{form}", tmp_path / "again.ass")
    assert (tmp_path / "again.ass").read_text().count("\nDialogue:") == len(found)


def test_hostile_text_in_srt_is_only_text(tmp_path):
    (tmp_path / "video.srt").write_text(srt(subtitles(HOSTILE)))
    ffmpeg("-i", tmp_path / "video.srt", tmp_path / "again.srt")
    _, _, *lines = (tmp_path / "again.srt").read_text().strip().split("\n")
    assert " ".join(lines).replace("\u2060", "") == HOSTILE


def test_hostile_text_in_vtt_is_only_text():
    _, _, _, *lines = vtt(subtitles(HOSTILE)).strip().split("\n")
    assert html.unescape(" ".join(lines)) == HOSTILE
    assert not any(mark in line for line in lines for mark in ("<", ">"))


def test_a_video_of_no_words_has_empty_files():
    assert srt([]) == "" and vtt([]) == "WEBVTT\n\n"


def test_hours_are_written():
    assert "01:01:01,500 --> 01:01:02,000" in srt([(3661.5, 3662.0, ["a"])])
    assert "01:01:01.500 --> 01:01:02.000" in vtt([(3661.5, 3662.0, ["a"])])
