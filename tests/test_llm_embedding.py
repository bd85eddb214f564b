"""Vectors from a server: in which order and length they come, which are never asked for twice, what is refused."""

import json
import math
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from conftest import ROOT

from scripts.candidates import check_lengths
from scripts.embedding import embedding
from scripts.footage_index import footage_index
from scripts.lib.config import validator
from scripts.lib.embedding.engines import called, section, vectors
from scripts.lib.embedding.openai import embed
from scripts.lib.errors import UserError
from scripts.lib.net.errors import ServiceError
from scripts.lib.net.ledger import QuotaError
from tests.servers.chat import VECTOR_FAULTS, vector
from tests.servers.faults import Fault
from tests.servers.loopback import json_answer
from tests.servers.models import Models

TEXTS = ["ocean waves", "a forest of old trees", "city traffic at night"]


@pytest.fixture
def models():
    with Models() as server:
        yield server


@pytest.fixture
def run(models, tmp_path):
    """A run's configuration, as far as embeddings need it."""
    own = {"engine": "openai", "base_url": models.base_url, "model": "embed-test", "key_env": "NO_KEY", "batch": 64}
    limits = {"per_minute": None, "tokens_per_minute": None, "max_concurrent": 5}
    network = {"timeout": [2, 2], "max_wait": 3}
    return {"embedding": own | limits, "network": network, "cache_dir": str(tmp_path / "cache"), "overrides": {}}


def made(run, texts=TEXTS, **own):
    return embed(texts, run["embedding"] | own, run)


def right(text, length=64):
    numbers = vector(text, length)
    return [round(number / math.hypot(*numbers), 6) for number in numbers]


@pytest.mark.parametrize("fault", ["", "order"])
def test_each_text_gets_its_own_vector_of_length_1_in_whatever_order_they_come(models, run, fault):
    models.embeddings.fault = fault
    found, tokens = made(run)
    assert found == [right(text) for text in TEXTS]
    assert tokens == sum(len(text.split()) for text in TEXTS)
    assert models.asked == [{"model": "embed-test", "input": TEXTS}]


def test_texts_are_asked_for_in_batches_each_once(models, run):
    texts = [f"text number {n}" for n in range(7)]
    found, _ = made(run, [*texts, *texts], batch=3)
    assert found == [right(text) for text in [*texts, *texts]]
    assert [len(asked["input"]) for asked in models.asked] == [3, 3, 1]


def test_a_vector_that_is_kept_is_never_asked_for_again(models, run):
    first = made(run)
    assert made(run) == first
    again, tokens = made(run, [*TEXTS, "a new text"])
    assert again[:3] == first[0] and tokens == first[1] + 3
    assert [asked["input"] for asked in models.asked] == [TEXTS, ["a new text"]]
    models.embeddings.models.add("embed-other")
    made(run, model="embed-other")
    assert len(models.asked) == 3, "another model's vectors are others"


def test_what_was_answered_is_kept_when_a_later_batch_fails(models, run):
    models.routes["/v1/embeddings"] = lambda asked: models.embeddings(asked if TEXTS[2] not in asked["input"] else {})
    with pytest.raises(ServiceError, match="Invalid request"):
        made(run, batch=2)
    models.routes["/v1/embeddings"] = models.embeddings
    assert made(run)[0] == [right(text) for text in TEXTS]
    assert models.asked[-1]["input"] == TEXTS[2:]


def test_many_processes_may_keep_vectors_at_once(models, run):
    program = (
        "import json, sys; from scripts.lib.embedding.openai import embed; run = json.loads(sys.argv[1]);"
        "embed([f'text {n} {sys.argv[2]}' for n in range(20)] + ['shared'], run['embedding'] | {'batch': 2}, run)"
    )
    jobs = [
        subprocess.Popen([sys.executable, "-c", program, json.dumps(run), str(n)], cwd=ROOT, stderr=subprocess.PIPE)
        for n in range(4)
    ]
    assert [(job.communicate()[1], job.returncode) for job in jobs] == [(b"", 0)] * 4
    asked = len(models.requests)
    texts = [f"text {n} {job}" for n in range(20) for job in range(4)]
    assert made(run, texts)[0] == [right(text) for text in texts]
    assert len(models.requests) == asked


@pytest.mark.parametrize("fault", [fault for fault in VECTOR_FAULTS if fault != "order"])
def test_an_answer_that_is_not_one_vector_a_text_is_refused_and_not_kept(models, run, fault):
    models.embeddings.fault = fault
    with pytest.raises(ServiceError, match=r"embedding at 127\.0\.0\.1:\d+: (its answer|gives|what it gave)"):
        made(run)
    models.embeddings.fault = ""
    assert made(run)[0] == [right(text) for text in TEXTS]


