"""The stock sites as services: their address, key and limits from the run's configuration."""

from scripts.lib.footage import pexels, pixabay
from scripts.lib.net.service import Service

SITES = {"pexels": pexels, "pixabay": pixabay}
WEEK = 7 * 86_400
"""Seconds for which answers are kept; Pixabay's terms ask for a day at least."""


def service(site: str, config: dict) -> Service:
    """`config` is the run's, complete."""
    own = config["stock"][site]
    return Service(
        name=site,
        base_url=own["base_url"],
        key_env=own["key_env"],
        limits=own,
        network=config["network"],
        cache_dir=config["cache_dir"],
        auth=SITES[site].AUTH,
        cached_for=WEEK,
    )
