"""What Pexels and Pixabay answer, read clip by clip: nothing of a stranger's is taken that is not what it should be."""

import copy

import pytest

from scripts.lib.footage import pexels, pixabay
from scripts.lib.footage.renditions import cropped, fits, fitting
from scripts.lib.net.errors import ServiceError

PEXELS = {
    "page": 1,
    "per_page": 15,
    "total_results": 8000,
    "next_page": "https://api.pexels.com/v1/videos/search/?page=2&per_page=15&query=ocean",
    "videos": [
        {
            "id": 1526909,
            "width": 1920,
            "height": 1080,
            "duration": 10,
            "full_res": None,
            "tags": [],
            "avg_color": None,
            "url": "https://www.pexels.com/video/seal-on-the-beach-1526909/",
            "image": "https://images.pexels.com/videos/1526909/free-video-1526909.jpg",
            "user": {"id": 574687, "name": "R. M.", "url": "https://www.pexels.com/@x"},
            "video_files": [
                {
                    "id": 61368,
                    "quality": "hd",
                    "file_type": "video/mp4",
                    "width": 1920,
                    "height": 1080,
                    "fps": 23.98,
                    "link": "https://videos.pexels.com/video-files/1526909/1526909-hd_1920_1080_24fps.mp4",
                    "size": 3000000,
                }
            ],
            "video_pictures": [{"id": 1, "nr": 0, "picture": "https://images.pexels.com/preview-0.jpg"}],
        }
    ],
}
PIXABAY = {
    "total": 42,
    "totalHits": 42,
    "hits": [
        {
            "id": 27669,
            "pageURL": "https://pixabay.com/videos/id-27669/",
            "type": "film",
            "tags": "city, night",
            "duration": 10,
            "videos": {
                "large": {"url": "", "width": 0, "height": 0, "size": 0, "thumbnail": ""},
                "medium": {
                    "url": "https://cdn.pixabay.com/video/2019/10/09/27669-1_medium.mp4",
                    "width": 1920,
                    "height": 1080,
                    "size": 6984827,
                    "thumbnail": "https://cdn.pixabay.com/x.jpg",
                },
            },
            "user_id": 13298494,
            "user": "name",
        }
    ],
}
"""Answers of the two sites, as their documentation shows them."""

SITES = {"pexels": (pexels, PEXELS, "videos", "url"), "pixabay": (pixabay, PIXABAY, "hits", "pageURL")}
GONE = object()


@pytest.fixture(params=SITES)
def site(request):
    return SITES[request.param]


def changed(answer, key, **fields):
    """The answer with fields of its one clip set or, where GONE, removed."""
    answer = copy.deepcopy(answer)
    for name, value in fields.items():
        answer[key][0][name] = value
        if value is GONE:
            del answer[key][0][name]
    return answer


def test_a_clip_of_pexels_is_read():
    assert pexels.clips(PEXELS) == [
        {
            "provider": "pexels",
            "id": "1526909",
            "page": "https://www.pexels.com/video/seal-on-the-beach-1526909/",
            "author": "R. M.",
            "licence": "Pexels License",
            "duration": 10.0,
            "words": "seal on the beach",
            "renditions": [
                {
                    "url": "https://videos.pexels.com/video-files/1526909/1526909-hd_1920_1080_24fps.mp4",
                    "width": 1920,
                    "height": 1080,
                }
            ],
        }
    ]


def test_a_clip_of_pixabay_is_read():
    assert pixabay.clips(PIXABAY) == [
        {
            "provider": "pixabay",
            "id": "27669",
            "page": "https://pixabay.com/videos/id-27669/",
            "author": "name",
            "licence": "Pixabay Content License",
            "duration": 10.0,
            "words": "city, night",
            "renditions": [
                {
                    "url": "https://cdn.pixabay.com/video/2019/10/09/27669-1_medium.mp4",
                    "width": 1920,
                    "height": 1080,
                }
            ],
        }
    ]


@pytest.mark.parametrize(
    ("page", "words"),
    {
        "https://www.pexels.com/video/seal-on-the-beach-1526909/": "seal on the beach",
        "https://www.pexels.com/video/seal-on-the-beach-1526909": "seal on the beach",
        "https://www.pexels.com/de-de/video/caf%C3%A9-24-7-1526909/?x=1": "café 24 7",
        "https://www.pexels.com/video/1526909/": "",
        "https://www.pexels.com/": "",
        "https://www.pexels.com/video/%00%0a%1b[31mred-1526909/": "[31mred",
    }.items(),
)
def test_what_a_clip_of_pexels_shows_is_in_its_pages_address(page, words):
    assert [clip["words"] for clip in pexels.clips(changed(PEXELS, "videos", url=page))] == [words]


