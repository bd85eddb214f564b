"""all-MiniLM-L6-v2, a BERT of six layers, in numpy: a second where sentence-transformers takes sixteen, and no torch.

Reimers & Gurevych, "Sentence-BERT", 2019; Wang et al., "MiniLM", 2020; Devlin et al., "BERT", 2018.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

# Before numpy is first imported: the same vectors on any number of cores, and none is taken that a render could use.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from tokenizers import Tokenizer

from scripts.lib.errors import UserError

HEADS = 12
LAYERS = 6
MOST_TOKENS = 256
"""What sentence-transformers cuts the model's input to; a visual direction has some 20 tokens."""

Tensors = dict[str, np.ndarray]


def embed(texts: list[str], folder: Path) -> Iterator[list[float]]:
    """A vector for each text: 384 numbers of length 1 together, rounded to 6 digits.

    Texts are not batched, so that a vector depends on its own text alone, to the last digit.

    Raises UserError where the model's files in `folder` are gone.
    """
    try:
        tokenizer = Tokenizer.from_buffer((folder / "tokenizer.json").read_bytes())
        tensors = load(folder / "model.safetensors")
    except FileNotFoundError as error:
        raise UserError(f"{error.filename}: is missing; remove {folder}, and it is fetched anew") from None
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)
    for text in texts:
        yield [round(float(x), 6) for x in vector(tokenizer.encode(text).ids, tensors)]


def load(path: Path) -> Tensors:
    """The float tensors of a safetensors file, mapped: what is not touched, such as most words' rows, is never read."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    data = np.asarray(np.memmap(path, "<f4", "r", 8 + size))
    return {
        name: data[slice(*(at // 4 for at in entry["data_offsets"]))].reshape(entry["shape"])
        for name, entry in header.items()
        if entry.get("dtype") == "F32"
    }


def vector(ids: list[int], tensors: Tensors) -> np.ndarray:
    """The mean of the last layer's token vectors, scaled to length 1; `ids` begin with [CLS] and end with [SEP].

    Tokens are columns, so that a layer is W x + b as in the books, and W, the large one, is read as it lies in memory.
    """

    def column(name: str) -> np.ndarray:
        return tensors[name][:, None]

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return tensors[f"{name}.weight"] @ x + column(f"{name}.bias")

    def normed(x: np.ndarray, name: str) -> np.ndarray:
        x = x - x.mean(0)
        x /= np.sqrt((x * x).mean(0) + 1e-12)
        return x * column(f"{name}.LayerNorm.weight") + column(f"{name}.LayerNorm.bias")

    words, places, kinds = (
        tensors[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")
    )
    x = normed((words[ids] + places[: len(ids)] + kinds[0]).T, "embeddings")
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        query, key, value = (
            dense(x, f"{layer}.attention.self.{name}").reshape(HEADS, -1, len(ids))
            for name in ("query", "key", "value")
        )
        weights = softmax(key.swapaxes(1, 2) @ query / np.float32(np.sqrt(key.shape[1])))
        context = (value @ weights).reshape(x.shape)
        x = normed(x + dense(context, f"{layer}.attention.output.dense"), f"{layer}.attention.output")
        inner = gelu(dense(x, f"{layer}.intermediate.dense"))
        x = normed(x + dense(inner, f"{layer}.output.dense"), f"{layer}.output")
    mean = x.mean(1)
    return mean / np.linalg.norm(mean)


def softmax(x: np.ndarray) -> np.ndarray:
    """Over the second axis of three, the keys of each head."""
    powers = np.exp(x - x.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def gelu(x: np.ndarray) -> np.ndarray:
    """x times the share of the normal distribution below x, by an approximation of `erf` that is good to 1.5e-7
    (Abramowitz & Stegun 7.1.26); to import scipy's would take longer than the job."""
    z = np.abs(x) * np.float32(np.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * z)
    series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    tail = series * np.exp(-z * z) / 2
    return x * np.where(x < 0, tail, 1 - tail)
