"""Vectors from an OpenAI-compatible server. Each is asked for once: they are kept in the cache folder, for all runs."""

import hashlib
import json
import math
import sqlite3
from contextlib import closing
from itertools import accumulate, pairwise

from scripts.lib.errors import UserError
from scripts.lib.llm.server import service
from scripts.lib.net.cache import cache_folder
from scripts.lib.net.errors import ServiceError

LETTERS_A_TOKEN = 3
"""A low count, so that the estimate of tokens is a high one."""
MOST_NUMBERS = 20_000
"""Of a vector; the largest models give 4,096."""
MOST_LENGTH = 1e100
"""Of a vector, and not to be reached by any; what is longer, or no number, is none."""
MOST_TOKENS = 2**31
"""Of one request; a count of more is nonsense."""

Vectors = dict[str, tuple[list[float], int]]
"""By text: the vector, and the tokens that the server counted for it."""


def embed(texts: list[str], embedding: dict, config: dict) -> tuple[list[list[float]], int]:
    """A vector for each text, of length 1 and rounded to 6 digits; and the tokens that they cost when they were made.

    `embedding` is that section of the configuration as it holds for the project, `config` the run's. Vectors of another
    length than the server's latest came from another model of the same name, and are made anew. Raises ServiceError,
    QuotaError, and UserError where no model is named or the store cannot be used.
    """
    wanted = list(dict.fromkeys(texts))
    path = cache_folder(config["cache_dir"]) / "vectors.sqlite"
    try:
        with closing(sqlite3.connect(path, timeout=60)) as store:
            made = _made(wanted, store, embedding, config)
    except sqlite3.Error as error:
        raise UserError(f"{path}: {error}; remove it, and the vectors in it are asked for anew") from None
    return [made[text][0] for text in texts], sum(made[text][1] for text in wanted)


def _made(texts: list[str], store: sqlite3.Connection, embedding: dict, config: dict) -> Vectors:
    source = json.dumps([embedding["base_url"].rstrip("/"), embedding["model"]])
    made = _kept(texts, source, store)
    if len(made) == len(texts):
        return made
    with service("embedding", embedding, config) as server, server.alone(json.dumps([source, texts])):
        made = _kept(texts, source, store)  # another job may have asked in the meantime
        for _ in range(2):  # a second time where what was kept turns out to be another model's
            missing = [text for text in texts if text not in made]
            for start in range(0, len(missing), embedding["batch"]):
                fresh = _asked(missing[start : start + embedding["batch"]], embedding["model"], server)
                length = _keep(fresh, source, store)
                made = {text: entry for text, entry in made.items() if len(entry[0]) == length} | fresh
            if len(made) == len(texts):
                return made
        raise ServiceError(f"{server.name}: gives vectors of different lengths; they cannot be compared")


def _asked(texts: list[str], model: str, server: object) -> Vectors:
    """One request. Raises ServiceError for an answer that is not one vector a text, all of one length."""
    body = {"model": model, "input": texts}
    answer = server.post("embeddings", body, sum(map(len, texts)) // LETTERS_A_TOKEN + len(texts))
    data = answer.get("data")
    items = [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []
    found = {item.get("index"): item.get("embedding") for item in items if type(item.get("index")) is int}
    if found.keys() != set(range(len(texts))) or len(items) != len(texts):
        raise ServiceError(f"{server.name}: its answer is not one vector for each of {len(texts)} texts")
    vectors = [_normed(found[place], server.name) for place in range(len(texts))]
    if len({len(vector) for vector in vectors}) > 1:
        raise ServiceError(f"{server.name}: gives vectors of different lengths; they cannot be compared")
    usage = answer.get("usage")
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else 0
    return dict(zip(texts, zip(vectors, _shared_out(tokens, texts), strict=True), strict=True))


def _normed(vector: object, name: str) -> list[float]:
    numbers = vector if isinstance(vector, list) and len(vector) <= MOST_NUMBERS else []
    sound = all(type(number) in (int, float) and abs(number) < MOST_LENGTH for number in numbers)
    length = math.hypot(*numbers) if sound else 0.0
    if not length:
        raise ServiceError(f"{name}: what it gave as a vector is none")
    return [round(number / length, 6) for number in numbers]


def _shared_out(tokens: object, texts: list[str]) -> list[int]:
    """A request's tokens, dealt out to its texts by their length."""
    total = tokens if type(tokens) is int and 0 < tokens < MOST_TOKENS else 0
    letters = [0, *accumulate(map(len, texts))]
    marks = [round(total * upto / max(1, letters[-1])) for upto in letters]
    return [end - start for start, end in pairwise(marks)]


def _key(text: str, source: str) -> str:
    return hashlib.sha256(json.dumps([source, text]).encode()).hexdigest()


def _kept(texts: list[str], source: str, store: sqlite3.Connection) -> Vectors:
    with store:
        store.execute(
            "CREATE TABLE IF NOT EXISTS vectors"
            " (key TEXT PRIMARY KEY, source TEXT, length INTEGER, tokens INTEGER, vector TEXT) WITHOUT ROWID"
        )
    found = {}
    for text in texts:
        query = "SELECT vector, tokens FROM vectors WHERE key = ?"
        if row := store.execute(query, (_key(text, source),)).fetchone():
            found[text] = (json.loads(row[0]), row[1])
    return found


def _keep(made: Vectors, source: str, store: sqlite3.Connection) -> int:
    """Store vectors, and drop those of another length; returns the length."""
    length = len(next(iter(made.values()))[0])
    rows = [(_key(text, source), source, length, tokens, json.dumps(vector)) for text, (vector, tokens) in made.items()]
    with store:
        store.execute("DELETE FROM vectors WHERE source = ? AND length <> ?", (source, length))
        store.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?, ?)", rows)
    return length