@pytest.mark.parametrize("answer", [{}, {"videos": None, "hits": None}, {"videos": {}, "hits": "x"}, {"error": "no"}])
def test_an_answer_of_another_shape_is_an_error_that_names_the_site(site, answer):
    module, _, key, _ = site
    with pytest.raises(ServiceError, match=rf"(Pexels|Pixabay): its answer has no list '{key}'"):
        module.clips(answer)


def test_what_is_no_clip_is_passed_over_and_the_others_are_kept(site):
    module, answer, key, _ = site
    answer = answer | {key: [None, 7, "x", [], {}, {"id": 5}, *answer[key]]}
    assert len(module.clips(answer)) == 1
    assert module.clips({key: []}) == []


@pytest.mark.parametrize("value", [GONE, None, "", "x", "../1", -1, 1.5, True, [], {}, 10**30])
def test_a_clip_without_a_number_is_passed_over(site, value):
    module, answer, key, _ = site
    assert module.clips(changed(answer, key, id=value)) == []


ADDRESSES = [
    *(GONE, None, "", 7, [], "video/1", "//x.org/v.mp4", "ftp://x.org/v.mp4", "file:///etc/passwd.mp4"),
    *("javascript:alert(1)", "https:///v.mp4", "https://[::1/v.mp4", "https://x.org/a b.mp4", "https://x.org/\n.mp4"),
    *("https://x.org/<b>.mp4", 'https://x.org/".mp4', "https://x.org/\u202e.mp4", "https://x.org/" + "a" * 3000),
    *("https://x.org/`id`.mp4", "https://x.org/\\..\\v.mp4"),
]


@pytest.mark.parametrize("value", ADDRESSES)
def test_a_clip_without_a_page_is_passed_over(site, value):
    module, answer, key, page = site
    assert module.clips(changed(answer, key, **{page: value})) == []


@pytest.mark.parametrize("value", ADDRESSES)
def test_a_clip_without_a_file_on_the_web_is_passed_over(value):
    files = [PEXELS["videos"][0]["video_files"][0] | {"link": value}]
    assert pexels.clips(changed(PEXELS, "videos", video_files=files)) == []
    tiers = {"medium": PIXABAY["hits"][0]["videos"]["medium"] | {"url": value}}
    assert pixabay.clips(changed(PIXABAY, "hits", videos=tiers)) == []


@pytest.mark.parametrize("value", [GONE, None, [], {}, "x", 7, [None, 7, "x", []], {"large": None, "medium": 7}])
def test_a_clip_without_files_is_passed_over(site, value):
    module, answer, key, _ = site
    files = "video_files" if module is pexels else "videos"
    assert module.clips(changed(answer, key, **{files: value})) == []


@pytest.mark.parametrize("value", [GONE, None, 7, [], {}, "", " \n\x1b "])
def test_a_clip_without_author_or_words_is_kept(value):
    (clip,) = pexels.clips(changed(PEXELS, "videos", user=value))
    assert clip["author"] is None
    (clip,) = pexels.clips(changed(PEXELS, "videos", user={"name": None if value is GONE else value}))
    assert clip["author"] is None
    (clip,) = pixabay.clips(changed(PIXABAY, "hits", user=value, tags=value))
    assert (clip["author"], clip["words"]) == (None, "")


def test_a_strangers_text_is_one_line_and_not_too_long():
    (clip,) = pexels.clips(changed(PEXELS, "videos", user={"name": " Eve\n\x1b[2J\u202e " + "x" * 5000}))
    assert clip["author"].startswith("Eve [2J xxx") and clip["author"].isprintable() and len(clip["author"]) == 200
    (clip,) = pixabay.clips(changed(PIXABAY, "hits", tags="sea,\r\nsand " + "x" * 5000))
    assert clip["words"].startswith("sea, sand x") and len(clip["words"]) == 2000


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(GONE, 0), (None, 0), ("9", 0), (-1, 0), (True, 0), (float("nan"), 0), (float("inf"), 0), (1e300, 0), (9.5, 9.5)],
)
def test_a_length_that_is_none_is_not_known(site, value, seconds):
    module, answer, key, _ = site
    assert [clip["duration"] for clip in module.clips(changed(answer, key, duration=value))] == [seconds]


