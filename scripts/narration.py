"""Speak a scene's text, or take the recording of it."""

from pathlib import Path
from urllib.parse import urlsplit

from scripts.lib.audio import RATE, write_wav
from scripts.lib.errors import UserError
from scripts.lib.files import write_json
from scripts.lib.job import job, warn
from scripts.lib.media import MediaError
from scripts.lib.narration.sound import decode, finished
from scripts.lib.narration.voice import files_of

SHORT = 0.5
"""Seconds of a recording that can hardly be a sentence."""


def narration(
    text: str,
    engine: str,
    voice: str,
    speed: float,
    audio: Path,
    out: Path,
    *,
    files: list[Path] | None = None,
    model: str = "",
    service: object = None,
) -> None:
    """Write the speech to `audio` (WAV) and how it was made, with the voice's own word marks, to `out` (JSON).

    `files`: those of the voice, or the recording. `model` and `service` (net.service.Service): what
    a server is asked for, and the server. Whatever eSpeak did not say is brought to one loudness, without the silence
    around it.

    Raises UserError where the engine cannot say the text, or the recording cannot be used.
    """
    marks = None
    try:
        match engine:
            case "espeak":
                from scripts.lib.narration.espeak import speak

                samples, marks = speak(text, voice, speed)
            case "kokoro":
                from scripts.lib.narration.kokoro import speak

                samples, marks = speak(text, voice, speed, *files)
            case "piper":
                from scripts.lib.narration.piper import speak

                samples, marks = speak(text, voice, speed, *files)
            case "openai":
                from scripts.lib.narration.openai import speak

                samples = speak(text, voice, speed, model, service)
            case "file":
                voice, samples = files[0].name, decode(files[0])
        if engine != "espeak":
            samples, cut = finished(samples)
            marks = marks and [_moved(mark, cut, len(samples) / RATE) for mark in marks]
    except MediaError as error:
        if engine == "file":
            raise UserError(f"{files[0]}: {error}; record it again, or choose another narration.engine") from None
        raise UserError(f"what the voice {voice} said {error}; choose another narration.voice") from None
    if engine == "file" and len(samples) < SHORT * RATE:
        warn(f"{files[0]}: has {len(samples) / RATE:.1f} s of sound; is it the recording of this scene?")
    write_wav(audio, samples)
    made = {"engine": engine, "voice": voice, "speed": speed, "duration": len(samples) / RATE, "marks": marks}
    write_json(out, made)


def _moved(mark: dict, seconds: float, duration: float) -> dict:
    """A mark so many seconds earlier, inside the sound."""
    return mark | {edge: round(min(max(0.0, mark[edge] - seconds), duration), 6) for edge in ("start", "end")}


if __name__ == "__main__":
    with job(snakemake.log[0]):
        settings = dict(snakemake.params.settings)
        run = {
            "files": files_of([Path(file) for file in snakemake.input.voice]),
            "audio": Path(snakemake.output.audio),
            "out": Path(snakemake.output.narration),
        }
        if settings["engine"] == "openai":
            from scripts.lib.net.service import Service, settings_of

            base_url = settings.pop("base_url")
            limits = settings_of(snakemake.config, snakemake.wildcards.project, "narration")
            with Service(
                name=f"speech at {urlsplit(base_url).netloc}",
                base_url=base_url,
                key_env=limits["key_env"],
                limits={name: limits[name] for name in ("per_minute", "max_concurrent")},
                network=snakemake.config["network"],
                cache_dir=snakemake.config["cache_dir"],
                auth="bearer",
            ) as service:
                narration(**settings, **run, service=service)
        else:
            narration(**settings, **run)
