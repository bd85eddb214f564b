"""Turn a scene's visual direction into a vector, to be compared with the descriptions of clips."""

from functools import partial
from pathlib import Path

from scripts.lib.embedding.engines import Embed, called, section, vectors
from scripts.lib.files import write_json
from scripts.lib.job import job


def embedding(text: str, model: str, embed: Embed) -> dict:
    """The content of embedding.json; `model` is what `embed` is called."""
    (vector,), tokens = embed([text])
    return {"model": model, "dim": len(vector), "tokens": tokens, "text": text, "vector": vector}


if __name__ == "__main__":
    with job(snakemake.log[0]):
        embedder = snakemake.params.settings["embedder"]
        made = embedding(
            text=snakemake.params.settings["text"],
            model=called(embedder),
            embed=partial(
                vectors,
                embedding=section(embedder, snakemake.config, snakemake.wildcards.project),
                model=Path(snakemake.input.model).parent if snakemake.input.model else None,
                config=snakemake.config,
            ),
        )
        write_json(snakemake.output.embedding, made)
