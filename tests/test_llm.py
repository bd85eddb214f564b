"""A language model's answers: as servers give them, faults included, and what is made of them."""

import itertools
import json
import re

import pytest
import yaml
from conftest import ROOT

from scripts.lib.config import complete
from scripts.lib.llm.answers import answered, read
from scripts.lib.llm.chat import AnswerError, chat
from scripts.lib.llm.needs import unnamed
from scripts.lib.llm.server import service
from scripts.lib.net.errors import ServiceError
from scripts.lib.net.ledger import QuotaError
from tests.servers.faults import Fault
from tests.servers.loopback import json_answer
from tests.servers.models import Models

KEY = "sk-sentinel-0123456789"
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["clips"],
    "properties": {
        "clips": {
            "type": "array",
            "allowed": "give the list of clips",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["clip", "fits", "reason"],
                "properties": {
                    "clip": {"type": "integer", "minimum": 1, "allowed": "give its number"},
                    "fits": {"type": "boolean", "allowed": "say whether it fits"},
                    "reason": {"type": "string", "allowed": "say why"},
                },
            },
        }
    },
}
DATA = {
    "scene": {"text": "The sea.", "visualDirection": "waves of the sea"},
    "clips": [{"clip": 1, "description": "a forest"}, {"clip": 2, "description": "sea waves"}],
}
RIGHT = [2, 1]
QUESTIONS = itertools.count()


@pytest.fixture
def models(monkeypatch):
    monkeypatch.setenv("MODEL_KEY", KEY)
    with Models(key=KEY) as server:
        yield server


@pytest.fixture
def settings(models, tmp_path):
    """The configuration of a run: the section llm, and what goes with it."""
    llm = {"base_url": models.base_url, "model": "gpt-test", "key_env": "MODEL_KEY", "temperature": 0.0, "seed": 1}
    limits = {"per_minute": None, "tokens_per_minute": None, "max_concurrent": 5}
    network = {"timeout": [2, 2], "max_wait": 3}
    return {"llm": llm | limits, "network": network, "cache_dir": str(tmp_path / "cache")}


def asking(settings, timeout=5.0, **llm):
    own = settings["llm"] | llm
    server = service("llm", own, settings, timeout)
    return server, lambda messages: chat(server, messages, SCHEMA, own, 100)


def order(settings, check=lambda data: ([clip["clip"] for clip in data["clips"]], []), question=None, **llm):
    """`question`: None for one that was never asked."""
    server, ask = asking(settings, **llm)
    with server:
        return answered(ask, f"Order the clips {question or next(QUESTIONS)}.", DATA, SCHEMA, check)


def test_a_model_is_asked_in_the_form_of_the_schema_with_its_key_and_answers(models, settings):
    made, calls = order(settings)
    assert made == RIGHT
    (asked,) = models.asked
    assert asked["model"] == "gpt-test" and (asked["temperature"], asked["seed"]) == (0, 1)
    assert [message["role"] for message in asked["messages"]] == ["system", "user"]
    assert json.loads(asked["messages"][1]["content"]) == DATA
    assert calls == [{"prompt_tokens": pytest.approx(30, abs=10), "completion_tokens": pytest.approx(16, abs=6)}]


@pytest.mark.parametrize(
    "fault", ["fenced", "prose", "thought", "thought-unopened", "draft", "drafts", "parts", "quoted"]
)
def test_an_answer_is_found_in_what_stands_around_it(models, settings, fault):
    models.chat.queue = [fault]
    assert order(settings)[0] == RIGHT
    assert len(models.requests) == 1


def test_a_draft_is_no_answer_where_none_comes_after_it(models, settings):
    models.chat.queue = ["thought-of"]
    assert order(settings)[0] == RIGHT
    assert "it holds no whole JSON object" in models.asked[1]["messages"][3]["content"]


def test_what_ends_a_thought_is_text_inside_an_answer():
    clips = [{"clip": n, "fits": True, "reason": 'waves </think> {"clips": []}'} for n in (1, 2)]
    assert read(f"So be it.</think>{json.dumps({'clips': clips})}", SCHEMA) == ({"clips": clips}, [])


