"""Speech by a voice of Piper (VITS), on this machine."""

import json
from array import array
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from scripts.lib.audio import loudest
from scripts.lib.errors import UserError
from scripts.lib.narration.marks import Sound, word_marks
from scripts.lib.narration.onnx import samples_of, session
from scripts.lib.narration.phonemes import espeak_data, plain
from scripts.lib.narration.sound import joined
from scripts.lib.narration.text import cut
from scripts.lib.problems import nearest, printable

BOS, EOS, PAD = "^", "$", "_"
"""The begin and the end of a sentence, and what stands between any two sounds."""
LONGEST = 300
"""Characters of a sentence: the memory that one takes grows with its length, to 0.9 GB for these at medium quality."""


def speak(text: str, voice: str, speed: float, model: Path, config: Path) -> tuple[array, list[dict] | None]:
    """Speech (mono, 16 bits, 48 kHz), and marks where the model tells how long it makes each sound.

    `voice` may end in `+` and the name or number of one of its speakers. Raises UserError for files that are no voice,
    a speaker it has not, a language whose sounds cannot be told here, and a text of which nothing is spoken.
    """
    from piper.config import PhonemeType, PiperConfig, SynthesisConfig
    from piper.voice import PiperVoice

    try:
        settings = PiperConfig.from_dict(json.loads(config.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{config}: is no description of a Piper voice ({printable(repr(error))})") from None
    if settings.phoneme_type not in (PhonemeType.ESPEAK, PhonemeType.TEXT, PhonemeType.HEBREW):
        raise UserError(
            f"{config}: its texts are turned into sounds by {settings.phoneme_type.value}, which is not here; choose a "
            "voice of another language, or another narration.engine"
        )
    speaker = _speaker(voice.partition("+")[2], settings)
    loaded = session(with_durations(model.read_bytes()), model)
    if {put.name for put in loaded.get_inputs()} - {"sid"} != {"input", "input_lengths", "scales"}:
        raise UserError(f"{model}: is no model of Piper")
    piper = PiperVoice(session=loaded, config=settings, espeak_data_dir=espeak_data())
    form = SynthesisConfig(speaker, length_scale=settings.length_scale / speed, normalize_audio=False)
    said = list(chain.from_iterable(piper.synthesize(part, form, True) for part in cut(plain(text), LONGEST)))
    samples, starts = joined(samples_of(each.audio_float_array, each.sample_rate) for each in said)
    if not loudest(samples):
        raise UserError(f"the voice {voice} has no sound for {text[:60]!r}; add words, or choose another voice")
    ids = settings.phoneme_id_map
    sounds = [sound for each, start in zip(said, starts, strict=True) for sound in _sounds(each, ids, start)]
    marks = word_marks(text, sounds, lambda word: "".join(chain.from_iterable(piper.phonemize(plain(word)))))
    return samples, marks


def _speaker(name: str, settings: object) -> int | None:
    known = settings.speaker_id_map
    if not name:
        return None
    if name in known:
        return known[name]
    if name.isdecimal() and int(name) < settings.num_speakers:
        return int(name)
    raise UserError(f"narration.voice: there is no speaker {name!r} in it{nearest(name, known) if known else ''}")


def _sounds(sentence: object, ids: dict[str, list[int]], start: float) -> Iterator[Sound]:
    """What a sentence (piper.voice.AudioChunk) says when, and a space; that alone where the model tells nothing.

    As in Piper's phonemes_to_ids: a sound that the voice does not know is left out, and a pad follows all but the last.
    """
    lengths = [] if sentence.phoneme_id_samples is None else sentence.phoneme_id_samples.tolist()
    for phoneme in [BOS, *sentence.phonemes, EOS] if lengths else []:
        if phoneme in ids:
            count = len(ids[phoneme]) + (len(ids[PAD]) if phoneme != EOS else 0)
            end = start + sum(lengths[:count]) / sentence.sample_rate
            yield phoneme, start, end
            start, lengths = end, lengths[count:]
    yield " ", start, start


def with_durations(model: bytes) -> bytes:
    """The model, its graph giving out how long it makes each sound as well, if it has one tensor that can be that.

    It is the one that is rounded up (`Ceil`), to whole frames. In the encoding of ONNX (protobuf) a message that comes
    in two parts is one, so that an output more (field 12) is a few bytes at the end of the file.
    """
    names = [
        bytes(node[2])
        for number, graph in _fields(memoryview(model))
        if number == 7
        for kind, part in _fields(graph)
        if kind == 1 and (node := dict(_fields(part))).get(4) == b"Ceil"
    ]
    return model + _field(7, _field(12, _field(1, names[0]))) if len(names) == 1 else model


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The numbers and contents of a protobuf message's fields that have a length; the others are passed over."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = number()
        match key & 7:
            case 0:
                number()
            case 1:
                at += 8
            case 5:
                at += 4
            case _:
                length = number()
                yield key >> 3, message[at : at + length]
                at += length


def _field(number: int, content: bytes) -> bytes:
    """A field of a protobuf message; for numbers under 16 and contents under 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content
