import json
from pathlib import Path

import pytest
import yaml

from scripts.lib.config import SCHEMAS, complete, override, schema
from scripts.lib.documents import read_document

DEFAULTS, _ = complete({}, "config.yaml")


def problem(config: object) -> str:
    """The one problem that a configuration has."""
    _, problems = complete(config, "config.yaml")
    assert len(problems) == 1, problems
    return problems[0]


def leaves(part: dict) -> list[dict]:
    return [
        leaf for inner in part["properties"].values() for leaf in (leaves(inner) if "properties" in inner else [inner])
    ]


def test_nothing_given_is_every_default():
    assert complete({}, "config.yaml") == (DEFAULTS, [])
    assert DEFAULTS["video"]["crf"] == 21
    assert DEFAULTS["stock"]["pexels"]["per_hour"] == 200


def test_every_key_has_a_description_and_a_default_that_is_allowed():
    for leaf in leaves(schema("config")):
        assert leaf["description"]
        assert "default" in leaf
    assert complete(DEFAULTS, "config.yaml") == (DEFAULTS, [])


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.schema.json")), ids=lambda path: path.name)
def test_every_schema_is_json_schema_2020_12(path):
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(json.loads(path.read_text()))


def test_the_config_file_holds_the_defaults():
    config = read_document(SCHEMAS.parent / "config.yaml")
    assert complete(config, "config.yaml") == (DEFAULTS, [])
    for section, values in config.items():
        for key, value in values.items():
            assert value == DEFAULTS[section][key] or value.items() <= DEFAULTS[section][key].items()


def test_snakemake_reads_the_config_file_as_we_do():
    path = SCHEMAS.parent / "config.yaml"
    assert yaml.safe_load(path.read_text()) == read_document(path)


def test_equal_configurations_give_equal_settings_to_the_byte():
    plain = {"video": {"width": 720, "crf": 18}, "music": {"volume_db": -20}, "concurrency": {"rendering": None}}
    told = {
        "concurrency": {"rendering": "null"},
        "music": {"volume_db": "-20"},
        "video": {"crf": "18", "width": " 720 "},
        "network": {"allow_private": "False", "timeout": ["5", 60]},
        "captions": None,
    }
    assert json.dumps(complete(plain, "a")) == json.dumps(complete(told, "b"))


def test_numbers_have_the_schemas_type():
    settings, problems = complete({"narration": {"speed": 1}, "video": {"fps": 25.0}}, "config.yaml")
    assert not problems
    assert repr(settings["narration"]["speed"]) == "1.0"
    assert repr(settings["video"]["fps"]) == "25"


