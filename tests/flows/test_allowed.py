"""What a run that a deployment started may name, by the lists of its worker's operator and without them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow_async

from flows.allowed import HOSTS_VARIABLE, KEYS_VARIABLE, PATHS_VARIABLE, Allowed, read_allowed
from flows.build_dataset import build_dataset
from flows.build_toolset import build_toolset
from flows.inputs import gather_catalog, gather_inputs
from flows.refresh_dataset import refresh_dataset
from flows.train import train
from flows.train_inputs import gather_train_inputs
from schemas.errors import UserError
from schemas.parameters import BuildDatasetParams, BuildToolsetParams
from schemas.training import TrainParams
from tasks.datasets import DataRoot
from tests.flows.parts import write_document
from tests.tasks.network.servers import answer, serve_http

Lists = Callable[..., Allowed]


@pytest.fixture
def lists(data_root: DataRoot, monkeypatch: pytest.MonkeyPatch) -> Lists:
    """Sets the operator's variables and reads them."""
    Path(data_root.url).mkdir()

    def read(hosts: str = "", paths: str = "", keys: str = "") -> Allowed:
        for name, value in ((HOSTS_VARIABLE, hosts), (PATHS_VARIABLE, paths), (KEYS_VARIABLE, keys)):
            monkeypatch.setenv(name, value)
        return read_allowed()

    return read


def make(**given: Any) -> BuildDatasetParams:
    return BuildDatasetParams.model_validate(given)


def ask(url: str | None = None, **given: Any) -> BuildDatasetParams:
    """A run that asks an endpoint."""
    return make(teacher={"model": "m", "base_url": url, **given})


def refuse(allowed: Allowed, params: BuildDatasetParams | TrainParams) -> str:
    """What is said of what is not allowed."""
    with pytest.raises(UserError) as caught:
        (allowed.check_training if isinstance(params, TrainParams) else allowed.check_data)(params)  # type: ignore[arg-type]
    said = str(caught.value)
    assert said.isprintable()
    return said


def test_each_role_and_what_it_may_go_on_with_are_held_to_the_lists(lists: Lists, tmp_path: Path) -> None:
    allowed = lists(hosts="good.example", keys="GOOD_API_KEY")
    good = {"model": "m", "base_url": "http://good.example/v1", "api_key_env": "GOOD_API_KEY"}
    bad_host = {"base_url": "http://bad.example/v1"}
    for role in ("teacher", "user", "assistant"):
        allowed.check_data(make(**{"teacher": good, role: good}))
        if role != "teacher":
            assert "bad.example" in refuse(allowed, make(teacher=good, **{role: bad_host}))
            assert f"--{role}.api_key_env" in refuse(allowed, make(teacher=good, **{role: {"api_key_env": "HOME"}}))
    assert "bad.example" in refuse(allowed, make(teacher={**good, "fallback": [bad_host]}))
    headers = {"extra_headers": {"X-Key": "env:HOME"}}
    assert "the environment variable HOME" in refuse(allowed, make(teacher={**good, **headers}))
    assert "--prompts" in refuse(allowed, make(prompts=str(tmp_path / "elsewhere")))
    allowed.check_data(make(prompts=str(tmp_path / "data" / "prompts")))


def test_without_lists_public_hosts_loopback_the_data_root_and_api_keys_are_allowed(
    lists: Lists, tmp_path: Path
) -> None:
    allowed, root = lists(), tmp_path / "data"
    for params in (
        make(), make(catalog=str(root / "lists" / "a.md")), make(catalog=f"{root}/b/../a.md"),
        make(benchmarks=[str(root / "b.json")]), make(catalog="http://127.0.0.1:9/list.md"),
        make(catalog="https://8.8.8.8/list.md"), make(catalog="env:LIST_API_KEY"), make(catalog="block:any"),
        ask("http://127.0.0.1:9/v1"), ask("http://localhost:9/v1"), ask("http://[::1]:9/v1"), ask("http://8.8.8.8/v1"),
        ask(), ask(api_key_env="MY_API_KEY"), ask(api_key_block="any"), make(teacher={"api_key_env": "HOME"}),
    ):  # fmt: skip
        allowed.check_data(params)