def files(*fields):
    plain = {"quality": "hd", "file_type": "video/mp4", "width": 1920, "height": 1080, "link": "https://x.org/v.mp4"}
    return pexels.renditions({"width": 3840, "height": 2160, "video_files": [plain | own for own in fields]})


def test_playlists_and_other_containers_are_passed_over():
    assert not files({"quality": "hls"})
    assert not files({"link": "https://x.org/v.m3u8"})
    assert not files({"link": "https://x.org/v.M3U8?name=v.mp4", "file_type": None})
    assert not files({"file_type": "application/x-mpegURL"})
    assert not files({"file_type": "video/webm"})
    assert not files({"file_type": None, "link": "https://x.org/v.mov"})
    assert len(files({"file_type": None}, {"quality": None}, {"link": "https://x.org/v.mp4?token=a.m3u8"})) == 3


@pytest.mark.parametrize("value", [None, 0, -5, "1080", 1e3, True, 10**9])
def test_a_file_whose_size_is_not_known_counts_only_where_no_other_does(value):
    assert files({"width": value}, {}) == [{"url": "https://x.org/v.mp4", "width": 1920, "height": 1080}]
    assert files({"width": value}, {"height": value}) == [{"url": "https://x.org/v.mp4", "width": 3840, "height": 2160}]
    assert pexels.renditions({"video_files": [{"link": "https://x.org/v.mp4", "width": value, "height": 9}]}) == []
    tiers = {"medium": PIXABAY["hits"][0]["videos"]["medium"] | {"width": value}}
    assert pixabay.clips(changed(PIXABAY, "hits", videos=tiers)) == []


def test_the_last_page_is_known():
    assert pexels.has_more(PEXELS, 1, 15)
    assert not pexels.has_more({"videos": [{}]}, 1, 15)
    assert not pexels.has_more({"videos": [{}], "next_page": None}, 1, 15)
    assert not pexels.has_more({"videos": [], "next_page": "https://x.org"}, 1, 15)
    assert pixabay.has_more(PIXABAY, 2, 20)
    assert not pixabay.has_more(PIXABAY, 3, 20)
    assert not pixabay.has_more({"hits": [{}], "totalHits": None}, 1, 20)
    assert not pixabay.has_more({"hits": [], "totalHits": 42}, 1, 20)
    assert pixabay.has_more({"hits": [{}], "totalHits": 5000}, 4, 100)
    assert not pixabay.has_more({"hits": [{}], "totalHits": 5000}, 5, 100)


SIZES = [(3840, 2160), (2560, 1440), (1920, 1080), (1280, 720), (960, 540)]
RENDITIONS = [{"url": f"https://x.org/{w}.mp4", "width": w, "height": h} for w, h in SIZES]


@pytest.mark.parametrize(
    ("frame", "width"),
    [
        ((1920, 1080), 1920),
        ((1921, 1081), 2560),
        ((640, 360), 960),
        ((1080, 1920), 3840),  # cropped to its shape, 1920x1080 would be 607 wide
        ((405, 720), 1280),
        ((1080, 1080), 1920),
        ((2160, 3840), 3840),
        ((100, 1000), 1920),
    ],
)
def test_of_a_clips_files_the_smallest_is_taken_that_need_not_be_enlarged(frame, width):
    assert fitting(RENDITIONS, *frame)["width"] == width
    assert fitting(RENDITIONS[::-1], *frame)["width"] == width


def test_a_clip_without_files_has_none_that_fits():
    assert fitting([], 1080, 1920) is None
    assert not fits([], "portrait")


def test_a_crop_is_as_wide_as_it_can_be():
    assert cropped(1920, 1080, 1080, 1920) == 607.5
    assert cropped(1080, 1920, 1080, 1920) == 1080
    assert cropped(1080, 1920, 1920, 1080) == 1080
    assert cropped(4000, 1000, 500, 500) == 1000


@pytest.mark.parametrize(
    ("size", "orientations"),
    [
        ((1080, 1920), {"portrait", "landscape", "square"}),
        ((1920, 1080), {"portrait", "landscape", "square"}),
        ((540, 960), {"portrait", "square"}),
        ((960, 540), {"landscape", "square"}),
        ((1280, 720), {"landscape", "square"}),
        ((3840, 500), set()),
    ],
)
def test_a_clip_fits_a_frame_of_full_hd_where_it_is_enlarged_no_more_than_twice(size, orientations):
    file = {"url": "https://x.org/v.mp4", "width": size[0], "height": size[1]}
    assert {shape for shape in ("portrait", "landscape", "square") if fits([file], shape)} == orientations
