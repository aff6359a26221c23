"""A parameter model as command line options."""

from typing import Annotated, Literal

import pytest
from pydantic import Field

from flows.data_command import make_data_app
from flows.options import make_command, parse_options
from schemas.base import Parameters
from schemas.errors import UserError
from schemas.parameters import BuildDatasetParams, ExportFormat, KindShares
from schemas.teacher import TeacherSettings
from tasks.datasets import EXPORT_FORMATS


def parse(*arguments: str) -> BuildDatasetParams:
    """What `toolherd build` makes of them."""
    app, shown = make_data_app("build_dataset")
    told = parse_options(app, shown, arguments, {"--export": EXPORT_FORMATS}).model_dump(exclude={"dry_run"})
    return BuildDatasetParams.model_validate(told)


def test_no_option_gives_the_defaults() -> None:
    assert parse() == BuildDatasetParams()


def test_options_take_hyphens_or_underscores_and_reach_nested_models() -> None:
    assert parse("--in-flight", "3", "--test_share=0.2", "--teacher.error-rate", "0.1", "--shares.no_tool", "0") == (
        BuildDatasetParams(
            in_flight=3,
            test_share=0.2,
            teacher=TeacherSettings(error_rate=0.1),
            shares=BuildDatasetParams().shares.model_copy(update={"no_tool": 0.0}),
        )
    )


@pytest.mark.parametrize("arguments", [("--name", "my-set_1"), ("--name=my-set_1",)])
def test_a_value_keeps_its_underscores_and_hyphens(arguments: tuple[str, ...]) -> None:
    assert parse(*arguments, "--apis", "all").name == "my-set_1"


def test_a_value_may_hold_what_parts_a_name_from_a_value() -> None:
    assert parse("--name=a=b-c").name == "a=b-c"


def test_a_value_is_passed_on_as_it_is_also_where_it_looks_like_an_option_s_negation() -> None:
    assert parse("--categories", "none", "None").categories == ("none", "None")
    assert parse("--name", "none").name == "none"


def test_a_list_takes_several_values_and_may_be_given_again() -> None:
    assert parse("--categories", "Animals", "Art & Design", "--categories", "Weather").categories == (
        "Animals",
        "Art & Design",
        "Weather",
    )


def test_of_a_value_that_is_given_twice_the_last_one_counts() -> None:
    params = parse("--apis", "3", "--name", "x", "--teacher.model", "a", "--apis=5", "--teacher.model", "b")
    assert (params.apis, params.name, params.teacher.model) == (5, "x", "b")
    assert not parse("--teacher.batch", "--teacher.batch", "false").teacher.batch


def test_export_alone_means_every_form() -> None:
    assert set(parse("--export").export) == set(EXPORT_FORMATS)
    assert parse("--export", "trl").export == ("trl",)


def test_the_forms_of_export_are_those_that_the_store_writes() -> None:
    assert set(ExportFormat.__args__) == set(EXPORT_FORMATS)  # type: ignore[attr-defined]


def test_export_may_be_given_again() -> None:
    assert parse("--export", "trl", "--export", "xlam", "sharegpt").export == ("trl", "xlam", "sharegpt")
    assert parse("--export", "trl", "--export").export == ("trl", *ExportFormat.__args__)  # type: ignore[attr-defined]


@pytest.mark.parametrize("word", ["none", "None", "NONE"])
def test_none_takes_a_value_away_where_there_may_be_none(word: str) -> None:
    assert parse("--teacher.temperature", word).teacher.temperature is None
    assert parse("--in_flight", word).in_flight is None
    with pytest.raises(UserError, match=f"--seed '{word}': should be a valid integer"):
        parse("--seed", word)


