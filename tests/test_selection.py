import itertools
import json
import random
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from scripts.lib.assignment import assign, deal
from scripts.lib.errors import UserError
from scripts.selection import CHOICE, name, score, selection, unfilmed

FRAME = {"width": 1080, "height": 1920}
PROVIDERS = ["local", "pexels", "pixabay", "procedural"]


def clip(id_, similarity=0.5, provider="local", **other):
    path = f"footage/{id_}" if provider == "local" else None
    plain = {"kind": "video", "page": None, "author": None, "licence": None, "url": None, "size": [1080, 1920]}
    return {"provider": provider, "id": id_, "path": path, **plain, "duration": 10.0, "similarity": similarity} | other


def background(id_, similarity=0.5):
    return clip(id_, similarity, "procedural", duration=None)


def filmed(id_, similarity=0.5, provider="pexels", **other):
    return clip(str(id_), similarity, provider, url=f"https://x.org/{id_}.mp4", **other)


def wish(pin=None, reject=(), duration=5.0):
    return {"duration": duration, "pin": pin, "reject": list(reject)}


def choose(offered, avoid=(), providers=PROVIDERS, min_similarity=0.2, **wishes):
    scenes = {scene: wishes.get(scene, wish()) for scene in offered}
    made = selection(offered, list(avoid), scenes, providers, min_similarity, **FRAME)
    return {scene: [name(clip) for clip in clips] for scene, clips in made.items()}


def shown(offered, **settings):
    return {scene: clips[0] for scene, clips in choose(offered, **settings).items()}


def best_by_trying(costs):
    """The least of (repeats, costs) over all assignments there are."""

    def worth(clips):
        uses = sorted(clips)
        repeats = sum(n for _, group in itertools.groupby(uses) for n, _ in enumerate(group))
        return repeats, sum(costs[scene][clip] for scene, clip in zip(costs, clips, strict=True))

    return min(worth(clips) for clips in itertools.product(*costs.values()))


def test_the_assignment_is_the_best_there_is():
    for seed in range(150):
        chance = random.Random(seed)
        clips = "abcdef"[: chance.randint(1, 6)]
        costs = {
            f"s{n}": {clip: chance.randrange(20) for clip in chance.sample(clips, chance.randint(1, len(clips)))}
            for n in range(chance.randint(1, 5))
        }
        chosen = assign(costs)
        used = sorted(chosen.values())
        repeats = sum(n for _, group in itertools.groupby(used) for n, _ in enumerate(group))
        assert (repeats, sum(costs[scene][clip] for scene, clip in chosen.items())) == best_by_trying(costs), seed


def test_the_assignment_does_not_depend_on_the_order_of_scenes_or_clips():
    for seed in range(30):
        chance = random.Random(seed)
        costs = {f"s{n}": {clip: chance.randrange(3) for clip in "abcdefg"} for n in range(5)}
        mixed = {scene: dict(chance.sample(list(costs[scene].items()), 7)) for scene in chance.sample(list(costs), 5)}
        assert assign(mixed) == assign(costs)


def test_of_equal_clips_the_first_by_name_is_taken():
    assert assign({"s": {"b": 1, "a": 1, "c": 1}}) == {"s": "a"}
    assert shown({"s": [clip("b.mp4"), clip("a.mp4")]}) == {"s": "footage/a.mp4"}


def test_a_clip_goes_where_the_whole_video_gains_most():
    offered = {
        "first": [clip("sea.mp4", 0.6), clip("lake.mp4", 0.55)],
        "second": [clip("sea.mp4", 0.58), clip("lake.mp4", 0.3)],
    }
    assert shown(offered) == {"first": "footage/lake.mp4", "second": "footage/sea.mp4"}


def test_an_earlier_provider_is_preferred_where_it_has_something_similar_enough():
    likest = background("sea", 0.9)
    assert shown({"s": [likest, clip("a.mp4", 0.21)]}) == {"s": "footage/a.mp4"}
    assert shown({"s": [likest, clip("a.mp4", 0.19)]}) == {"s": "procedural:sea"}
    assert shown({"s": [background("sea", 0.1), clip("a.mp4", 0.19)]}) == {"s": "procedural:sea"}
    assert shown({"s": [likest, clip("a.mp4", 0.19)]}, min_similarity=-1.0) == {"s": "footage/a.mp4"}
    assert shown({"s": [clip("a.mp4", 0.19), clip("b.mp4", 0.1)]}, providers=["local"]) == {"s": "footage/a.mp4"}