@pytest.mark.parametrize("tokens", [10**30, -1, True, "many", None])
def test_tokens_that_are_told_wrongly_are_not_counted(models, run, tokens):
    def wrong(asked):
        answer = json.loads(models.embeddings(asked).body)
        return json_answer(answer | {"usage": {"prompt_tokens": tokens}})

    models.routes["/v1/embeddings"] = wrong
    assert made(run) == ([right(text) for text in TEXTS], 0)


def test_where_a_servers_model_turns_out_to_be_another_its_old_vectors_are_made_anew(models, run):
    made(run)
    models.embeddings.length = 32
    found, _ = made(run, [*TEXTS, "a new text"])
    assert found == [right(text, 32) for text in [*TEXTS, "a new text"]]
    assert [asked["input"] for asked in models.asked] == [TEXTS, ["a new text"], TEXTS]
    made(run)
    assert len(models.asked) == 3
    models.embeddings.length = 16
    made(run, ["one more"])
    assert made(run)[0] == [right(text, 16) for text in TEXTS], "and those that were not asked for then"


def test_several_processes_that_want_the_same_vector_at_once_ask_for_it_once(models, run):
    def slow(asked):
        models.host.closing.wait(1)
        return models.embeddings(asked)

    models.routes["/v1/embeddings"] = slow
    program = (
        "import json, sys; from scripts.lib.embedding.openai import embed; run = json.loads(sys.argv[1]);"
        "print(embed(['ocean waves'], run['embedding'], run))"
    )
    command = [sys.executable, "-c", program, json.dumps(run)]
    jobs = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert {job.communicate()[0] for job in jobs} == {f"{([right('ocean waves')], 2)}\n"}
    assert len(models.requests) == 1


def test_a_server_that_changes_its_mind_all_the_time_is_refused(models, run):
    def moody(asked):
        models.embeddings.length += 1
        return models.embeddings(asked)

    models.routes["/v1/embeddings"] = moody
    with pytest.raises(ServiceError, match="vectors of different lengths"):
        made(run, batch=1)


def test_vectors_of_different_models_are_not_compared():
    clips = [{"provider": "local", "id": "a.mp4", "vector": ()}, {"provider": "local", "id": "b.mp4", "vector": [0.0]}]
    check_lengths([1.0], clips)
    with pytest.raises(UserError, match=r"has 2 numbers, that of local:b\.mp4 1: .*--forcerun embedding footage_index"):
        check_lengths([1.0, 0.0], clips)


def test_limits_hold_and_faults_that_pass_are_waited_for(models, run):
    made(run, per_minute=2, batch=2)
    with pytest.raises(QuotaError, match="its 2 requests a minute are used up"):
        made(run, ["one more"], per_minute=2)
    models.faults.faults = [Fault(("429-retry-after",), times=1)]
    run["network"]["max_wait"] = 10
    assert made(run, ["one more"])[0] == [right("one more")]


def test_a_store_that_is_no_store_is_named(run):
    Path(run["cache_dir"]).mkdir()
    (Path(run["cache_dir"]) / "vectors.sqlite").write_text("this is no database, however long it may be" * 100)
    with pytest.raises(UserError, match=r"vectors\.sqlite: file is not a database; remove it"):
        made(run)


def test_artifacts_name_the_model_and_fit_their_schemas(run):
    embedder = {"base_url": run["embedding"]["base_url"], "engine": "openai", "model": "embed-test"}
    to_vectors = partial(vectors, embedding=section(embedder, run), model=None, config=run)
    one = embedding("ocean waves", called(embedder), to_vectors)
    assert (one["model"], one["dim"], one["tokens"]) == ("embed-test", 64, 2)
    catalogue = {
        "sea": {"description": "Waves of the sea", "painter": "sea"},
        "none": {"description": "", "painter": "x"},
    }
    index = footage_index([], "", catalogue, called(embedder), to_vectors)
    assert [entry["vector"] for entry in index["entries"]] == [[0.0] * 64, right("Waves of the sea")]
    assert not list(validator("embedding").iter_errors(one)) + list(validator("footage_index").iter_errors(index))


def test_what_is_no_param_comes_from_the_project_that_uses_the_server(run):
    embedder = {"base_url": "http://other/v1", "engine": "openai", "model": "m"}
    other = run["embedding"] | embedder | {"key_env": "OTHER_KEY"}
    run["overrides"] = {"a": {"llm": {}}, "b": {"embedding": other}}
    assert section(embedder, run) == section(embedder, run, "b") == other
    mine = {key: run["embedding"][key] for key in embedder}
    assert section(mine, run, "a") == section(mine, run) == run["embedding"]
