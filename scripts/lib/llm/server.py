"""OpenAI-compatible servers, hosted or on this machine, as services."""

from urllib.parse import urlsplit

from scripts.lib.errors import UserError
from scripts.lib.net.service import Service


def service(section: str, own: dict, config: dict, timeout: float | None = None) -> Service:
    """The server that a section of the configuration names; `own` is that section as it holds for the project, `config`
    the run's. `timeout` is in seconds, where `network.timeout` is too short for an answer.

    Raises UserError where no model is named.
    """
    if not own["model"]:
        raise UserError(
            f"{section}.model: is empty; name a model of {own['base_url']}, in config/config.yaml or the project's own"
        )
    connect, answer = config["network"]["timeout"]
    return Service(
        name=f"{section} at {urlsplit(own['base_url']).netloc}",
        base_url=own["base_url"],
        key_env=own["key_env"],
        limits=own,
        network=config["network"] | {"timeout": [connect, timeout or answer]},
        cache_dir=config["cache_dir"],
        auth="bearer",
    )
