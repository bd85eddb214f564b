import json
import random
from pathlib import Path

import pytest

from scripts.lib.script import Script, read_script

DEMO = Path(__file__).parents[1] / "projects/demo/script.json"


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("projects/a").mkdir(parents=True)


def read(data: object, name: str = "script.json") -> tuple[Script | None, list[str]]:
    path = Path("projects/a") / name
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return read_script(path)


def script(*scenes: dict, **top: object) -> Script:
    found, problems = read(top | {"scenes": [scene(f"s{number}") | own for number, own in enumerate(scenes, 1)]})
    assert not problems
    return found


def problems(*scenes: object, **top: object) -> list[str]:
    """What is wrong, without the file's name, which every line must open with."""
    listed = [scene(f"s{n}") | own if isinstance(own, dict) else own for n, own in enumerate(scenes, 1)]
    found, wrong = read(top | {"scenes": listed})
    assert found is None
    assert all(line.startswith("projects/a/script.json: ") and line.isprintable() for line in wrong)
    return [line.removeprefix("projects/a/script.json: ") for line in wrong]


def scene(name: str) -> dict:
    return {"id": name, "text": f"This is {name}.", "visualDirection": "The sea."}


def test_the_demo_is_a_good_script():
    found, wrong = read_script(DEMO)
    assert not wrong
    assert not found.warnings
    assert len(found.scenes) == 8
    assert len({scene["visual"] for scene in found.scenes.values()}) == 8


COUNTED = {"prompt_tokens": 600, "completion_tokens": None}


def test_a_script_tells_what_its_writing_cost():
    found = script({}, meta={"model": "m", "calls": [COUNTED | {"id": "x"}, COUNTED], "topic": "sea"})
    assert found.cost == {"calls": [COUNTED, COUNTED], "model": "m"}
    assert script({}).cost is None


@pytest.mark.parametrize(
    "meta",
    [
        *({"model": "m"}, {"model": "m", "calls": []}, {"model": "m", "calls": 3}, {"model": "m", "calls": {"a": 1}}),
        *({"calls": [COUNTED]}, {"model": ["m"], "calls": [COUNTED]}, {"model": "m", "calls": [COUNTED, None]}),
        {"model": "m", "calls": [{"prompt_tokens": 1}]},
        {"model": "m", "calls": [{"prompt_tokens": -1, "completion_tokens": True}]},
        {"model": "m", "calls": [{"prompt_tokens": "many", "completion_tokens": 1.5}]},
    ],
)
def test_what_others_write_into_meta_is_harmless(meta):
    assert script({}, meta=meta).cost is None


def test_a_scene_has_every_field():
    own = {"duration": 3, "mood": "calm", "sources": ["https://x.org"], "searchTerms": [" blue  sea "]}
    found = script(own, {})
    assert list(found.scenes) == ["s1", "s2"]
    told = {"id": "s1", "text": "This is s1.", "visual": "The sea.", "duration": 3.0, "terms": ["blue sea"]}
    untold = {"id": "s2", "text": "This is s2.", "visual": "The sea.", "duration": None, "terms": []}
    nothing = {"footage": None, "reject": []}
    assert found.scenes["s1"] == told | nothing | {"mood": "calm", "sources": ["https://x.org"]}
    assert found.scenes["s2"] == untold | nothing | {"mood": None, "sources": []}


def test_json_and_yaml_are_the_same_script():
    written = "title: A\nscenes:\n  - id: s1\n    text: >\n      This\n      is s1.\n    visualDirection: The sea.\n"
    assert read(written, "script.yaml") == read({"title": "A", "scenes": [scene("s1")]})


def test_white_space_and_composed_letters_make_no_difference():
    found = script({"text": "  Cafe\u0301\n\tau  lait\u00a0! "})
    assert found.scenes["s1"]["text"] == "Café au lait !"