@pytest.mark.parametrize("fault", ["wrong-schema", "no-json", "nothing", "tool-call", '{"clips": [{"clip": 1}]}'])
def test_a_wrong_answer_is_put_right_once_with_its_faults_named(models, settings, fault):
    models.chat.queue = [fault]
    made, calls = order(settings)
    assert made == RIGHT and len(calls) == 2
    first, second = models.asked
    assert second["messages"][:2] == first["messages"]
    wrong = second["messages"][3]["content"]
    named = {
        "wrong-schema": "clips: is missing; give the list of clips",
        '{"clips": [{"clip": 1}]}': "clips 1.fits: is",
    }
    assert named.get(fault, "it holds no whole JSON object") in wrong


def test_an_answer_that_stays_wrong_is_an_error_that_says_what_is_wrong(models, settings):
    models.chat.queue = ["wrong-schema", "wrong-schema"]
    with pytest.raises(AnswerError, match="nor is the mended one: clips: is missing; give the list") as error:
        order(settings)
    assert len(error.value.calls) == len(models.requests) == 2


def test_what_is_raised_tells_what_was_paid_before_it(models, settings):
    models.chat.queue = ["cut", "wrong-schema", "refusal"]
    with pytest.raises(AnswerError, match="refuses") as refused:
        order(settings)
    assert len(refused.value.calls) == len(models.requests) == 3
    assert all(call["prompt_tokens"] > 10 for call in refused.value.calls)

    def gone(asked):
        return models.chat({"model": "gpt-9"} if len(asked["messages"]) > 2 else asked)

    models.routes["/v1/chat/completions"], models.chat.queue = gone, ["wrong-schema"]
    with pytest.raises(ServiceError) as error:
        order(settings)
    assert len(error.value.calls) == 1


def test_what_a_check_finds_is_put_right_in_the_same_way(models, settings):
    models.chat.queue = [json.dumps({"clips": [{"clip": 9, "fits": True, "reason": ""}]})]
    made, _ = order(settings, lambda data: (data, ["there is no clip 9"] if data["clips"][0]["clip"] == 9 else []))
    assert made["clips"][0]["clip"] == 2
    assert "- there is no clip 9" in models.asked[1]["messages"][3]["content"]


def test_a_cut_answer_is_asked_for_again_with_a_remark_and_never_taken(models, settings):
    models.chat.queue = ["cut"]
    assert order(settings)[0] == RIGHT
    first, second = (asked["messages"] for asked in models.asked)
    assert len(second) == 2 and "cut off" in second[0]["content"] and "cut off" not in first[0]["content"]
    models.chat.queue = ["cut", "cut"]
    with pytest.raises(AnswerError, match="cut off for its length, twice; give its server a larger context"):
        order(settings)


def test_a_cut_answer_and_a_wrong_one_are_each_forgiven_once(models, settings):
    models.chat.queue = ["cut", "no-json"]
    made, calls = order(settings)
    assert made == RIGHT and len(calls) == 3


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("refusal", "the model refuses to answer: I cannot help with that."),
        ("filtered", "the model refuses to answer: by its content filter"),
        ("no-choices", "its answer holds no message: Provider returned error"),
    ],
)
def test_a_refusal_is_told_in_the_servers_words_and_not_asked_again(models, settings, fault, told):
    models.chat.queue = [fault]
    with pytest.raises(AnswerError, match=told):
        order(settings)
    assert len(models.requests) == 1


def test_what_a_server_does_not_know_is_left_out(models, settings):
    models.chat.refuses = {"response_format", "temperature"}
    assert order(settings)[0] == RIGHT
    assert models.asked[-1].keys() == {"model", "messages", "seed"}
    assert order(settings, temperature=None, seed=None)[0] == RIGHT
    assert models.asked[-1].keys() == {"model", "messages"}


def test_a_wrong_model_key_or_address_is_named(models, settings, monkeypatch):
    with pytest.raises(ServiceError, match=r"`gpt-9` does not exist.*check llm.base_url.*llm.model \(gpt-9\)"):
        order(settings, model="gpt-9")
    with pytest.raises(ServiceError, match=r"check llm\.base_url, which mostly ends in /v1"):
        order(settings, base_url=models.host.origin)
    with pytest.raises(Exception, match=r"llm\.model: is empty; name a model of http://127"):
        order(settings, model="")
    monkeypatch.setenv("MODEL_KEY", "sk-another-0123456789")
    with pytest.raises(ServiceError, match="check the key in MODEL_KEY") as error:
        order(settings)
    assert "sk-another" not in str(error.value) and "***" in str(error.value)
    monkeypatch.delenv("MODEL_KEY")
    with pytest.raises(ServiceError, match="MODEL_KEY is not set; set it in the environment"):
        order(settings)
    assert len(models.requests) == 4