@pytest.mark.parametrize(
    ("arguments", "batch"),
    [
        (["--teacher.batch"], True),
        (["--teacher.batch", "--seed", "1"], True),
        (["--teacher.batch", "true"], True),
        (["--teacher.batch=false"], False),
        (["--teacher.batch", "false"], False),
    ],
)
def test_a_switch_alone_means_true(arguments: list[str], batch: bool) -> None:
    assert parse("--teacher.model", "gpt-4o", *arguments).teacher.batch is batch


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--seeds", "1"], "unknown parameter --seeds; did you mean --seed? --help lists them."),
        (["--seeds=1"], "unknown parameter --seeds; did you mean --seed? --help lists them."),
        (["--teacher.btch"], "unknown parameter --teacher.btch; did you mean --teacher.batch? --help lists them."),
        (["--zzz", "1"], "unknown parameter --zzz; --help lists them."),
        (["stray"], "unknown parameter stray; --help lists them."),
        (["--categ", "x"], "unknown parameter --categ; "),  # no name may be cut short
        (["--name"], "--name: expected one argument; --help tells more."),
        (["--categories"], "--categories: expected at least one argument; --help tells more."),
        (["--teacher.model", "--seed", "1"], "--teacher.model: expected one argument; --help tells more."),
        (["--seed", "-1"], "--seed '-1': should be greater than or equal to 0; --help tells more."),
        (["--seed", "x", "--apis", "0"], "--apis '0': should be greater than or equal to 1 or 'all'; --help"),
        (["--auth", "apiKey", "key"], "--auth 'key': should be 'none', 'apiKey', 'OAuth' or 'other'; --help"),
        (["--shares.no_tool", "1.1"], "--shares.no_tool '1.1': should be less than or equal to 1; --help"),
        (["--test-share", "2"], "--test_share '2': should be less than 1; --help tells more."),
        (["--shares.no_tool", "x"], "--shares.no_tool 'x': should be a valid number"),
        (["--teacher.batch", "perhaps"], "--teacher.batch 'perhaps': should be a valid boolean"),
        (["--teacher.batch"], "--teacher: batch needs an endpoint with a Batch API"),
        (["https://me:secret@h/x?sig=secret"], "unknown parameter https://h/x?hidden-"),
        (["--teacher.base_url", "ftp://x"], "--teacher: base_url must be an http or https address"),
    ],
)
def test_a_wrong_option_is_one_clear_line(arguments: list[str], line: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(*arguments)
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


def test_json_is_given_as_text_and_limits_one_by_one() -> None:
    body, headers = '{"provider": {"order": ["a"]}}', '{"X-Token": "env:TOKEN"}'
    teacher = parse(
        "--teacher.model", "m", "--teacher.extra_body", body, "--teacher.extra-headers", headers,
        "--teacher.fallback", '{"preset": "groq"}', '{"base_url": "http://h/v1"}', "--teacher.max_tokens.document", "9",
    ).teacher  # fmt: skip
    assert teacher.extra_body == {"provider": {"order": ["a"]}}
    assert teacher.extra_headers == {"X-Token": "env:TOKEN"}
    assert [one.preset or one.base_url for one in teacher.fallback] == ["groq", "http://h/v1"]
    assert (teacher.max_tokens.document, teacher.max_tokens.specify) == (9, 16_384)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--teacher.extra_headers", '{"X-Key": "marked-4711'], "--teacher.extra_headers: should be a JSON object"),
        (["--teacher.extra_headers", "X-Token=marked-4711"], "--teacher: extra_headers must be JSON"),
        (["--teacher.extra_headers", '{"Authorization": "marked-4711"}'], "--teacher: extra_headers: the value of"),
        (["--teacher.preset", "groq"], "--teacher: a preset names an endpoint and no model"),
        (["--teacher.stream", "often"], "--teacher.stream 'often': should be 'auto', 'always' or 'never'"),
        (["--user.temperatur", "1"], "unknown parameter --user.temperatur; did you mean --user.temperature?"),
        (["--user.rpm", "0"], "--user.rpm '0': should be greater than or equal to 1"),
    ],
)  # fmt: skip
def test_so_is_one_of_the_teacher_s_knobs_and_no_secret_is_shown(arguments: list[str], line: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(*arguments)
    assert str(caught.value).startswith(line)
    assert "marked-4711" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_role_takes_what_the_teacher_takes_and_the_help_says_so_once(capsys: pytest.CaptureFixture[str]) -> None:
    params = parse("--teacher.model", "big", "--teacher.base_url", "http://h/v1", "--user.model", "small")
    assert (params.user.model, params.user.base_url, params.assistant.model) == ("small", "http://h/v1", "big")
    with pytest.raises(SystemExit):
        parse("--help")
    text = capsys.readouterr().out
    assert "all roles; one by --user.* --assistant.* --simulator.* --judge.*" in text
    assert "--user.model" not in text


def test_what_no_single_value_is_to_blame_for_is_said_of_their_group() -> None:
    with pytest.raises(UserError) as caught:
        parse(*(word for kind in KindShares.model_fields for word in (f"--shares.{kind}", "0")))
    assert str(caught.value) == (
        "--shares: all shares are 0: give at least one kind a share above 0; --help tells more."
    )
    assert parse("--shares.no_tool", "0", "--shares.single_call", "0").shares.multi_call > 0


def test_the_help_fits_80_columns_and_explains_every_parameter(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse("--help")
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert max(map(len, text.splitlines())) <= 80
    for name, field in BuildDatasetParams.model_fields.items():
        assert f"--{name}" in text
        assert field.description


class Engine(Parameters):
    """An engine."""

    power: float = Field(1.5, description="kilowatts, 100 % of them")
    loud: bool = Field(False, description="to be heard")


class Boat(Parameters):
    """Builds a boat."""

    name: str = Field("Ida", description="its name")
    crew: Annotated[int, Field(ge=1)] | Literal["none"] = Field(2, description="who sails it")
    flag: str | None = Field(None, description="what it flies")
    depth: int | None = Field(None, description="in metres")
    sail: Literal["square", "lateen"] = Field("square", description="its sail")
    ports: tuple[str, ...] = Field((), description="where it calls")
    rig: tuple[Literal["main", "fore"], ...] = Field((), description="its masts")
    engine: Engine = Field(default_factory=Engine, description="what drives it")
    tarred: bool = Field(True, description="whether it is black")


HELP = """\
Usage: boats [OPTIONS]

Builds a boat.

╭─ Parameters ─────────────────────────────────────────────────────────────────╮
│ --name STR         its name [default: Ida]                                   │
│ --crew INT|CHOICE  who sails it [choices: none] [default: 2]                 │
│ --flag STR         what it flies                                             │
│ --depth INT        in metres                                                 │
│ --sail CHOICE      its sail [choices: square, lateen] [default: square]      │
│ --ports STR...     where it calls                                            │
│ --rig CHOICE...    its masts [choices: main, fore]                           │
│ --tarred           whether it is black [default: true]                       │
│ --help -h          Display this message and exit.                            │
╰──────────────────────────────────────────────────────────────────────────────╯
╭─ engine: what drives it ─────────────────────────────────────────────────────╮
│ --engine.power FLOAT  kilowatts, 100 % of them [default: 1.5]                │
│ --engine.loud         to be heard [default: false]                           │
╰──────────────────────────────────────────────────────────────────────────────╯
"""


def parse_boat(*arguments: str) -> Boat:
    return parse_options(make_command("boats", Boat), Boat, arguments, {"--depth": ("7",)})


def test_the_help_says_of_each_parameter_what_it_takes_and_what_it_is_without(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        parse_boat("-h")
    assert ended.value.code == 0
    assert capsys.readouterr().out == HELP


def test_an_option_alone_takes_the_value_that_it_names_for_that() -> None:
    assert [parse_boat(*given).depth for given in (["--depth"], ["--depth", "3"], [])] == [7, 3, None]


def test_a_switch_that_is_on_can_be_put_off() -> None:
    assert parse_boat("--tarred", "false", "--engine.loud") == Boat(tarred=False, engine=Engine(loud=True))