def test_preference_holds_for_the_whole_video_before_any_score():
    offered = {
        "a": [clip("x.mp4", 0.9), background("sea", 0.9)],
        "b": [clip("x.mp4", 0.3), background("sea", 0.6), clip("y.mp4", 0.05)],
        "c": [clip("x.mp4", 0.3), clip("z.mp4", 0.25), background("sea", 0.8)],
    }
    assert shown(offered) == {"a": "footage/x.mp4", "b": "procedural:sea", "c": "footage/z.mp4"}


def test_fitting_clips_are_preferred_among_those_that_show_the_same():
    assert shown({"s": [clip("a.mp4", size=[1920, 1080]), clip("b.mp4")]}) == {"s": "footage/b.mp4"}
    assert shown({"s": [clip("a.mp4", size=[270, 480]), clip("b.mp4")]}) == {"s": "footage/b.mp4"}
    assert shown({"s": [clip("a.mp4", duration=1.0), clip("b.mp4")]}) == {"s": "footage/b.mp4"}
    likest = clip("a.mp4", 0.8, size=[1920, 1080], duration=3.0)
    assert shown({"s": [likest, clip("b.mp4", 0.4)]}) == {"s": "footage/a.mp4"}


def test_a_score_adds_a_tenth_for_each_perfect_fit():
    def fits(frame, **other):
        return pytest.approx((score(clip("a", 0.5, **other), 5, *frame) - 0.5) / 0.1)

    assert fits((1080, 1920)) == 1 + 1 + 1
    assert fits((1080, 1920), size=[3840, 2160]) == (9 / 16) ** 2 + 1 + 1
    assert fits((1080, 1920), size=[540, 960], duration=2.5) == 1 + 0.5 + 0.5
    assert fits((1920, 1080), size=[1080, 1080], duration=None) == 9 / 16 + 9 / 16 + 1


def test_no_clip_is_shown_twice_where_another_is_left():
    backgrounds = [background(id_, 0.9 if id_ == "sea" else -0.1) for id_ in ("sea", "fire", "rain", "snow")]
    offered = {f"s{n}": list(backgrounds) for n in range(4)}
    assert len(set(shown(offered).values())) == 4


def test_with_more_scenes_than_clips_each_is_shown_as_often_as_any_other():
    offered = {f"s{n}": [background("sea", 0.9), background("fire", 0.1), clip("x.mp4", 0.7)] for n in range(8)}
    used = list(shown(offered).values())
    assert sorted(used.count(clip) for clip in set(used)) == [2, 3, 3]


def test_a_pin_is_shown_and_taken_from_the_other_scenes():
    each = [clip("a.mp4", 0.9), clip("b.mp4", 0.3), background("sea", 0.1)]
    offered = {"one": each, "two": each, "three": each}
    made = choose(offered, two=wish("footage/a.mp4"), three=wish("procedural:sea"))
    assert made["two"] == ["footage/a.mp4"]
    assert made["three"] == ["procedural:sea"]
    assert made["one"] == ["footage/b.mp4", "procedural:sea"]
    only = {scene: [background("sea")] for scene in ("one", "two")}
    assert shown(only, one=wish("procedural:sea")) == {"one": "procedural:sea", "two": "procedural:sea"}