@pytest.mark.parametrize(
    ("params", "said", "variable"),
    [
        (make(catalog="/etc/passwd"), "--catalog: a run of a deployment may not use /etc/passwd: only what", "PATHS"),
        (make(catalog="list.md"), "may not use list.md", "PATHS"),
        (make(catalog="{data}/../list.md"), "list.md: only what lies in", "PATHS"),
        (make(catalog="{data}x/list.md"), "list.md: only what lies in", "PATHS"),
        (make(catalog="{data}/link/passwd"), "passwd: only what lies in", "PATHS"),
        (make(catalog="file://{data}/list.md"), "only what lies in", "PATHS"),
        (make(catalog="~/list.md"), "only what lies in", "PATHS"),
        (make(catalog="a\0b\x1b[31m"), "only what lies in", "PATHS"),
        (make(benchmarks=["{data}/b.json", "/etc/passwd"]), "--benchmarks: a run of a deployment may not use", "PATHS"),
        (make(catalog="http://10.0.0.1/x?key=secret"), "not use http://10.0.0.1: 10.0.0.1 is not a public or", "HOSTS"),
        (make(catalog="http://169.254.169.254/latest"), "169.254.169.254 is not a public or loopback", "HOSTS"),
        (make(catalog="http://0x0a000001/"), "is not a public or loopback address", "HOSTS"),
        (make(catalog="http://0.0.0.0:9/"), "is not a public or loopback address", "HOSTS"),
        (make(catalog="http://no-such-host.invalid/"), "its host is not to be found", "HOSTS"),
        (make(catalog="http://["), "its host is not to be found", "HOSTS"),
        (
            make(catalog="env:HOME"),
            "--catalog: a run of a deployment may not use the environment variable HOME",
            "KEYS",
        ),
        (ask("http://192.168.0.1/v1"), "--teacher.base_url: a run of a deployment may not use http://192.168", "HOSTS"),
        (ask(api_key_env="AWS_SECRET_ACCESS_KEY"), "--teacher.api_key_env: a run", "KEYS"),
        (ask(api_key_env="_API_KEY_"), "its name does not end in _API_KEY", "KEYS"),
    ],
)
def test_without_lists_nothing_else_is_and_the_line_says_what_would_allow_it(
    params: BuildDatasetParams, said: str, variable: str, lists: Lists, tmp_path: Path
) -> None:
    allowed = lists()
    data = str(tmp_path / "data")
    (tmp_path / "data" / "link").symlink_to("/etc")
    given = params.model_dump() | {"catalog": params.catalog.replace("{data}", data)}
    given["benchmarks"] = [path.replace("{data}", data) for path in params.benchmarks]
    line = refuse(allowed, BuildDatasetParams.model_validate(given))
    assert said in line
    assert line.endswith(
        f"Whoever runs the worker allows it by TOOLHERD_ALLOWED_{variable} in the worker's environment."
    )
    assert "secret" not in line


def test_what_the_operator_lists_is_allowed_and_nothing_beside_it(lists: Lists, tmp_path: Path) -> None:
    allowed = lists(
        hosts="api.example.org, 10.0.0.1:8000,LISTS.example.org",
        paths=f"{tmp_path}/lists, {tmp_path}/one.md",
        keys="MY_KEY,block:teacher",
    )
    for params in (
        ask("https://api.example.org/v1", api_key_env="MY_KEY"),
        ask("http://10.0.0.1:8000/v1", api_key_block="teacher"),
        make(catalog="https://lists.example.org:8443/x"), make(catalog=f"{tmp_path}/lists/a.md"),
        make(catalog=f"{tmp_path}/one.md"), make(catalog="env:MY_KEY"), make(catalog="block:teacher"), make(),
    ):  # fmt: skip
        allowed.check_data(params)
    for params, variable in (
        (ask("https://api.openai.com/v1", api_key_env="MY_KEY"), HOSTS_VARIABLE),
        (ask("http://10.0.0.1:9/v1", api_key_env="MY_KEY"), HOSTS_VARIABLE),
        (make(catalog="http://127.0.0.1/x"), HOSTS_VARIABLE),
        (ask("https://api.example.org/v1", api_key_env="OPENAI_API_KEY"), KEYS_VARIABLE),
        (ask("https://api.example.org/v1", api_key_block="other"), KEYS_VARIABLE),
        (make(catalog="block:other"), KEYS_VARIABLE),
        (make(catalog="env:OTHER_API_KEY"), KEYS_VARIABLE),
        (make(catalog=f"{tmp_path}/data/a.md"), PATHS_VARIABLE),
        (make(catalog=f"{tmp_path}/one.md.bak"), PATHS_VARIABLE),
    ):
        assert variable in refuse(allowed, params)


