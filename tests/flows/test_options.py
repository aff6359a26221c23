"""A parameter model as command line options."""

import pytest

from flows.options import parse_options
from schemas.errors import UserError
from schemas.parameters import BuildDatasetParams, ExportFormat
from schemas.teacher import TeacherSettings
from tasks.store import EXPORT_FORMATS


def parse(*arguments: str) -> BuildDatasetParams:
    return parse_options("flows.build_dataset", BuildDatasetParams, list(arguments))


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


def test_a_value_keeps_its_underscores_and_hyphens() -> None:
    assert parse("--name", "my-set_1", "--apis", "all").name == "my-set_1"


def test_a_list_takes_several_values_and_may_be_given_again() -> None:
    assert parse("--categories", "Animals", "Art & Design", "--categories", "Weather").categories == (
        "Animals",
        "Art & Design",
        "Weather",
    )


def test_export_alone_means_every_form() -> None:
    assert set(parse("--export").export) == set(EXPORT_FORMATS)
    assert parse("--export", "trl").export == ("trl",)


def test_the_forms_of_export_are_those_that_the_store_writes() -> None:
    assert set(ExportFormat.__args__) == set(EXPORT_FORMATS)  # type: ignore[attr-defined]


def test_none_takes_a_value_away() -> None:
    assert parse("--teacher.temperature", "none").teacher.temperature is None


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
        (["stray"], "unknown parameter stray; --help lists them."),
        (["--test-share", "2"], "--test_share '2': should be less than 1; --help tells more."),
        (["--shares.no_tool", "x"], "--shares.no_tool 'x': should be a valid number"),
        (["--teacher.batch", "perhaps"], "--teacher.batch 'perhaps': should be a valid boolean"),
        (["--teacher.batch"], "--teacher: batch needs an endpoint with a Batch API"),
        (["--teacher.base_url", "ftp://x"], "--teacher: base_url must be an http or https address"),
    ],
)
def test_a_wrong_option_is_one_clear_line(arguments: list[str], line: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(*arguments)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_help_fits_80_columns_and_explains_every_parameter(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse("--help")
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert max(map(len, text.splitlines())) <= 80
    for name, field in BuildDatasetParams.model_fields.items():
        assert f"--{name}" in text
        assert field.description