def test_a_pin_keeps_what_is_known_of_the_clip(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("projects").mkdir()
    Path("projects/own.mp4").write_bytes(b"")
    offered = {"one": [background("sea")], "two": [clip("a.mp4", author="Ada")]}
    scenes = {"one": wish("footage/a.mp4"), "two": wish("projects/own.mp4")}
    made = selection(offered, [], scenes, PROVIDERS, 0.2, **FRAME)
    assert made["one"][0]["author"] == "Ada"
    assert {key: made["two"][0][key] for key in CHOICE} == dict.fromkeys(CHOICE) | {
        "provider": "local",
        "id": "projects/own.mp4",
        "path": "projects/own.mp4",
        "size": [1080, 1920],
    }


@pytest.mark.parametrize(("pin", "near"), [("procedural:see", "procedural:sea"), ("footage/b.mp4", "footage/a.mp4")])
def test_a_pin_of_nothing_is_an_error_that_names_the_scene_and_what_is_near(pin, near):
    with pytest.raises(UserError, match=rf"scene one: footage: {pin} is neither.*did you mean {near}"):
        choose({"one": [background("sea"), clip("a.mp4")]}, one=wish(pin))


def test_what_is_rejected_is_not_shown_there_and_is_no_alternate():
    offered = {scene: [clip("a.mp4", 0.9), background("sea", 0.9), background("rain", 0.1)] for scene in ("one", "two")}
    made = choose(offered, one=wish(reject=["footage/a.mp4", "procedural:sea"]))
    assert made["one"] == ["procedural:rain"]
    assert made["two"][0] == "footage/a.mp4"


def test_a_scene_that_is_left_with_nothing_is_an_error():
    with pytest.raises(UserError, match="scene one: no clip is left"):
        choose({"one": [clip("a.mp4")]}, one=wish(reject=["footage/a.mp4"]))
    with pytest.raises(UserError, match="scene one: no clip is left"):
        choose({"one": [clip("a.mp4")]}, avoid=[clip("a.mp4")])


def test_clips_of_videos_to_avoid_are_not_used_and_their_backgrounds_last():
    offered = {"one": [clip("a.mp4", 0.9), clip("b.mp4", 0.1), background("sea", 0.9)]}
    used = [clip("a.mp4"), background("sea")]
    assert choose(offered, avoid=used) == {"one": ["footage/b.mp4", "procedural:sea"]}
    assert choose({"one": [background("sea")]}, avoid=used) == {"one": ["procedural:sea"]}
    many = {f"s{n}": [background("sea", 0.9), background("rain", -0.2)] for n in range(2)}
    assert sorted(shown(many, avoid=used).values()) == ["procedural:rain", "procedural:sea"]
    assert shown({"one": [clip("b.mp4")]}, avoid=used, one=wish("footage/b.mp4")) == {"one": "footage/b.mp4"}


def test_alternates_are_what_no_scene_shows_best_first_and_backgrounds_at_the_end():
    own = [clip("a.mp4", 0.9), clip("b.mp4", 0.8), clip("c.mp4", 0.7), clip("d.mp4", 0.1)]
    offered = {
        "one": [*own, background("sea"), background("rain")],
        "two": [clip("b.mp4", 0.9), background("rain", 0.3)],
        "three": [background("rain", 0.3)],
    }
    made = choose(offered)
    assert made["one"] == ["footage/a.mp4", "footage/c.mp4", "procedural:sea", "footage/d.mp4"]
    assert made["two"] == ["footage/b.mp4", "procedural:rain"]  # which three shows: none is left of its own


def test_no_clip_is_the_alternate_of_two_scenes():
    for seed in range(20):
        chance = random.Random(seed)
        clips = [filmed(n, 0) for n in range(60)] + [background(str(n), 0) for n in range(20)]
        offered = {
            f"s{n}": [c | {"similarity": chance.random()} for c in chance.sample(clips[:60], 30) + clips[60:]]
            for n in range(chance.randint(1, 12))
        }
        made = choose(offered)
        names = [clip for clips in made.values() for clip in clips]
        assert len(names) == len(set(names))
        assert set(names) == {name(clip) for clips in offered.values() for clip in clips}
        ahead = {scene: clips[:3] for scene, clips in made.items()}
        assert all(sum(clip.startswith("pexels") for clip in clips) >= 2 for clips in ahead.values()), ahead


def test_clips_are_dealt_in_rounds_and_go_where_they_fit_best():
    costs = {
        "a": {"x": 1, "y": 5, "z": 9},
        "b": {"x": 2, "y": 3, "z": 4, "w": 8},
        "c": {"x": 7, "held": 0},
        "d": {},
    }
    free = {"w", "x", "y", "z"}
    assert deal(costs, free) == {"a": ["x"], "b": ["y", "z", "w"], "c": [], "d": []}
    assert deal(costs | {"b": {"x": 2, "y": 3, "w": 8}}, free) == {"a": ["x", "z"], "b": ["y", "w"], "c": [], "d": []}
    assert deal({"a": costs["a"], "b": {"x": 2}}, free) == {"a": ["x", "y", "z"], "b": []}
    assert deal({"a": {"x": 1}, "b": {"x": 1}}, free) == {"a": ["x"], "b": []}


def test_scenes_that_are_alike_are_dealt_as_many_clips_each():
    offered = {f"s{n}": [filmed(m, 0.9 - m / 100) for m in range(40)] for n in range(8)}
    made = choose(offered)
    assert [len(clips) for clips in made.values()] == [5] * 8
    assert sorted(clips[1] for clips in made.values()) == sorted(f"pexels:{n}" for n in range(8, 16))


def test_a_thousand_scenes_are_chosen_for_and_dealt_to_in_seconds():
    chance = random.Random(3)
    clips = [filmed(n) for n in range(5000)]
    offered = {
        f"s{n}": [c | {"similarity": round(chance.random(), 4)} for c in chance.sample(clips, 200)] for n in range(1000)
    }
    before = time.process_time()
    made = choose(offered)
    assert time.process_time() - before < 15
    names = [clip for clips in made.values() for clip in clips]
    assert len(names) == len(set(names)) == 5000


@pytest.mark.parametrize("pin", ["pexels:1526909", "pixabay:27669"])
def test_a_pin_of_a_stock_clip_need_not_be_on_offer(pin):
    scenes = {"one": wish(pin), "two": wish()}
    offered = {"one": [background("sea")], "two": [background("sea")]}
    made = selection(offered, [], scenes, PROVIDERS, 0.2, **FRAME)
    provider, _, id_ = pin.partition(":")
    assert [{key: clip[key] for key in CHOICE} for clip in made["one"]] == [
        dict.fromkeys(CHOICE) | {"provider": provider, "id": id_, "size": [1080, 1920]}
    ]
    offered["two"].append(filmed(id_, 0.9, provider, author="Eve"))
    made = selection(offered, [], scenes, PROVIDERS, 0.2, **FRAME)
    assert (made["one"][0]["author"], made["one"][0]["url"]) == ("Eve", f"https://x.org/{id_}.mp4")
    assert [name(clip) for clip in made["two"]] == ["procedural:sea"]


def test_stock_clips_are_rejected_and_avoided_by_provider_and_id():
    offered = {"one": [filmed(7, 0.9), filmed(8, 0.8), filmed(7, 0.7, "pixabay")]}
    assert choose(offered, one=wish(reject=["pexels:7"])) == {"one": ["pexels:8", "pixabay:7"]}
    used = [filmed(8) | {"url": "https://other.org/8.mp4", "size": [640, 360]}]
    assert choose(offered, avoid=used) == {"one": ["pexels:7", "pixabay:7"]}
    assert choose(offered, avoid=used, one=wish(reject=["pexels:7"])) == {"one": ["pixabay:7"]}
    assert choose(offered, avoid=used, one=wish("pexels:8")) == {"one": ["pexels:8"]}


def test_who_asked_stock_sites_and_gets_backgrounds_is_told_for_which_scenes():
    asked = {"one": ["pexels"], "two": ["pexels", "pixabay"], "three": [], "four": ["pexels"]}

    def told(**kinds):
        choices = {scene: [{"provider": kind}] for scene, kind in kinds.items()}
        scenes = {scene: wish("procedural:sea" if scene == "four" else None) for scene in kinds}
        return unfilmed(choices, scenes, asked)

    assert told(one="pexels", two="local", three="procedural", four="procedural") == ""
    assert told(one="procedural", two="procedural", three="procedural").startswith(
        "scenes one, two: no clip of pexels or pixabay is left that is similar enough, so a generated background is"
    )
    assert told(one="procedural", two="pexels").startswith("scene one: no clip of pexels is left")
    many = {f"s{n}": ["pexels"] for n in range(30)}
    line = unfilmed({scene: [{"provider": "procedural"}] for scene in many}, dict.fromkeys(many, wish()), many)
    assert line.startswith("scenes s0, s1, s2, s3, s4, s5, s6, s7, s8, s9 and 20 more: ")


def test_the_choice_does_not_depend_on_the_order_of_anything():
    chance = random.Random(7)
    offered = {
        f"s{n}": [clip(f"{m}.mp4", chance.choice([0.1, 0.3, 0.5])) for m in range(6)]
        + [background(str(m), chance.choice([0.1, 0.3])) for m in range(3)]
        for n in range(9)
    }
    first = choose(offered, s3=wish("footage/2.mp4"))
    for _ in range(10):
        mixed = {scene: chance.sample(offered[scene], len(offered[scene])) for scene in chance.sample(list(offered), 9)}
        assert choose(mixed, s3=wish("footage/2.mp4")) == first


def test_a_choice_fits_its_schema():
    made = selection({"s": [clip("a.mp4"), background("sea")]}, [], {"s": wish()}, PROVIDERS, 0.2, **FRAME)
    validator = Draft202012Validator(json.loads(Path("config/schemas/selection.schema.json").read_text()))
    for choice in made["s"]:
        validator.validate({key: choice[key] for key in CHOICE})