@pytest.mark.parametrize(
    "text",
    [
        "日本語のテキスト",
        "مرحبا بالعالم",
        "नमस्ते दुनिया",
        "Quotes \" and ' and \\ and {\\b1} and %{} and $(ls)",
        "A party 🎉 with 👩‍🚀!",
        "7",
        "a" * 5000,
    ],
)
def test_any_text_that_can_be_spoken_is_kept_as_it_is(text):
    assert script({"text": text}).scenes["s1"]["text"] == text


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"text": ""}, "scene 1 (s1), text: is empty; write what is to be spoken"),
        ({"text": " \n "}, "scene 1 (s1), text: is empty; write what is to be spoken"),
        ({"text": "?! …"}, "scene 1 (s1), text: has no letter and no digit; write what is to be spoken"),
        ({"text": "🎉"}, "scene 1 (s1), text: has no letter and no digit; write what is to be spoken"),
        ({"text": "a" * 100_000}, "scene 1 (s1), text: is 100,000 characters long; at most 5,000 are allowed"),
        ({"text": True}, "scene 1 (s1), text: must be text, not true or false"),
        ({"text": ["a"]}, "scene 1 (s1), text: must be text, not a list"),
        ({"text": None}, "scene 1 (s1), text: is missing; write what is to be spoken"),
        (
            {"text": "a\x00b"},
            "scene 1 (s1), text: holds the character U+0000, which cannot be spoken or shown; remove it",
        ),
        (
            {"text": "a\x1b[2J"},
            "scene 1 (s1), text: holds the character U+001B, which cannot be spoken or shown; remove it",
        ),
        (
            {"text": "a\ud800"},
            "scene 1 (s1), text: holds the character U+D800, which cannot be spoken or shown; remove it",
        ),
        ({"visualDirection": " "}, "scene 1 (s1), visualDirection: is empty; describe what is to be seen"),
        ({"duration": -1}, "scene 1 (s1), duration: must be more than 0, not -1"),
        ({"visualdirection": "x"}, "scene 1 (s1), visualdirection: is not a known key; did you mean visualDirection?"),
        (
            {"visual_direction": "x"},
            "scene 1 (s1), visual_direction: is not a known key; did you mean visualDirection?",
        ),
        ({"txet": "x"}, "scene 1 (s1), txet: is not a known key; did you mean text?"),
        ({"id": "../x"}, "scene 1 (../x), id: must be letters, digits, - and _, starting with a letter or a digit"),
        ({"id": "a\n"}, "scene 1 (a\\n), id: must be letters"),
        ({"id": ""}, "scene 1, id: is empty; must be letters"),
        ({"id": "-x"}, "scene 1 (-x), id: must be letters"),
        ({"id": "é"}, "scene 1 (é), id: must be letters"),
        ({"id": "a" * 300}, "id: is 300 characters long; at most 64 are allowed"),
        ({"footage": "/etc/passwd"}, "scene 1 (s1), footage: must be a file inside the workspace"),
        ({"footage": "../../x.mp4"}, "scene 1 (s1), footage: must be a file inside the workspace"),
        ({"footage": "a\\b.mp4"}, "scene 1 (s1), footage: must be a file inside the workspace"),
        ({"footage": ""}, "scene 1 (s1), footage: must be a file inside the workspace"),
        ({"footage": "x.mp4"}, "scene 1 (s1), footage: names a file that is not there"),
        ({"footage": "x" * 300}, "scene 1 (s1), footage: names a file that is not there"),
        ({"footage": "projects"}, "scene 1 (s1), footage: names a file that is not there"),
        ({"footage": "pexel:12"}, "scene 1 (s1), footage: names the unknown provider pexel; did you mean pexels?"),
        ({"footage": "pexels:../12"}, "scene 1 (s1), footage: is no clip of pexels"),
        ({"reject": ["footage/x.mp4", "pexels:x"]}, "scene 1 (s1), reject 2: is no clip of pexels"),
        ({"reject": "x"}, "scene 1 (s1), reject: must be a list, not text"),
        ({"searchTerms": ["sea", ""]}, "scene 1 (s1), searchTerms 2: is empty"),
    ],
)
def test_a_fault_of_a_scene_names_scene_field_and_remedy(own, expected):
    assert any(expected in line for line in problems(own))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (
            {},
            "projects/a/script.json: scenes: is missing; give a list of scenes, each with id, text and visualDirection",
        ),
        ({"scenes": []}, "projects/a/script.json: scenes: is empty; give at least one"),
        ({"scenes": {}}, "projects/a/script.json: scenes: must be a list, not a mapping of keys"),
        ({"scenes": ["x"]}, "projects/a/script.json: scene 1: must be a mapping of keys, not text"),
        ([], "projects/a/script.json: must be a mapping of keys, not a list"),
        ("", "projects/a/script.json: line 1, column 1: is not valid JSON: the file is empty"),
        ("null", "projects/a/script.json: scenes: is missing"),
        ({"scenes": [scene("a")], "schemaVersion": "2.0.0"}, "script.json: schemaVersion: must be 1.0.0, not 2.0.0"),
        ({"scenes": [scene("a")], "titel": "x"}, "script.json: titel: is not a known key; did you mean title?"),
        ({"scenes": [scene("a")], "hashtags": ["x", 1.5]}, "script.json: hashtags 2: must be text, not a number"),
        ({"scenes": [scene("a")], "hook": "…"}, "script.json: hook: has no letter and no digit"),
        ({"scenes": [scene(f"s{n}") for n in range(501)]}, "scenes: has 501 entries; at most 500 are allowed"),
    ],
)
def test_a_fault_of_the_script_says_what_to_do(written, expected):
    found, wrong = read(written)
    assert found is None
    assert len(wrong) == 1
    assert expected in wrong[0]


