"""Write the voices that the tests speak with; see README.md."""

import json
from pathlib import Path

import numpy as np
from kokoro_onnx.config import DEFAULT_VOCAB
from onnx import TensorProto, checker, helper, numpy_helper, save
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

HERE = Path(__file__).parent
FLOAT, INT = TensorProto.FLOAT, TensorProto.INT64


class Graph:
    """Nodes that are given one by one, each with a name for its output."""

    def __init__(self) -> None:
        self.nodes, self.constants = [], []

    def constant(self, value: object, kind: type) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, kind), name))
        return name

    def add(self, kind: str, *inputs: str, output: str = "", **attributes: object) -> str:
        output = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=f"/{output}", **attributes))
        return output

    def tones(self, tokens: str, samples: str, loud: np.ndarray, rate: int, pitch: str) -> str:
        """Each token's tone for its number of samples: silence where it is not loud."""
        edges = self.add("CumSum", samples, self.constant(0, np.int64))
        total = self.add("ReduceSum", samples, keepdims=0)
        one = self.constant(1, np.int64)
        places = self.add("Range", self.constant(0, np.int64), total, one)
        room = self.add("Reshape", self.add("Add", total, one), self.constant([1], np.int64))
        nothing = self.add("ConstantOfShape", room, value=helper.make_tensor("zero", INT, [1], [0]))
        ones = self.add("ConstantOfShape", self.add("Shape", edges), value=helper.make_tensor("one", INT, [1], [1]))
        steps = self.add("ScatterElements", nothing, edges, ones, reduction="add")
        owner = self.add("CumSum", steps, self.constant(0, np.int64))
        owner = self.add("Slice", owner, self.constant([0], np.int64), self.constant([-1], np.int64))
        token = self.add("Gather", tokens, owner)
        level = self.add("Gather", self.constant(0.3 * loud, np.float32), token)
        hertz = 200 + 5 * np.arange(len(loud)) % 400
        turn = self.add("Gather", self.constant(2 * np.pi * hertz / rate, np.float32), token)
        angle = self.add("Mul", self.add("Mul", self.add("Cast", places, to=FLOAT), turn), pitch)
        wave = self.add("Mul", level, self.add("Sin", angle))
        noise = self.add("RandomNormalLike", wave, scale=0.001)
        return self.add("Add", wave, noise)

    def save(self, path: Path, inputs: list, outputs: list) -> None:
        graph = helper.make_graph(self.nodes, path.stem, inputs, outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
        checker.check_model(model)
        save(model, path)


def put(name: str, kind: int, shape: list) -> object:
    return helper.make_tensor_value_info(name, kind, shape)


def table(known: dict[str, int], heard: float, mark: float, rest: float) -> tuple[np.ndarray, np.ndarray]:
    """Frames of each token, and whether it is heard."""
    size = max(known.values()) + 1
    frames, loud = np.full(size, rest), np.zeros(size)
    for sound, token in known.items():
        if sound in "ˈˌːʲ":
            frames[token] = mark
        elif sound.isalpha():
            frames[token], loud[token] = heard, 1
    return frames, loud


def kokoro() -> None:
    frames, loud = table(DEFAULT_VOCAB, heard=3, mark=1, rest=2)
    for sound in ".,!?;:":
        frames[DEFAULT_VOCAB[sound]] = 6
    graph = Graph()
    tokens = graph.add("Squeeze", "input_ids", graph.constant([0], np.int64))
    length = graph.add("Div", graph.add("Gather", graph.constant(frames, np.float32), tokens), "speed")
    length = graph.add("Max", graph.add("Round", length), graph.constant(1, np.float32))
    duration = graph.add("Cast", length, to=INT, output="duration")
    samples = graph.add("Mul", duration, graph.constant(600, np.int64))
    first = graph.add("Slice", "style", graph.constant([0, 0], np.int64), graph.constant([1, 1], np.int64))
    pitch = graph.add("Add", graph.add("Reshape", first, graph.constant([1], np.int64)), graph.constant(1, np.float32))
    wave = graph.tones(tokens, samples, loud, 24_000, pitch)
    graph.add("Identity", wave, output="waveform")
    graph.save(
        HERE / "kokoro.onnx",
        [put("input_ids", INT, [1, "tokens"]), put("style", FLOAT, [1, 256]), put("speed", FLOAT, [1])],
        [put("waveform", FLOAT, ["samples"]), put("duration", INT, ["tokens"])],
    )
    voices = {}
    for place, name in enumerate(["af_heart", "am_adam", "bf_emma", "ff_siwis", "jf_alpha"]):
        voices[name] = np.zeros((510, 1, 256), np.float32)
        voices[name][..., 0] = 0.1 * place
    with (HERE / "voices.bin").open("wb") as file:
        np.savez_compressed(file, **voices)


def piper(name: str, speakers: list[str]) -> None:
    frames, loud = table({sound: ids[0] for sound, ids in DEFAULT_PHONEME_ID_MAP.items()}, heard=4, mark=1, rest=4)
    frames[0], loud[0] = 1, 0  # between any two sounds
    graph = Graph()
    tokens = graph.add("Squeeze", "input", graph.constant([0], np.int64))
    noise, slow, uneven = graph.add("Split", "scales", num_outputs=3, output="noise"), "slow", "uneven"
    graph.nodes[-1].output.extend([slow, uneven])
    width = graph.add("Mul", graph.add("Gather", graph.constant(frames, np.float32), tokens), slow)
    random = graph.add("Abs", graph.add("RandomNormalLike", width, scale=0.4))
    width = graph.add("Ceil", graph.add("Add", width, graph.add("Mul", random, uneven)))
    samples = graph.add("Mul", graph.add("Cast", width, to=INT), graph.constant(256, np.int64))
    pitch = graph.add("Add", graph.constant([1.0], np.float32), graph.add("Mul", noise, graph.constant(0, np.float32)))
    if speakers:
        pitch = graph.add("Add", pitch, graph.add("Cast", "sid", to=FLOAT))
    wave = graph.tones(tokens, samples, loud, 16_000, pitch)
    graph.add("Reshape", wave, graph.constant([1, 1, 1, -1], np.int64), output="output")
    sid = [put("sid", INT, [1])] if speakers else []
    graph.save(
        HERE / f"{name}.onnx",
        [put("input", INT, [1, "ids"]), put("input_lengths", INT, [1]), put("scales", FLOAT, [3]), *sid],
        [put("output", FLOAT, [1, 1, 1, "samples"])],
    )
    config = {
        "audio": {"sample_rate": 16_000, "quality": "x_low"},
        "espeak": {"voice": "en-us"},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "num_symbols": 256,
        "num_speakers": max(1, len(speakers)),
        "speaker_id_map": {speaker: number for number, speaker in enumerate(speakers)},
    }
    text = json.dumps(config, ensure_ascii=False)
    (HERE / f"{name}.onnx.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    kokoro()
    piper("piper", [])
    piper("speakers", ["anna", "ben"])
