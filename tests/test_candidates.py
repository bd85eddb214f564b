import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from scripts.candidates import MOST, candidates
from scripts.footage_index import footage_index
from scripts.lib.embedding import minilm

PORTRAIT = {"width": 1080, "height": 1920}


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


def test_candidates_fit_their_schema():
    index = [entry("procedural", "sea", [1.0]), entry("local", "a/b.mp4", [-1.0], [64, 64])]
    made = candidates("scene-1", [1.0], index, ["local", "procedural"], **PORTRAIT)
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
    index = footage_index([], "", catalogue, folder)["entries"]
    for (text, wanted), vector in zip(SEEN.items(), minilm.embed(list(SEEN), folder), strict=True):
        best = candidates("s", vector, index, ["procedural"], **PORTRAIT)["candidates"][0]
        assert (best["id"].split("-")[0], best["similarity"] > 0.4) == (wanted, True), text
