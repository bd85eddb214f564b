import json
from functools import partial
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from scripts.candidates import MOST, embedded, stock
from scripts.candidates import candidates as offer
from scripts.footage_index import footage_index
from scripts.lib.embedding import minilm
from scripts.lib.embedding.engines import vectors

MINILM = {"engine": "minilm"}
PORTRAIT = {"width": 1080, "height": 1920}


def candidates(scene, vector, index, providers, width, height, found=(), sources=()):
    return offer(scene, vector, index, list(found), list(sources), providers, width, height)


def entry(provider, id_, vector, size=None):
    path = f"footage/{id_}" if provider == "local" else None
    plain = {"kind": "video", "description": "", "page": None, "author": None, "licence": None, "duration": None}
    return {"provider": provider, "id": id_, "path": path, **plain, "size": size, "vector": vector}


def order(made):
    return [(clip["provider"], clip["id"]) for clip in made["candidates"]]


def test_the_likest_clip_comes_first_and_ties_go_by_provider_then_id():
    index = [
        entry("procedural", "b", [1.0, 0.0]),
        entry("procedural", "a", [1.0, 0.0]),
        entry("local", "z.mp4", [1.0, 0.0], [64, 64]),
        entry("local", "best.mp4", [0.6, 0.8], [64, 64]),
    ]
    made = candidates("s", [0.8, 0.6], index, ["local", "procedural"], **PORTRAIT)
    assert order(made) == [("local", "best.mp4"), ("local", "z.mp4"), ("procedural", "a"), ("procedural", "b")]
    assert [clip["similarity"] for clip in made["candidates"]] == [0.96, 0.8, 0.8, 0.8]
    assert order(candidates("s", [0.8, 0.6], index[::-1], ["local", "procedural"], **PORTRAIT)) == order(made)
    assert order(candidates("s", [0.8, 0.6], index, ["procedural"], **PORTRAIT)) == order(made)[2:]


def test_of_a_large_folder_only_the_best_are_kept_and_no_other_provider_is_crowded_out():
    index = [entry("local", f"{n:04}.mp4", [n / 1000], [64, 64]) for n in range(500)]
    index.append(entry("procedural", "sea", [0.0]))
    made = candidates("s", [1.0], index, ["local", "procedural"], **PORTRAIT)["candidates"]
    assert len(made) == MOST + 1
    assert made[0]["id"] == "0499.mp4"
    assert made[-1]["id"] == "sea"


@pytest.mark.parametrize(
    ("frame", "size"),
    [((540, 960), [1080, 1920]), ((1080, 1080), [1080, 1920]), ((640, 360), [1920, 1080])],
)
def test_a_background_has_the_size_in_which_it_would_be_drawn(frame, size):
    made = candidates("s", [1.0], [entry("procedural", "sea", [1.0])], ["procedural"], *frame)
    assert made["candidates"][0]["size"] == size


def video(id_, slug="big-waves", sizes=((1080, 1920),), **other):
    """A clip as Pexels answers it."""
    files = [
        {"file_type": "video/mp4", "width": w, "height": h, "link": f"https://videos.pexels.com/{id_}-{w}.mp4"}
        for w, h in sizes
    ]
    page = f"https://www.pexels.com/video/{slug}-{id_}/"
    return {"id": id_, "url": page, "user": {"name": "Eve"}, "duration": 9, "video_files": files} | other


def searched(*answers):
    """A search of Pexels that got these lists of clips."""
    asked = [{"query": "sea", "page": 1, "fitting": 1, "answer": {"videos": list(videos)}} for videos in answers]
    return {"provider": "pexels", "orientation": "portrait", "asked": asked}


def test_a_stock_clip_is_offered_with_the_file_that_suits_the_frame():
    sizes = [(2160, 3840), (1080, 1920), (540, 960)]
    (clip,) = stock([searched([video(7, sizes=sizes)])], 1080, 1920)
    (made,) = candidates("s", [1.0], [], ["pexels"], **PORTRAIT, found=[clip | {"vector": [0.5]}])["candidates"]
    assert made == {
        "provider": "pexels",
        "id": "7",
        "kind": "video",
        "path": None,
        "description": "big waves",
        "page": "https://www.pexels.com/video/big-waves-7/",
        "author": "Eve",
        "licence": "Pexels License",
        "url": "https://videos.pexels.com/7-1080.mp4",
        "size": [1080, 1920],
        "duration": 9.0,
        "similarity": 0.5,
    }
    (clip,) = stock([searched([video(7, sizes=sizes)])], 108, 192)
    assert clip["size"] == [540, 960]