def test_datasets_by_name_and_models_of_the_hub_are_allowed_and_folders_where_they_are_listed(
    lists: Lists, tmp_path: Path
) -> None:
    allowed, root = lists(), tmp_path / "data"
    for given in (
        {}, {"dataset": "demo"}, {"dataset": "demo/v1"}, {"dataset": f"{root}/datasets/demo/v1"},
        {"model": "lmsys/vicuna-7b-v1.5"}, {"model": "gpt2"}, {"model": f"{root}/models/run/final"},
    ):  # fmt: skip
        allowed.check_training(TrainParams.model_validate(given))
    for given in (
        {"dataset": "/srv/demo"}, {"dataset": "s3://other/demo"}, {"dataset": "http://127.0.0.1/demo"},
        {"dataset": "zip://x.zip::http://127.0.0.1/demo"}, {"dataset": "../demo"}, {"model": "/srv/model"},
        {"model": "./model"}, {"model": "a/b/c"}, {"model": "tests"}, {"dataset": "tests"},  # the last two lie here
    ):  # fmt: skip
        assert PATHS_VARIABLE in refuse(allowed, TrainParams.model_validate(given))


@pytest.mark.parametrize("climbing", ["..", "%2e%2e", "..\\..", "."])
def test_a_listed_place_may_be_a_url_that_is_not_climbed_out_of(climbing: str, lists: Lists) -> None:
    allowed = lists(paths="s3://bucket/toolherd")
    allowed.check_training(TrainParams(dataset="s3://bucket/toolherd/datasets/demo"))
    for dataset in (f"s3://bucket/toolherd/{climbing}/secret", "s3://bucket/toolherd2/demo", "s3://bucket"):
        assert PATHS_VARIABLE in refuse(allowed, TrainParams(dataset=dataset))


def test_a_catalogue_s_redirect_and_a_block_s_address_are_held_to_the_lists(lists: Lists) -> None:
    with serve_http({"/": answer(b"openapi: 3.1.0\npaths: {}\n")}) as (url, asked):
        params = make(catalog=url + "/")
        assert gather_inputs(params, allowed=lists(hosts=url.removeprefix("http://"))).catalog is not None
        assert len(asked) == 1
        with pytest.raises(UserError, match=HOSTS_VARIABLE):
            gather_inputs(params, allowed=lists(hosts="api.example.org"))
        assert len(asked) == 1


