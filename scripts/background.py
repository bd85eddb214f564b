"""Paint a moving background that loops without a seam."""

from pathlib import Path

from scripts.lib.backgrounds.encode import encode
from scripts.lib.backgrounds.painters import FPS, paint
from scripts.lib.job import job

FRAME = {"portrait": (1080, 1920), "landscape": (1920, 1080)}


def background(name: str, recipe: dict, orientation: str, out: Path) -> None:
    """Write the clip of a recipe: H.264, 30 frames a second, no sound; `orientation` is portrait or landscape.

    Raises UserError for a recipe that cannot be painted, MediaError where ffmpeg fails.
    """
    width, height = FRAME[orientation]
    encode(paint(name, recipe, width, height), width, height, FPS, out)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        settings = snakemake.params.settings
        background(settings["id"], settings["recipe"], settings["orientation"], Path(snakemake.output.background))