def test_a_number_where_a_name_is_due_is_a_name():
    settings, problems = complete({"selection": {"avoid": [2024]}, "cache_dir": 5}, "config.yaml")
    assert not problems
    assert settings["selection"]["avoid"] == ["2024"]
    assert settings["cache_dir"] == "5"


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"vidoe": {}}, "config.yaml: vidoe: is not a known key; did you mean video?"),
        ({"video": {"heigth": 2}}, "config.yaml: video.heigth: is not a known key; did you mean height?"),
        ({"video": {"with": 2}}, "config.yaml: video.with: is not a known key; did you mean width?"),
        ({"stock": {"pexels": {"perhour": 2}}}, "did you mean per_hour?"),
        ({"network": {"zzz": 2}}, "known here: timeout, max_wait, max_download_mb, allow_private"),
        ({"video": {"width": 1081}}, "config.yaml: video.width: must be a multiple of 2, not 1081"),
        ({"video": {"width": 10}}, "config.yaml: video.width: must be at least 64, not 10"),
        ({"video": {"width": 8192}}, "config.yaml: video.width: must be at most 4096, not 8192"),
        ({"video": {"fps": 29.97}}, "config.yaml: video.fps: must be a whole number, not a number"),
        ({"video": {"crf": "good"}}, "config.yaml: video.crf: must be a whole number, not text"),
        ({"video": {"crf": True}}, "config.yaml: video.crf: must be a whole number, not true or false"),
        ({"video": {"crf": None}}, "config.yaml: video.crf: must be a whole number, not null"),
        ({"video": {"crf": 10**400}}, "must be at most 51, not 1000000000000000000…"),
        ({"video": [1]}, "config.yaml: video: must be a mapping of keys, not a list"),
        ({"narration": {"speed": float("nan")}}, "must be a number, not an infinite or undefined one"),
        ({"narration": {"speed": "inf"}}, "must be a number, not text"),
        ({"concurrency": {"api": 0}}, "config.yaml: concurrency.api: must be at least 1, not 0"),
        ({"concurrency": {"rendering": "all"}}, "must be a whole number or null, not text"),
        ({"captions": {"style": "karoake"}}, "not karoake; did you mean karaoke?"),
        (
            {"narration": {"engine": "es\u202epeak\n"}},
            "must be one of espeak, kokoro, piper, openai, file, not es\\u202epeak\\n; did you mean espeak?",
        ),
        ({"stock": {"providers": ["pexel"]}}, "config.yaml: stock.providers 1: must be one of"),
        ({"stock": {"providers": []}}, "config.yaml: stock.providers: is empty; give at least one"),
        ({"stock": {"providers": ["local", "local"]}}, "names the same thing twice"),
        ({"stock": {"pexels": {"base_url": "ftp://x"}}}, "must be an http or https address"),
        ({"selection": {"avoid": ["../x"]}}, "config.yaml: selection.avoid 1: must be the name of a project"),
        ({"selection": {"avoid": ["x\n"]}}, "config.yaml: selection.avoid 1: must be the name of a project"),
        ({"music": {"path": "../../etc/passwd"}}, "must be a path inside the workspace"),
        ({"music": {"path": "/etc/passwd"}}, "must be a path inside the workspace"),
        ({"pathvars": {"results": "../x"}}, "must be a folder inside the workspace"),
        ({"pathvars": {"results": "."}}, "must be a folder inside the workspace"),
        ({"network": {"timeout": [5]}}, "config.yaml: network.timeout: needs 2 entries, has 1"),
        ({"cache_dir": "a\x00b"}, "config.yaml: cache_dir: holds the character U+0000"),
        ([], "config.yaml: must be a mapping of keys, not a list"),
    ],
)
def test_a_fault_is_named_in_plain_words(config, expected):
    assert expected in problem(config)


def test_all_faults_are_told_at_once_in_a_stable_order():
    config = {"video": {"crf": 99, "fps": 0}, "nonsense": 1, "captions": {"style": 3}}
    _, problems = complete(config, "config.yaml")
    assert [line.split(": ")[1] for line in problems] == ["captions.style", "nonsense", "video.crf", "video.fps"]
    assert complete(dict(reversed(config.items())), "config.yaml")[1] == problems


def test_a_secret_in_the_wrong_place_is_not_repeated():
    for secret in ("sk-abc123", "563492ad6f91700001000001abc"):
        assert secret not in problem({"stock": {"pexels": {"key_env": secret}}})
        assert secret not in problem({"stock": {"pexels": {"base_url": f"https://x/?key={secret}"}}})
        assert secret not in problem({"llm": {"api_key": secret}})


def test_a_project_lays_its_own_over_the_runs_settings():
    settings, problems = override(DEFAULTS, {"video": {"crf": "30"}, "captions": None, "archived": True}, "config.yaml")
    assert not problems
    assert settings["video"] == DEFAULTS["video"] | {"crf": 30}
    assert {key: value for key, value in settings.items() if key != "video"} == {
        key: value for key, value in DEFAULTS.items() if key != "video"
    }
    assert list(settings["video"]) == list(DEFAULTS["video"])


def test_a_project_may_override_what_shapes_its_video_and_nothing_else():
    sections = {"video", "narration", "timing", "embedding", "selection", "llm", "captions", "music"}
    assert set(schema("project")["properties"]) == sections | {"archived"}
    for key in set(DEFAULTS) - sections:
        settings, problems = override(DEFAULTS, {key: {}}, "projects/a/config.yaml")
        assert problems[0].startswith(
            f"projects/a/config.yaml: {key}: holds for the whole run; set it in config/config.yaml"
        )
        assert settings == DEFAULTS


