"""What stock sites are asked for: words that say what is seen, fewer and fewer of them."""

import json
import unicodedata

import pytest
from conftest import ROOT

from scripts.lib.footage.queries import ANYTHING, MOST_LETTERS, queries

ASKED = {
    "A city at night, its windows and street lights glowing.": "city night windows street lights",
    "Flying through stars in deep space.": "flying stars deep space",
    "Close-up of flames in a campfire": "close-up flames campfire",
    "Aerial drone shot of a city at night with traffic on the highway": "aerial city night traffic highway",
    "A young woman in a red dress walking along a beach at sunset": "young woman dress beach sunset",
    "Camera zooms in on a chef’s hands slicing tomatoes": "chef hands slicing tomatoes",
    "Low-angle shot: an old man's hands": "old man hands",
    "Cut to a wide establishing shot of Mount Fuji.": "mount fuji",
    "Slow pan across the skyline, time-lapse": "slow skyline timelapse",
    "A frying pan on a stove": "frying pan stove",
    "Show a dot labeled (x,y) and the text z = x + yi.": "dot labeled yi",
}


@pytest.mark.parametrize(("visual", "query"), ASKED.items())
def test_a_query_is_what_is_seen_without_the_words_around_it_and_about_the_film(visual, query):
    assert queries(visual, [])[0] == query


def test_a_query_is_widened_by_fewer_words_and_what_a_thing_is_like_goes_first():
    assert queries("A young woman in a red dress walking along a beach at sunset", []) == [
        "young woman dress beach sunset",
        "woman dress beach",
        "woman dress",
        "woman",
    ]
    assert queries("Flying through stars in deep space.", [])[1:] == ["flying stars space", "stars space", "stars"]
    assert queries("Lightning over the building", []) == ["lightning building", "lightning"]


def test_search_terms_are_asked_first_as_they_are():
    assert queries("ocean waves", ["Big  Waves", "the sea", "big waves", "!?", "ocean waves"]) == [
        "big waves",
        "the sea",
        "ocean waves",
        "ocean",
    ]


@pytest.mark.parametrize(
    ("visual", "asked"),
    {
        "Sonnenuntergang am Strand mit Palmen": ["sonnenuntergang strand mit palmen", "sonnenuntergang strand mit"],
        "Закат над морем": ["закат над морем", "закат над"],
        "夕暮れの海辺を歩く人々": ["夕暮れの海辺を歩く人々", "夕暮れの海辺を歩く"],
        "夜晚的城市街道": ["夜晚的城市街道", "夜晚的城市"],
        "समुद्र तट पर सूर्यास्त": ["समुद्र तट पर सूर्यास्त", "समुद्र तट पर"],
        "غروب الشمس": ["غروب الشمس", "غروب"],
        "Zoë's café": ["zoë café", "zoë"],
    }.items(),
)
def test_any_language_is_asked_in(visual, asked):
    assert queries(visual, [])[:2] == asked


@pytest.mark.parametrize("visual", ["!?", "  ", "—", "🙂"])
def test_where_nothing_is_said_something_is_asked(visual):
    assert queries(visual, []) == [ANYTHING]


@pytest.mark.parametrize("visual", ["the", "A view of it", "x", "4K video footage", "2024"])
def test_words_that_say_little_are_asked_for_where_there_are_no_others(visual):
    assert all(word in visual.lower().split() for query in queries(visual, []) for word in query.split())


@pytest.mark.parametrize(
    "text",
    [
        *("a b " * 500, "wide-" * 400, "zoom in " * 250, "slow mo" * 280, "-'" * 1000, "夕暮れの海" * 400, "w" * 2000),
        *("é" * 2000, "\u0301" * 50, "'s", "a\u200db", "--- ''' ---", "x" * 99 + " yy"),
        *(scene["visualDirection"] for scene in json.loads((ROOT / "projects/demo/script.json").read_text())["scenes"]),
    ],
    ids=lambda text: text[:12],
)
def test_every_query_is_short_and_plain_and_asked_once(text):
    for asked in (queries(text, []), queries("sea", [text])):
        assert asked == list(dict.fromkeys(asked))
        for query in asked:
            assert 0 < len(query) <= MOST_LETTERS
            assert query == " ".join(query.split()) and any(unicodedata.category(c)[0] in "LN" for c in query)
    assert len(queries(text, [])) <= 4
