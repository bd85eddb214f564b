"""Ask a stock site for clips of what a scene is to show, and keep its answers as they came."""

import math
from collections.abc import Iterator
from itertools import islice

from scripts.lib.files import write_json
from scripts.lib.footage.queries import queries
from scripts.lib.footage.renditions import fits
from scripts.lib.footage.sites import SITES, service
from scripts.lib.job import job
from scripts.lib.net.errors import ServiceError
from scripts.lib.net.secrets import redact
from scripts.lib.net.service import Service

ENOUGH = 10
"""Clips that fit the frame, after which no more is asked: one to show, and some for where others take it or it cannot
be had. Most searches are done with one request, of 200 an hour."""
MOST_PAGES = 3
"""Of one query: what comes later is no more alike than what fewer words find."""
MOST_REQUESTS = 6
DEEPEST = 20
"""Levels of an answer; the sites' own have six."""


def search(site: Service, visual: str, terms: list[str], orientation: str, per_page: int) -> dict:
    """All that was asked for a scene and what came back, in turn; `fitting` counts the clips that fit the frame and
    were in no answer before.

    Raises ServiceError, QuotaError.
    """
    asked = islice(asking(site, queries(visual, terms), orientation, per_page), MOST_REQUESTS)
    return {"provider": site.name, "orientation": orientation, "asked": list(asked)}


def asking(site: Service, queries: list[str], orientation: str, per_page: int) -> Iterator[dict]:
    """Ask page by page and query by query, until enough was found."""
    known = set()
    for query in queries:
        for page in range(1, MOST_PAGES + 1):
            answer, clips = ask(site, query, orientation, page, per_page)
            fitting = {clip["id"] for clip in clips if fits(clip["renditions"], orientation)} - known
            yield {"query": query, "page": page, "fitting": len(fitting), "answer": storable(answer)}
            known |= fitting
            if len(known) >= ENOUGH:
                return
            if not SITES[site.name].has_more(answer, page, per_page):
                break


def ask(site: Service, *wanted: object) -> tuple[dict, list[dict]]:
    """An answer and the clips in it. A wrong one may come from the cache, so it is asked for once more."""
    module = SITES[site.name]
    answer = module.search(site, *wanted)
    try:
        return answer, module.clips(answer)
    except ServiceError:
        answer = module.search(site, *wanted, cached=False)
        return answer, module.clips(answer)


def storable(value: object, depth: int = 0) -> object:
    """An answer as it came, but for what no JSON file may hold (NaN, half a surrogate pair) and keys that it echoes."""
    if depth > DEEPEST:
        raise ServiceError("the site's answer is nested too deeply; it is not what this version reads")
    match value:
        case dict():
            return {storable(key): storable(item, depth + 1) for key, item in value.items()}
        case list():
            return [storable(item, depth + 1) for item in value]
        case str():
            return redact(value).encode(errors="replace").decode()
        case float() if not math.isfinite(value):
            return None
    return value


if __name__ == "__main__":
    with (
        job(snakemake.log[0]),
        service(snakemake.wildcards.provider, snakemake.config) as site,
    ):
        write_json(snakemake.output.search, search(site, **snakemake.params.settings))
