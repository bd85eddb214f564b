"""Vectors of texts, by the engine that the configuration names."""

from collections.abc import Callable
from pathlib import Path

Embed = Callable[[list[str]], tuple[list[list[float]], int]]
"""A vector of length 1 for each text, rounded to 6 digits; and the tokens that a server counted for them."""


def vectors(texts: list[str], embedding: dict, model: Path | None, config: dict) -> tuple[list[list[float]], int]:
    """What `Embed` says. `embedding` is that section of the configuration, as it holds for the job; the parameter
    `model` the folder of the engine's model, where it has one on this machine; `config` the run's. Raises UserError."""
    if embedding["engine"] == "openai":
        from scripts.lib.embedding import openai

        return openai.embed(texts, embedding, config)
    from scripts.lib.embedding import minilm

    return list(minilm.embed(texts, model)), 0


def called(embedder: dict) -> str:
    """The model's name, as the artifacts have it."""
    return embedder["model"] if embedder["engine"] == "openai" else embedder["engine"]


def section(embedder: dict, config: dict, project: str = "") -> dict:
    """The whole section of the configuration that holds an embedder: the project's own, the run's, or for what all
    projects share, the first project's that uses it."""
    own = [config["overrides"].get(project, {}), config, *config["overrides"].values()]
    found = (sections["embedding"] for sections in own if "embedding" in sections)
    return next(embedding for embedding in found if embedder.items() <= embedding.items())