def test_a_variable_s_and_a_block_s_address_are_held_to_the_hosts(
    lists: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = lists(hosts="api.example.org", keys="MY_LIST,block:list")
    monkeypatch.setenv("MY_LIST", "https://me:secret@10.0.0.1/secret?secret")
    with pytest.raises(UserError, match=r"^--catalog env:MY_LIST: .* not use https://10\.0\.0\.1: ") as caught:
        gather_inputs(make(catalog="env:MY_LIST"), allowed=allowed)
    assert "secret" not in str(caught.value)
    with pytest.raises(UserError, match=r"^--catalog block:list: .* not use https://10\.0\.0\.1: ") as caught:
        gather_catalog(make(catalog="block:list"), "https://10.0.0.1/secret", allowed)
    assert "secret" not in str(caught.value)
    with pytest.raises(UserError, match=r"^--benchmarks: the address holds a password") as caught:
        gather_inputs(make(benchmarks=["s3://key:secret@bucket/x"]), allowed=allowed)
    with pytest.raises(UserError, match=r"^--catalog: the address names a user") as caught:
        gather_inputs(make(catalog="https://me:secret@h/x"), allowed=allowed)


def test_the_command_line_may_name_what_it_likes(lists: Lists, tmp_path: Path) -> None:
    lists(hosts="none", paths="none", keys="none")
    (tmp_path / "documents").mkdir()
    write_document(tmp_path / "documents" / "boats.json")
    assert gather_inputs(make(catalog=str(tmp_path / "documents"))).catalog is not None


def test_no_password_is_recorded_with_a_run(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    for params in ({"dataset": "s3://key:secret@bucket/demo"}, {"model": "https://me:secret@hub.example/a/b"}):
        with pytest.raises(UserError, match=r"^--\w+: the address holds a password.* credentials\.$") as caught:
            gather_train_inputs(TrainParams.model_validate(params))
        assert "secret" not in str(caught.value)
    with pytest.raises(UserError, match=r"^--benchmarks: the address holds a password"):
        gather_inputs(make(benchmarks=["s3://key:secret@bucket/x.json"]))
    monkeypatch.setenv("TOOLHERD_DATA_ROOT", "s3://key:secret@bucket/data")
    with pytest.raises(UserError, match=r"^TOOLHERD_DATA_ROOT holds a password") as caught:
        DataRoot.from_environment()
    assert "secret" not in str(caught.value)


async def run_deployed(flow: Flow[..., Any], **params: Any) -> Any:
    """Run a flow as the process that a worker starts for a run of a deployment."""
    async with get_client() as client:
        flow_id = await client.create_flow_from_name(flow.name)
        deployment_id = await client.create_deployment(flow_id, "test", work_pool_name=None)
        flow_run = await client.create_flow_run_from_deployment(deployment_id, parameters={"params": params})
    return await run_flow_async(flow, flow_run=flow_run, parameters=flow_run.parameters)


@pytest.mark.parametrize("flow", [build_toolset, build_dataset, refresh_dataset], ids=lambda flow: flow.name)
async def test_a_run_of_a_deployment_is_held_to_the_lists(
    flow: Flow[..., Any], prefect: str, lists: Lists, tmp_path: Path
) -> None:
    lists()
    with pytest.raises(UserError, match=rf"^--catalog: .* /etc/passwd: only what lies in {tmp_path}/data may be read"):
        await run_deployed(flow, catalog="/etc/passwd")
    with pytest.raises(UserError, match=HOSTS_VARIABLE):
        await run_deployed(flow, teacher={"model": "m", "base_url": "http://10.0.0.1/v1"})


async def test_a_deployment_s_run_that_trains_is_held_to_the_lists(prefect: str, lists: Lists) -> None:
    lists()
    with pytest.raises(UserError, match=rf"^--dataset: .* /etc: .*{PATHS_VARIABLE}"):
        await run_deployed(train, dataset="/etc")


async def test_a_deployment_s_run_builds_what_lies_in_the_data_root(prefect: str, lists: Lists, tmp_path: Path) -> None:
    lists()
    (tmp_path / "data" / "lists").mkdir()
    write_document(tmp_path / "data" / "lists" / "boats.json")
    summary = await run_deployed(build_toolset, catalog=str(tmp_path / "data" / "lists"), apis="all")
    assert (summary.apis, summary.rejected) == (1, {})


async def test_a_program_of_one_s_own_that_calls_a_flow_may_name_what_it_likes(
    prefect: str, lists: Lists, tmp_path: Path
) -> None:
    lists()
    (tmp_path / "documents").mkdir()
    write_document(tmp_path / "documents" / "boats.json")
    summary = await build_toolset(BuildToolsetParams(catalog=str(tmp_path / "documents"), apis="all"))
    assert summary.apis == 1
