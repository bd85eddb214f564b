"""Pixabay: how it is asked, and what its answers say. https://pixabay.com/api/docs/"""

from scripts.lib.footage.answers import MOST_NAME, identifier, link, listed, member, rendition, seconds, text
from scripts.lib.net.errors import ServiceError

AUTH = "query"
LICENCE = "Pixabay Content License"
LEAST = {"portrait": (540, 960), "landscape": (960, 540), "square": (540, 540)}
"""Width and height from which on a clip, cropped to a frame of Full HD, is enlarged no more than twice. Videos cannot
be asked for by orientation, and few are upright."""
MOST_HITS = 500
"""Of any search, no more can be had."""


def search(service, query: str, orientation: str, page: int, per_page: int, cached: bool = True) -> dict:
    """One page of answers, as it came: clips that can be cropped to the orientation (portrait, landscape, square).

    Raises ServiceError, QuotaError.
    """
    width, height = LEAST[orientation]
    wanted = {"q": query, "min_width": width, "min_height": height, "safesearch": "true"}
    return service.get("videos/", wanted | {"page": page, "per_page": per_page}, cached)


def has_more(answer: dict, page: int, per_page: int) -> bool:
    """Whether there is a page after this one; to ask for one beyond the last is an error there."""
    total = answer.get("totalHits")
    return bool(answer.get("hits")) and isinstance(total, int) and page * per_page < min(total, MOST_HITS)


def clips(answer: dict) -> list[dict]:
    """The clips of an answer: provider, id, page, author (or None), licence, duration (seconds, 0: not known), words
    and renditions of {url, width, height}. One without id, page or a file that can be used is left out.

    Raises ServiceError for an answer of another shape.
    """
    found = []
    for hit in listed(answer, "hits", "Pixabay"):
        clip = {
            "provider": "pixabay",
            "id": identifier(hit.get("id")),
            "page": link(hit.get("pageURL")),
            "author": text(hit.get("user"), MOST_NAME) or None,
            "licence": LICENCE,
            "duration": seconds(hit.get("duration")),
            "words": text(hit.get("tags")),
            "renditions": renditions(hit),
        }
        if clip["id"] and clip["page"] and clip["renditions"]:
            found.append(clip)
    return found


def lookup(service, id_: str, cached: bool = False) -> dict | None:
    """One clip by its id, asked anew unless `cached`; None where there is no such clip, or none that can be used.

    Raises ServiceError, QuotaError.
    """
    try:
        answer = service.get("videos/", {"id": id_}, cached)
    except ServiceError as error:
        if error.status in (400, 404, 410):
            return None
        raise
    return next((clip for clip in clips(answer) if clip["id"] == id_), None)


def renditions(hit: dict) -> list[dict]:
    """The mp4 files. A tier that is not there is missing, or has an empty address and sides of 0."""
    tiers = [tier for tier in member(hit, "videos").values() if isinstance(tier, dict)]
    found = [rendition(tier.get("url"), tier.get("width"), tier.get("height")) for tier in tiers]
    return [file for file in found if file and file["width"] and file["height"]]
