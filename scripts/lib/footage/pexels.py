"""Pexels: how it is asked, and what its answers say. https://www.pexels.com/api/documentation/"""

from urllib.parse import unquote, urlsplit

from scripts.lib.footage.answers import MOST_NAME, identifier, link, listed, member, pixels, rendition, seconds, text
from scripts.lib.net.errors import ServiceError

AUTH = "key"
LICENCE = "Pexels License"


def search(service, query: str, orientation: str, page: int, per_page: int, cached: bool = True) -> dict:
    """One page of answers, as it came: clips for a frame of the orientation (portrait, landscape, square), Full HD or
    larger. For a square one, clips of any: few are square, and the others can be cropped.

    There is no switch for safe search; Pexels looks at what it takes in. Raises ServiceError, QuotaError.
    """
    wanted = {"query": query, "size": "medium", "page": page, "per_page": per_page}
    turned = {} if orientation == "square" else {"orientation": orientation}
    return service.get("v1/videos/search", wanted | turned, cached)


def has_more(answer: dict, page: int, per_page: int) -> bool:
    """Whether there is a page after this one."""
    return bool(answer.get("videos") and answer.get("next_page"))


def clips(answer: dict) -> list[dict]:
    """The clips of an answer: provider, id, page, author (or None), licence, duration (seconds, 0: not known), words
    and renditions of {url, width, height}. One without id, page or a file that can be used is left out.

    Raises ServiceError for an answer of another shape.
    """
    found = []
    for video in listed(answer, "videos", "Pexels"):
        clip = {
            "provider": "pexels",
            "id": identifier(video.get("id")),
            "page": link(video.get("url")),
            "author": text(member(video, "user").get("name"), MOST_NAME) or None,
            "licence": LICENCE,
            "duration": seconds(video.get("duration")),
            "renditions": renditions(video),
        }
        if clip["id"] and clip["page"] and clip["renditions"]:
            found.append(clip | {"words": words(clip["page"], clip["id"])})
    return found


def lookup(service, id_: str, cached: bool = False) -> dict | None:
    """One clip by its id, asked anew unless `cached`; None where there is no such clip, or none that can be used.

    Raises ServiceError, QuotaError.
    """
    try:
        answer = service.get(f"v1/videos/videos/{id_}", {}, cached)
    except ServiceError as error:
        if error.status in (404, 410):
            return None
        raise
    return next((clip for clip in clips({"videos": [answer]}) if clip["id"] == id_), None)


def renditions(video: dict) -> list[dict]:
    """The mp4 files. Sizes may be null; where all are, one is taken to be of the clip's own size."""
    files = video["video_files"] if isinstance(video.get("video_files"), list) else []
    usable = [
        rendition(file.get("link"), file.get("width"), file.get("height"), file.get("file_type"))
        for file in files
        if isinstance(file, dict) and file.get("quality") != "hls"
    ]
    found = [file for file in usable if file]
    own = {"width": pixels(video.get("width")), "height": pixels(video.get("height"))}
    sized = [file for file in found if file["width"] and file["height"]]
    return sized or ([file | own for file in found[:1]] if all(own.values()) else [])


def words(page: str, id_: str) -> str:
    """What the clip shows, as its page's address says: `/video/seal-on-the-beach-1526909/` is `seal on the beach`."""
    slug = unquote(urlsplit(page).path.rstrip("/").rpartition("/")[2])
    return text(slug.removesuffix(id_).replace("-", " "))
