"""A Whisper model (faster-whisper): when known words are spoken in a piece of sound, and what it hears by itself.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer

from scripts.lib.errors import UserError
from scripts.lib.problems import printable

RATE = 16_000
"""Samples a second that Whisper takes."""
LONGEST = 30.0
"""Seconds that it takes at once."""
MOST_TOKENS = 440
"""Of the 448 places of its decoder, some are for what opens and closes a text."""
TOKENS_A_SECOND = 25
"""More than anybody speaks in any script: a model that writes more is caught in a loop."""
UNSPACED = {"zh", "yue", "ja", "th", "lo", "my"}
"""Languages whose texts do not begin with a space for Whisper, as they have none between words."""


@dataclass(frozen=True)
class Spoken:
    """When a known word is spoken, in seconds from the start of the sound, and how sure that is.

    `confidence` is the mean probability of its tokens, as faster-whisper has it for the words that it hears; `least` is
    that of the least probable one. A word that is not spoken there has a token that is next to impossible, however
    well the rest of the word follows from its own beginning.
    """

    start: float
    end: float
    confidence: float
    least: float


@dataclass(frozen=True)
class Heard:
    """A word that the model made out by itself, in seconds from the start of the sound."""

    word: str
    start: float
    end: float
    confidence: float


class Recogniser:
    """A model in memory. With the same number of threads it gives the same numbers every time."""

    def __init__(self, folder: Path, language: str, device: str, compute_type: str, threads: int) -> None:
        """`language`: one that Whisper knows, or "" for the one that is spoken.

        Raises UserError where the folder holds no model that can be loaded, or the model cannot be set up so.
        """
        try:
            self._model = WhisperModel(str(folder), device=device, compute_type=compute_type, cpu_threads=threads)
        except Exception as error:  # it raises whatever its many readers do, down to Rust's and C++'s own
            raise UserError(
                f"timing.model: {folder} cannot be loaded as a faster-whisper model on the {device} with "
                f"{compute_type}: {printable(str(error), 200)}"
            ) from None
        self._model.hf_tokenizer.encode_special_tokens = True  # a script that says <|endoftext|> means the characters
        self._language, self._device = language, device

    def align(self, words: Sequence[str], sound: np.ndarray) -> list[Spoken] | None:
        """Where in `sound` each of the words is spoken, all of them there and in this order: the path through the
        decoder's cross-attention, as of faster-whisper's own word times. `words` begin with the space before them.

        None for more words than the model takes at once.
        """
        with self._computing():
            tokenizer = self._tokenizer(sound)
        text = "".join(words)
        if self._language in UNSPACED or not text.startswith(" "):
            text = text.removeprefix(" ")
        encoded = self._model.hf_tokenizer.encode(text, add_special_tokens=False)
        tokens = [
            (token, start + (text[start:end].startswith(" ") and end - start > 1), end)
            for token, (start, end) in zip(encoded.ids, encoded.offsets, strict=True)
            if token < tokenizer.eot
        ]
        if not tokens or len(tokens) > MOST_TOKENS:
            return None
        with self._computing():
            encoder_output, frames = self._encode(sound)
            ids = [token for token, _, _ in tokens]
            found = self._model.model.align(encoder_output, tokenizer.sot_sequence, [ids], frames)[0]
        path = np.array(found.alignments)
        begins = path[np.diff(path[:, 0], prepend=-1) > 0, 1] / self._model.tokens_per_second  # one more: of the end
        places = list(accumulate(map(len, words), initial=len(text) - sum(map(len, words))))
        spoken = []
        for word, place in zip(words, places, strict=False):
            first = place + len(word) - len(word.lstrip())
            last = max(first + 1, place + len(word.rstrip()) - _closing(word))
            chances = zip(found.text_token_probs, tokens, strict=False)
            own = [chance for chance, (_, start, end) in chances if start < last and end > first]
            spoken.append(
                Spoken(
                    _time(first, tokens, begins),
                    _time(last, tokens, begins),
                    float(np.mean(own)) if own else 0.0,
                    min(own, default=0.0),
                )
            )
        return spoken

    def hear(self, sound: np.ndarray) -> list[Heard]:
        """What the model makes out in `sound`, whatever the script says."""
        with self._computing():
            segments, _ = self._model.transcribe(
                sound,
                language=self._tokenizer(sound).language_code,
                temperature=0.0,
                condition_on_previous_text=False,
                word_timestamps=True,
                max_new_tokens=min(MOST_TOKENS // 2, 20 + round(TOKENS_A_SECOND * len(sound) / RATE)),
            )
            return [
                Heard(word.word, float(word.start), float(word.end), float(word.probability))
                for segment in segments
                for word in segment.words or []
            ]

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """Raises UserError for what CTranslate2 finds only when it computes: a library or memory that is lacking, sound
        in another form than the model takes."""
        try:
            yield
        except (RuntimeError, ValueError, MemoryError) as error:
            other = "set timing.device to cpu, or" if self._device == "cuda" else "set"
            raise UserError(
                f"listening on the {self._device} failed ({printable(str(error) or 'no memory', 200)}); {other} "
                "timing.model to a smaller one"
            ) from None

    def _tokenizer(self, sound: np.ndarray) -> Tokenizer:
        """The tokenizer for the language, which is found out from the first sound where it was not named."""
        many = self._model.model.is_multilingual
        if many and not self._language:
            self._language = self._model.detect_language(sound)[0]
        try:
            return Tokenizer(self._model.hf_tokenizer, many, task="transcribe", language=self._language)
        except ValueError:
            raise UserError(f"timing.language: Whisper knows no language {printable(self._language)!r}") from None

    def _encode(self, sound: np.ndarray) -> tuple[object, int]:
        features = self._model.feature_extractor(sound)
        frames = min(features.shape[-1], self._model.feature_extractor.nb_max_frames)
        return self._model.encode(pad_or_trim(features)), frames


def _closing(word: str) -> int:
    """How many punctuation marks end a word; a pause is theirs, not the word's."""
    word = word.rstrip()
    return next((n for n, c in enumerate(reversed(word)) if unicodedata.category(c)[0] != "P"), len(word))


def _time(place: int, tokens: list[tuple[int, int, int]], begins: np.ndarray) -> float:
    """When the character at `place` begins; within a token, which may be of two words, by length."""
    n = next((n for n, (_, _, end) in enumerate(tokens) if end > place), len(tokens))
    if n == len(tokens):
        return float(begins[n])
    _, start, end = tokens[n]
    share = max(0, place - start) / (end - start)
    return float(begins[n] + share * (begins[n + 1] - begins[n]))