@pytest.mark.parametrize("fault", ["429-retry-after", "500", "reset", "cut-json", "not-json", "truncated"])
def test_what_passes_is_waited_for(models, settings, fault):
    models.faults.faults = [Fault((fault,), times=1)]
    assert order(settings)[0] == RIGHT
    assert len(models.requests) == 2


@pytest.mark.parametrize("faults", [[], ["no-json"], ["cut", "wrong-schema"]])
def test_a_question_is_paid_once_whatever_it_took_to_answer(models, settings, faults):
    models.chat.queue = [*faults]
    first = order(settings, question="again")
    assert first[0] == RIGHT and len(first[1]) == len(models.requests) == len(faults) + 1
    assert order(settings, question="again") == first
    assert len(models.requests) == len(first[1]), "and costs what it did"
    order(settings, question="again", seed=2)
    assert len(models.requests) == len(first[1]) + 1, "another seed asks anew"


def test_only_answers_that_are_of_use_are_kept(models, settings, tmp_path):
    models.chat.queue = ["no-json", "no-json"]
    with pytest.raises(AnswerError):
        order(settings, question="again")
    assert order(settings, question="again")[0] == RIGHT and len(models.requests) == 3
    for damage in ("", "[]", '{"text": 1}'):
        (kept,) = tmp_path.glob("cache/answers/*.json")
        kept.write_text(damage)
        assert order(settings, question="again")[0] == RIGHT
    assert len(models.requests) == 6


def test_a_slow_answer_has_the_time_that_the_settings_give_it(models, settings, caplog):
    settings["network"]["timeout"] = [2, 0.2]

    def slow(asked):
        models.host.closing.wait(0.6)
        return models.chat(asked)

    models.routes["/v1/chat/completions"] = slow
    assert order(settings, timeout=5)[0] == RIGHT
    models.routes["/v1/chat/completions"] = lambda asked: (
        slow(asked) if len(models.requests) == 2 else models.chat(asked)
    )
    caplog.set_level("INFO")
    assert order(settings, timeout=0.3)[0] == RIGHT and len(models.requests) == 3
    assert "no answer within 0.3 s; trying again" in caplog.text


def test_requests_and_tokens_count_against_the_limits_of_a_minute(models, settings):
    order(settings, per_minute=1)
    with pytest.raises(
        QuotaError, match=r"llm at 127\.0\.0\.1:\d+: its 1 requests a minute are used up; free again at"
    ):
        order(settings, per_minute=1)
    with pytest.raises(QuotaError, match="tokens a minute are used up"):
        for _ in range(10):
            order(settings, tokens_per_minute=1000)
    assert 2 < len(models.requests) < 9


def test_the_settings_that_the_page_shows_are_sound():
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/llm.md").read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert len(lines) > 10
    for line in lines:
        settings, faults = complete(yaml.safe_load(line), line)
        assert not faults and not unnamed(settings)


def test_hostile_depths_and_lengths_are_no_danger():
    deep = '{"clips": ' * 100_000
    for text in (deep, deep + "}" * 100_000, "{" * 500_000, '{"a": 1}' * 50_000, '{"clips": 1e999}', "\ud800"):
        assert read(text, SCHEMA)[1]
    nested = '{"clips": ' + "[" * 900 + "]" * 900 + "}"
    assert read(nested, SCHEMA)[1]


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [1],
        {},
        {"prompt_tokens": True},
        {"prompt_tokens": -1, "completion_tokens": "9"},
        {"prompt_tokens": 10**30},
    ],
)
def test_usage_that_is_not_told_or_nonsense_is_not_made_up(models, settings, usage):
    told = {"choices": [{"message": {"content": '{"clips": []}'}, "finish_reason": "stop"}], "usage": usage}
    models.routes["/v1/chat/completions"] = lambda _: json_answer(told)
    assert order(settings) == ([], [{"prompt_tokens": None, "completion_tokens": None}])
