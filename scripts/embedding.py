"""Turn a scene's visual direction into a vector, to be compared with the descriptions of clips."""

from pathlib import Path

from scripts.lib.embedding import minilm
from scripts.lib.files import write_json
from scripts.lib.job import job

ENGINES = {"minilm": minilm.embed}


def embedding(text: str, engine: str, model: Path) -> dict:
    """The vector of one text; `model` is the folder of the engine's model."""
    (vector,) = ENGINES[engine]([text], model)
    return {"model": engine, "dim": len(vector), "text": text, "vector": vector}


if __name__ == "__main__":
    with job(snakemake.log[0]):
        write_json(
            snakemake.output.embedding,
            embedding(model=Path(snakemake.input.model).parent, **snakemake.params.settings),
        )