def test_all_faults_are_told_at_once_in_the_order_of_the_scenes():
    wrong = problems({"text": ""}, {"id": "../x", "footag": 1}, "x", {"visualDirection": 3.5}, title=[])
    assert [line.split(": ")[0] for line in wrong] == [
        "scene 1 (s1), text",
        "scene 2 (../x), footag",
        "scene 2 (../x), id",
        "scene 3",
        "scene 4 (s4), visualDirection",
        "title",
    ]


def test_ids_must_differ_in_more_than_case():
    assert problems({"id": "intro"}, {"id": "intro"}) == [
        "scene 2 (intro), id: is taken by scene 1 (intro); ids must differ, and in more than case"
    ]
    assert problems({"id": "intro"}, {}, {"id": "Intro"})[0].startswith("scene 3 (Intro), id: is taken by scene 1")


def test_a_long_list_of_faults_is_cut():
    assert len(problems(*[{"text": ""}] * 200)) == 51


def test_a_hook_that_no_scene_says_is_spoken_first():
    found = script({"searchTerms": ["sea"], "mood": "calm"}, {}, hook="Did you know?")
    assert list(found.scenes) == ["hook", "s1", "s2"]
    hook = found.scenes["hook"]
    assert (hook["text"], hook["visual"], hook["terms"]) == ("Did you know?", "The sea.", ["sea"])
    assert (hook["footage"], hook["reject"], hook["duration"]) == (None, [], None)


def test_a_cta_that_no_scene_says_is_spoken_last_over_the_first_scenes_picture():
    found = script({"visualDirection": "Snow."}, {}, hook="Did you know?", cta="Follow us.")
    assert list(found.scenes) == ["hook", "s1", "s2", "cta"]
    assert found.scenes["cta"]["visual"] == "Snow."


@pytest.mark.parametrize(
    ("text", "hook", "spoken"),
    [
        ("Did you know? The sea is deep.", "Did you know?", False),
        ("Did you know the sea is deep?", "did you KNOW", False),
        ("Tell me: did you know it?", "Did you know?", False),
        ("One two three four five six seven", "One, two, three, four, five, six, eight!", False),
        ("One two three four five nine", "One two three four five six", True),
        ("The sea is deep.", "Did you know?", True),
        ("The sea is deep.", "", False),
        ("海は深い。知っていますか", "海は深い!", False),
    ],
)
def test_a_hook_is_spoken_once(text, hook, spoken):
    assert ("hook" in script({"text": text}, {}, hook=hook).scenes) == spoken


@pytest.mark.parametrize(
    ("text", "cta", "spoken"),
    [
        ("The end. Follow us!", "Follow us.", False),
        ("Now like and share and follow us today", "Please like and share and follow us today", False),
        ("The end.", "Follow us.", True),
    ],
)
def test_a_cta_is_spoken_once(text, cta, spoken):
    assert ("cta" in script({}, {"text": text}, cta=cta).scenes) == spoken


def test_a_scene_of_that_id_stands_for_the_hook_and_the_cta():
    found = script({"id": "Hook"}, {"id": "cta"}, hook="Did you know?", cta="Follow us.")
    assert list(found.scenes) == ["Hook", "cta"]


def test_footage_is_named_from_the_workspace():
    for name in ("projects/a/media/own.mp4", "footage/sub/sea.mp4"):
        Path(name).parent.mkdir(parents=True)
        Path(name).touch()
    found = script(
        {"footage": "media/own.mp4", "reject": ["./footage/sub/sea.mp4", "pexels:15", "gone.mp4"]},
        {"footage": "footage/sub/sea.mp4"},
        {"footage": "procedural:aurora"},
    )
    assert [scene["footage"] for scene in found.scenes.values()] == [
        "projects/a/media/own.mp4",
        "footage/sub/sea.mp4",
        "procedural:aurora",
    ]
    assert found.scenes["s1"]["reject"] == ["footage/sub/sea.mp4", "pexels:15", "gone.mp4"]