def test_settings_laid_over_are_not_changed_themselves():
    before = json.dumps(DEFAULTS)
    override(DEFAULTS, {"video": {"crf": 30}}, "config.yaml")
    assert json.dumps(DEFAULTS) == before


def write(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.json", "", "a.json: line 1, column 1: is not valid JSON: the file is empty"),
        ("a.json", '{"a": 1,\n  "b" 2}', "a.json: line 2, column 7: is not valid JSON: expecting ':' delimiter"),
        ("a.json", '{"a": 1, "a": 2}', 'the key "a" stands twice in one object'),
        (
            "a.json",
            '[{"id": "x", "t": 1, "t": 2}]',
            'the key "t" stands twice in one object (in the one with the id "x")',
        ),
        ("a.json", '{"a": NaN}', "NaN is no number that JSON knows"),
        ("a.json", '{"a": ' + "9" * 5000 + "}", "holds a number of thousands of digits"),
        ("a.yaml", "a: " + "9" * 5000, "holds a number of thousands of digits"),
        ("a.json", "[" * 100_000, "is nested too deeply"),
        ("a.json", "[" * 33 + "]" * 33, "is nested too deeply: at most 32 levels"),
        ("a.yaml", "[" * 100_000, "is nested too deeply: at most 32 levels"),
        ("a.yaml", "[" * 33 + "]" * 33, "is nested too deeply: at most 32 levels"),
        ("a.yaml", "a: 1\na: 2", 'a.yaml: line 2, column 1: is not valid YAML: the key "a" stands twice'),
        ("a.yaml", "a: [1\nb: 2", "a.yaml: line 2, column 2: is not valid YAML"),
        ("a.yaml", "a: &x [1]\nb: *x", "a.yaml: line 1, column 4: is not valid YAML: anchors and aliases"),
        ("a.yaml", "1: x", "a key must be text"),
        ("a.yaml", "? [a]\n: x", "a key must be text"),
        ("a.yaml", "a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("a.yaml", "a: !!binary aGk=", "could not determine a constructor"),
        ("a.yaml", "a: 1\n---\nb: 2", "but found another document"),
        ("a.yaml", "a: \x07", "is not valid YAML"),
        ("a.json", b"\xff\xfe{\x00}\x00", "is UTF-16; save it as UTF-8"),
        ("a.json", '{"a": 1}'.encode("utf-32"), "is UTF-32; save it as UTF-8"),
        ("a.json", b'{\n"a": "caf\xe9"}', "is not UTF-8 (line 2); save it as UTF-8"),
        ("a.json", b" " * 2_000_001, "is too large: at most 2 MB"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_in_one_line(tmp_path, monkeypatch, name, data, expected):
    from scripts.lib.errors import UserError

    monkeypatch.chdir(tmp_path)
    write(tmp_path, name, data)
    with pytest.raises(UserError) as error:
        read_document(Path(name))
    assert expected in str(error.value)
    assert str(error.value).startswith(f"{name}: ")
    assert "\n" not in str(error.value)


def test_a_byte_order_mark_is_no_fault(tmp_path):
    assert read_document(write(tmp_path, "a.json", b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}
    assert read_document(write(tmp_path, "a.yaml", b"\xef\xbb\xbfa: 1\r\n")) == {"a": 1}


def test_plain_yaml_words_and_times_stay_text(tmp_path):
    text = "a: no\nb: 12:30\nc: 2024-01-01\nd: 007\ne: on\nf: true\ng: 1.5\nh: -3\ni: ~\nj: 1_000\nk: <<\nl: .inf"
    values = ["no", "12:30", "2024-01-01", "007", "on", True, 1.5, -3, None, "1_000", "<<", ".inf"]
    assert read_document(write(tmp_path, "a.yaml", text)) == dict(zip("abcdefghijkl", values, strict=True))