def test_a_clip_that_is_found_again_is_offered_once_as_it_was_found_first():
    clips = stock([searched([video(7), video(8)], [video(9), video(7, slug="later")])], 1080, 1920)
    assert sorted((clip["id"], clip["description"]) for clip in clips) == [(id_, "big waves") for id_ in "789"]
    other = {"id": 7, "pageURL": "https://pixabay.com/videos/id-7/", "tags": "sea", "videos": {"tiny": {}}}
    other["videos"]["tiny"] = {"url": "https://cdn.pixabay.com/7.mp4", "width": 960, "height": 540}
    pixabay = {"provider": "pixabay", "asked": [{"answer": {"hits": [other]}}]}
    assert [(c["provider"], c["id"]) for c in stock([searched([video(7)]), pixabay], 1080, 1920)] == [
        ("pexels", "7"),
        ("pixabay", "7"),
    ]


def test_stock_clips_are_ranked_by_their_words_and_one_without_words_is_like_nothing(model):
    slugs = ["big-ocean-waves", "office-desk-with-laptop", "", "northern-lights"]
    found = stock([searched([video(n, slug) for n, slug in enumerate(slugs)])], 1080, 1920)
    folder = model / "resources/models/minilm"
    (vector,) = minilm.embed(["waves rolling onto the shore"], folder)
    made = candidates(
        "s", vector, [], ["pexels"], **PORTRAIT, found=embedded(found, MINILM, folder, {})[0], sources=["pexels"]
    )
    assert order(made)[0] == ("pexels", "0")
    assert made["candidates"][0]["similarity"] > 0.5
    assert {clip["id"]: clip["similarity"] for clip in made["candidates"]}["2"] == 0


def test_an_answer_is_read_anew_whatever_it_holds():
    broken = [None, 7, {"id": 1}, video(2, sizes=()), video(3, user=None, duration=None), video(4, url=None)]
    (clip,) = stock([searched(broken), searched([])], 1080, 1920)
    assert (clip["id"], clip["author"], clip["duration"]) == ("3", None, 0)


def test_candidates_fit_their_schema():
    index = [entry("procedural", "sea", [1.0]), entry("local", "a/b.mp4", [-1.0], [64, 64])]
    (found,) = stock([searched([video(7)])], 1080, 1920)
    providers = ["local", "pexels", "procedural"]
    found = [found | {"vector": [0.5]}]
    made = candidates("scene-1", [1.0], index, providers, **PORTRAIT, found=found, sources=["pexels"])
    assert order(made) == [("procedural", "sea"), ("pexels", "7"), ("local", "a/b.mp4")]
    assert made["sources"] == ["pexels"]
    Draft202012Validator(json.loads(Path("config/schemas/candidates.schema.json").read_text())).validate(made)


SEEN = {
    "A calm ocean at dawn, gentle waves rolling onto the beach": "sea",
    "Northern lights over a frozen lake": "aurora",
    "City skyline at night with lights in the windows": "city",
    "Rain drops running down a window pane": "rain",
    "Flying through a galaxy of stars": "stars",
    "Close-up of flames in a campfire": "fire",
    "Sunlight falling through the trees of a misty forest": "forest",
    "White clouds drifting across a blue sky": "clouds",
    "Snowflakes falling on a quiet winter evening": "snow",
    "Network of data points, connections of a computer system": "network",
}
"""What is asked for, and the background that a person would take, in any of its colours."""


def test_a_visual_direction_finds_the_background_that_a_person_would_take(model):
    catalogue = yaml.safe_load(Path("config/backgrounds.yaml").read_text())
    folder = model / "resources/models/minilm"
    embed = partial(vectors, embedding=MINILM, model=folder, config={})
    index = footage_index([], "", catalogue, "minilm", embed)["entries"]
    for (text, wanted), vector in zip(SEEN.items(), minilm.embed(list(SEEN), folder), strict=True):
        best = candidates("s", vector, index, ["procedural"], **PORTRAIT)["candidates"][0]
        assert (best["id"].split("-")[0], best["similarity"] > 0.4) == (wanted, True), text