def test_a_content_machine_script_is_read_with_all_its_fields():
    read_too = {"schemaVersion": "1.0.0", "title": "Rotate 90°", "hashtags": ["#math", " complex numbers "]}
    unread = {"hook": "Other words.", "cta": None, "reasoning": "…", "meta": {"topic": "x"}, "extra": {}}
    older = {"metadata": {}, "sections": []}
    found = script({"id": "hook", "duration": 4, "extra": {"anything": [1]}}, **read_too, **unread, **older)
    assert (found.title, found.hashtags, list(found.scenes)) == ("Rotate 90°", ["math", "complex numbers"], ["hook"])


PAYLOAD = {
    "scenes": [{"text": "hello world", "searchTerms": ["rain", "street"]}, {"text": "bye", "searchTerms": ["sun"]}],
    "config": {"orientation": "landscape", "captionPosition": "center", "musicVolume": "muted"},
}


def test_a_request_of_short_video_maker_is_a_script():
    found, wrong = read(PAYLOAD)
    assert not wrong
    assert list(found.scenes) == ["s01", "s02"]
    assert found.scenes["s01"]["visual"] == "rain, street"
    assert found.scenes["s01"]["terms"] == ["rain", "street"]
    assert found.settings == {
        "video": {"width": 1920, "height": 1080},
        "captions": {"position": "center"},
        "music": {"path": ""},
    }
    assert not found.warnings


def test_what_a_request_cannot_say_here_is_named_in_a_warning():
    config = {"voice": "bm_lewis", "paddingBack": 1500, "orientatoin": "portrait", "musicVolume": "low"}
    found, wrong = read(PAYLOAD | {"config": config})
    assert not wrong
    assert found.settings == {"music": {"volume_db": -14.0}}
    assert found.warnings == [
        "projects/a/script.json: config.orientatoin: is not used; did you mean orientation?",
        "projects/a/script.json: config.paddingBack: is not used; set narration.pad_after in the project's config.yaml",
        "projects/a/script.json: config.voice: is not used; choose narration.voice in the project's config.yaml",
    ]


def test_a_faulty_request_is_refused_like_a_script():
    _, wrong = read({"scenes": [{"text": "!", "searchTerms": []}, 3], "config": {"orientation": "square"}})
    assert wrong == [
        "projects/a/script.json: config.orientation: must be one of portrait, landscape, not square",
        "projects/a/script.json: scene 1, searchTerms: is empty; give at least one",
        "projects/a/script.json: scene 1, text: has no letter and no digit; write what is to be spoken",
        "projects/a/script.json: scene 2: must be a mapping of keys, not a whole number",
    ]


def test_a_missing_script_is_a_problem():
    assert read_script(Path("projects/a/script.json")) == (None, ["projects/a/script.json: is missing"])


def anything(dice: random.Random, depth: int = 4) -> object:
    keys = [
        "scenes",
        "id",
        "text",
        "visualDirection",
        "searchTerms",
        "config",
        "hook",
        "cta",
        "footage",
        "reject",
        "x\n\x1b",
    ]
    leaves = [None, True, 0, -1, 1e308, 10**30, "", "a", "s1", "\ud800", "\x00", "a:b", "../x", "x" * 600, "🎉\u202e"]
    match dice.randrange(4) if depth else 0:
        case 0 | 1:
            return dice.choice(leaves)
        case 2:
            return [anything(dice, depth - 1) for _ in range(dice.randrange(4))]
        case _:
            return {dice.choice(keys): anything(dice, depth - 1) for _ in range(dice.randrange(6))}


def test_no_document_whatsoever_raises():
    dice = random.Random(1)
    for _ in range(600):
        data = anything(dice)
        if dice.random() < 0.7:
            data = {"scenes": [anything(dice, 2) for _ in range(3)], dice.choice(["hook", "config", "title"]): data}
        found, wrong = read(json.dumps(data))
        assert (found is None) == bool(wrong)
        assert all(line.startswith("projects/a/script.json: ") and line.isprintable() for line in wrong)


def test_no_broken_file_whatsoever_raises():
    dice = random.Random(2)
    good = DEMO.read_bytes()
    for round in range(300):
        data = bytearray(good)
        for _ in range(dice.randrange(1, 5)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        path = Path("projects/a") / ("script.json" if round % 2 else "script.yaml")
        path.write_bytes(data[: dice.randrange(1, len(data))] if dice.random() < 0.3 else data)
        _, wrong = read_script(path)
        assert all(line.startswith(f"{path}: ") and line.isprintable() for line in wrong)
