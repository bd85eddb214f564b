"""Speak a scene's text."""

from pathlib import Path

from scripts.lib.audio import RATE, write_wav
from scripts.lib.files import write_json
from scripts.lib.job import job
from scripts.lib.narration import espeak

ENGINES = {"espeak": espeak.speak}


def narration(text: str, engine: str, voice: str, speed: float, audio: Path, out: Path) -> None:
    """Write the speech to `audio` (WAV) and how it was made, with the voice's own word marks, to `out` (JSON).

    Raises UserError where the engine cannot say the text.
    """
    samples, marks = ENGINES[engine](text, voice, speed)
    write_wav(audio, samples)
    made = {"engine": engine, "voice": voice, "speed": speed, "duration": len(samples) / RATE, "marks": marks}
    write_json(out, made)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        narration(
            **snakemake.params.settings,
            audio=Path(snakemake.output.audio),
            out=Path(snakemake.output.narration),
        )
