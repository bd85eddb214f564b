"""Lay a video's narration on the frame grid, put music under it, and bring both to the platforms' loudness."""

import tempfile
import wave
from array import array
from pathlib import Path

from scripts.lib.audio import RATE, read_wav, sound_end, write_wav
from scripts.lib.errors import UserError
from scripts.lib.files import replacing
from scripts.lib.job import job
from scripts.lib.loudness import LUFS, SILENT, figure
from scripts.lib.media import MediaError, ffmpeg, source
from scripts.lib.timeline import scene_frames, starts

COMPRESSOR = "acompressor=threshold=-23dB:ratio=3:attack=2:release=60:knee=6"
"""For speech at -14 LUFS. A synthetic voice peaks 19 dB above its loudness: without this the limiter would take more
than 3 dB of 29 % of the speech, with it of none."""
LIMITER = "alimiter=limit=-1.5dB:level=0:attack=5:release=50:latency=1"
"""Lower than the -1 dBTP allowed, because AAC adds to the peaks."""
TRUE_PEAK_LIMITER = f"aresample=192000,{LIMITER},aresample={RATE}"
"""At a rate where the peaks between samples show. No different in loudness, and three times the work."""
ENCODER = ["-c:a", "aac", "-b:a", "192k", "-aac_coder", "fast"]
"""At this rate the fast coder is as good as the slow one, and for speech far closer to what went in: 50 dB of noise
below the sound against 29 dB, in a third of the time."""
DUCKING, SPEECH = "threshold=0.001:attack=200:release=400:knee=1", 44.0
"""The level from which on speech pushes the music down, -60 dBFS, and how far above that speech at -14 LUFS lies. From
so low a threshold on a small ratio is enough, and loud and soft syllables push alike."""
FADE_IN, FADE_OUT = 0.4, 0.6
"""Seconds."""
QUIET = 33
"""-60 dBFS: what ends a piece of music, or what its encoder put there."""
SEAM = RATE // 100
"""Samples over which the end of the music fades into its beginning: too short to be heard as such, and no click."""


def soundtrack(
    narrations: list[Path],
    music: Path | None,
    out: Path,
    *,
    pad_before: float,
    pad_after: float,
    fps: int,
    volume_db: float,
    duck_db: float,
) -> None:
    """Write the sound of a video to `out`: AAC, 48 kHz, stereo, -14 LUFS, as long as its frames to the sample.

    `volume_db`: how loud the music is beside the narration where nobody speaks; `duck_db`: what speech adds to that.

    Raises UserError where the music cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder, replacing(out) as part:
        speech, bed = Path(folder) / "speech.wav", Path(folder) / "music.wav"
        samples = lay(narrations, pad_before, pad_after, fps, speech)
        inputs = source(speech)
        mix = f"[0]volume={_gain(inputs, '[0]anull')}dB,{COMPRESSOR}"
        mix = f"{mix},volume={_gain(inputs, mix)}dB,pan=stereo|c0=c0|c1=c0"
        if music:
            loop(music, samples, bed)
            level, fade = volume_db + _gain(source(bed), "[0]anull"), max(0, samples / RATE - FADE_OUT)
            # Without end, because the side-chain drops what it still holds when one of its inputs ends.
            mix = (
                f"{mix},asplit[voice],apad[key];"
                f"[1]volume={level}dB,afade=d={FADE_IN},afade=out:st={fade}:d={FADE_OUT},apad[music];"
                f"[music][key]sidechaincompress={DUCKING}:ratio={SPEECH / (SPEECH + duck_db)}[ducked];"
                "[voice][ducked]amix=duration=first:normalize=0"
            )
            inputs += source(bed)
        gain = _gain(inputs, f"{mix},{LIMITER}")
        gain += _gain(inputs, f"{mix},volume={gain}dB,{LIMITER}")
        exact = f"apad=whole_len={samples},atrim=end_sample={samples}"
        bare = ["-map_metadata", -1, "-flags:a", "+bitexact", "-fflags", "+bitexact"]
        _run(inputs, f"{mix},volume={gain}dB,{TRUE_PEAK_LIMITER},{exact}", *ENCODER, *bare, part)


def lay(narrations: list[Path], pad_before: float, pad_after: float, fps: int, out: Path) -> int:
    """Write the narrations to one WAV, each at its scene's first frame and pause, and return the number of samples."""
    spoken = [read_wav(path) for path in narrations]
    frames = starts(scene_frames(len(part) / RATE, pad_before, pad_after, fps) for part in spoken)
    samples = round(frames[-1] * RATE / fps)
    track = array("h", bytes(2 * samples))
    for part, frame in zip(spoken, frames[:-1], strict=True):
        start = round((frame / fps + pad_before) * RATE)
        track[start : start + len(part)] = part
    write_wav(out, track[:samples])
    return samples


def loop(music: Path, samples: int, out: Path) -> None:
    """Write the music to a stereo WAV of so many samples or more, again and again without a gap where it is shorter.

    Raises UserError where it cannot be read, or has nothing to repeat.
    """
    form = f"aresample={RATE},aformat=sample_fmts=s16:channel_layouts=stereo,atrim=end_sample={samples}"
    try:
        ffmpeg(*source(music), "-map", "0:a:0", "-af", form, out)
    except MediaError:
        raise UserError(f"music.path: {music}: damaged, or no sound that can be read; choose another file") from None
    track = read_wav(out)
    if len(track) == 2 * samples:
        return
    start = next((n for n, sample in enumerate(track) if abs(sample) > QUIET), 0) // 2 * 2
    end = (sound_end(track, start, len(track), QUIET) + 1) // 2 * 2 or len(track)
    if end - start < 10 * 2 * SEAM:
        raise UserError(f"music.path: {music}: is too short to be repeated (under 0.1 s); choose another file")
    sound, seam = memoryview(track)[start:end], 2 * SEAM
    faded = zip(sound[-seam:], sound[:seam], strict=True)
    turn = array("h", (round(last + (first - last) * n / seam) for n, (last, first) in enumerate(faded)))
    with wave.open(str(out), "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", ""))
        file.writeframesraw(sound[:-seam])
        while file.tell() < samples:
            file.writeframesraw(turn)
            file.writeframesraw(sound[seam:-seam])


def _gain(inputs: list[str], mix: str) -> float:
    """What brings a mix to the loudness wanted, in decibels; 0 for silence."""
    # Loudness is that of 0.4 s and more: what is shorter is measured with silence after it.
    log = _run(inputs, f"{mix},apad=whole_dur=0.4,ebur128=framelog=quiet:dualmono=true", "-f", "null", "-")
    lufs = figure(log, "I", SILENT[0])
    return LUFS - lufs if lufs > SILENT[0] else 0.0


def _run(inputs: list[str], filters: str, *output: object) -> str:
    return ffmpeg(*inputs, "-filter_complex", f"{filters}[out]", "-map", "[out]", *output)


if __name__ == "__main__":
    with job(snakemake.log[0]):
        settings = snakemake.params.settings
        soundtrack(
            [Path(path) for path in snakemake.input.narrations],
            next(map(Path, snakemake.input.music), None),
            Path(snakemake.output.soundtrack),
            **{name: settings[name] for name in ("pad_before", "pad_after", "fps", "volume_db", "duck_db")},
        )
