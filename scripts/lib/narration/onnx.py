"""Voices that are ONNX models: loaded so that they give the same samples on any number of cores."""

from array import array
from pathlib import Path

from scripts.lib.audio import resample
from scripts.lib.errors import UserError
from scripts.lib.problems import printable

SEED = 1
"""Of the noise that gives a voice its breath. The nodes that make it count on from here, each by its own place."""


def session(model: Path | bytes, name: Path) -> object:
    """An onnxruntime.InferenceSession on one thread: on more, the last bits of a sample depend on their number.

    `model` may be the file's bytes; `name` is what it is called in errors. Raises UserError.
    """
    import onnxruntime

    onnxruntime.set_seed(SEED)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = model if isinstance(model, bytes) else str(model)
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of many classes, which share no other base
        raise UserError(f"{name}: is no voice that can be loaded ({printable(str(error), 200)})") from None


def samples_of(sound: object, rate: int) -> array:
    """A numpy array of floats from -1 to 1 as samples of 16 bits at 48 kHz."""
    import numpy as np

    peak = max(1.0, float(np.abs(sound).max(initial=0)))
    samples = array("h")
    samples.frombytes((sound * (32767 / peak)).round().astype(np.int16).tobytes())
    return resample(samples, rate)
