import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFile
from upath import UPath

from schemas.episodes import Kind, Message
from schemas.errors import UserError
from schemas.instance import Instance
from tasks.datasets import exports
from tasks.datasets.export_chat import build_sharegpt_row, build_trl_row, build_xlam_row
from tasks.datasets.export_toolalpaca import build_toolalpaca_apis
from tasks.datasets.exports import check_export_formats, export_dataset
from tasks.datasets.publish import publish_dataset
from tasks.datasets.root import DataRoot
from tasks.datasets.rows import build_api_row
from tests.shared_data import SHARED_DATA, needs_shared_data
from tests.tasks.datasets.samples import (
    build_content,
    build_facts,
    build_row,
    build_rows,
    build_toolset,
    build_toolsets,
    call,
)

Call = tuple[str, Any]
ROWS = [row for row in build_rows() if row.accepted]


def list_calls(row: Instance) -> list[Call]:
    return [(c.name, json.loads(c.arguments)) for m in row.messages for c in m.tool_calls]


@pytest.fixture
def dataset(tmp_path: Path) -> str:
    rows = build_rows()
    root = DataRoot(str(tmp_path / "data"))
    return publish_dataset(root, "demo", None, build_content(rows, build_toolsets()), build_facts()).path


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_trl_holds_the_conversation_with_arguments_as_objects(row: Instance) -> None:
    built = json.loads(json.dumps(build_trl_row(row)))
    calls = [c["function"] for m in built["messages"] for c in m.get("tool_calls", [])]
    assert [(c["name"], c["arguments"]) for c in calls] == list_calls(row)
    assert [(m["role"], m["content"]) for m in built["messages"]] == [(m.role, m.content) for m in row.messages]
    assert built["tools"] == json.loads(row.tools)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_sharegpt_holds_the_calls_in_hermes_tags(row: Instance) -> None:
    turns = build_sharegpt_row(row)["conversations"]
    said = "\n".join(turn["value"] for turn in turns if turn["from"] == "gpt")
    found = [json.loads(text) for text in re.findall(r"<tool_call>\n(.*?)\n</tool_call>", said, re.DOTALL)]
    assert [(c["name"], c["arguments"]) for c in found] == list_calls(row)
    seen = "\n".join(turn["value"] for turn in turns if turn["from"] == "tool")
    answers = [json.loads(text) for text in re.findall(r"<tool_response>\n(.*?)\n</tool_response>", seen, re.DOTALL)]
    assert [a["content"] for a in answers] == [json.loads(m.content) for m in row.messages if m.role == "tool"]
    tools = re.search(r"<tools>\n(\{.*\})\n</tools>", turns[0]["value"], re.DOTALL)
    assert tools is not None
    assert [json.loads(line) for line in tools[1].splitlines()] == json.loads(row.tools)


def test_sharegpt_tags_cannot_be_closed_by_an_argument() -> None:
    row = build_row(Kind.SINGLE_CALL)
    said = Message(role="assistant", tool_calls=(call("c", "f", {"x": "</tool_call>"}), call("d", "f", {})))
    seen = [Message(role="tool", tool_call_id=id, content='"</tool_response>"') for id in "cd"]
    turns = build_sharegpt_row(row.model_copy(update={"messages": (said, *seen)}))["conversations"]
    found = re.findall(r"<tool_call>\n(.*?)\n</tool_call>", turns[1]["value"], re.DOTALL)
    assert json.loads(found[0])["arguments"] == {"x": "</tool_call>"}
    assert [turn["from"] for turn in turns] == ["system", "gpt", "tool"]
    assert turns[2]["value"].count("</tool_response>") == 2


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_xlam_holds_what_one_question_and_one_turn_of_calls_can_say(row: Instance) -> None:
    built = build_xlam_row(row)
    if row.kind not in (Kind.SINGLE_CALL, Kind.NO_TOOL):
        assert built is None
        return
    assert built is not None
    assert built["query"] == row.instruction
    assert [(a["name"], a["arguments"]) for a in json.loads(built["answers"])] == list_calls(row)
    search = json.loads(built["tools"])[0]
    assert search["parameters"]["city"]["type"] == "str"
    assert search["parameters"]["limit"] == {
        "description": "How many to return.",
        "type": "int, optional",
        "default": 5,
    }


def test_toolalpaca_holds_every_step_with_its_observation() -> None:
    row = build_row(Kind.MULTI_CALL)
    (api,) = build_toolalpaca_apis([row], {row.api_id: 1}, [build_api_row(build_toolset())])
    (instance,) = api["Instances"]
    steps = instance["intermediate_steps"]
    assert [(step[0][0], json.loads(step[0][1])) for step in steps] == list_calls(row)
    assert steps[0][0][2] == f" First I need its id.\nAction: searchTrails\nAction Input: {steps[0][0][1]}"
    assert steps[1][1].startswith('Status Code: 200. Response: {"id": ')
    assert (instance["input"], instance["output"]) == (row.instruction, row.response)
    assert api["Function_Projection"]["getTrail"] == ["/trails/{trailId}", "get"]
    assert api["Function_Description"]["searchTrails"] == (
        'Find a trail by city.\nParameters: {"city": "Required. string. The city to look for a trail in.", '
        '"limit": "integer. How many to return."}\nOutput: Successful response.\n - Format: application/json\n'
        " - Structure: Object{results: Array[Object{id, name}], total}"
    )


def test_toolalpaca_asks_the_user_by_its_own_action() -> None:
    row = build_row(Kind.MISSING_DETAIL)
    (api,) = build_toolalpaca_apis([row], {row.api_id: 1}, [build_api_row(build_toolset())])
    action, observation = api["Instances"][0]["intermediate_steps"][0]
    assert (action[0], json.loads(action[1])) == ("getDetails", {"Question": "Which city should I look in?"})
    assert observation == "In Bergen."


@needs_shared_data
def test_toolalpaca_has_the_fields_of_the_original() -> None:
    original = json.loads((SHARED_DATA / "toolalpaca_eval_simulated.json").read_text())[0]
    row = build_row()
    (api,) = build_toolalpaca_apis([row], {row.api_id: 1}, [build_api_row(build_toolset())])
    assert set(api) == (set(original) - {"Golden_Answers"}) | {"Instances"}
    for field in set(api) & set(original):
        assert type(api[field]) is type(original[field]), field


def test_an_export_holds_accepted_rows_of_both_splits_and_counts_those_that_have_no_place(
    dataset: str, tmp_path: Path
) -> None:
    files = export_dataset(dataset, tmp_path / "out")
    # Of each API's five rows a form with one question and one turn of calls can say two.
    assert [(file.split, file.format, file.rows, file.left_out) for file in files] == [
        ("train", "trl", 15, 0), ("train", "toolalpaca", 15, 0), ("train", "sharegpt", 15, 0), ("train", "xlam", 6, 9),
        ("test", "trl", 5, 0), ("test", "toolalpaca", 5, 0), ("test", "sharegpt", 5, 0), ("test", "xlam", 2, 3),
    ]  # fmt: skip
    out = tmp_path / "out"
    assert [file.path for file in files] == [
        str(out / name / f"{split}.{end}")
        for split in ("train", "test")
        for name, end in (("trl", "jsonl"), ("toolalpaca", "json"), ("sharegpt", "jsonl"), ("xlam", "json"))
    ]
    assert sorted(str(path) for path in out.glob("*/*")) == sorted(file.path for file in files)
    lines = (out / "trl/train.jsonl").read_text().splitlines()
    (test_api,) = {row["Name"] for row in json.loads((out / "toolalpaca/test.json").read_text())}
    assert [json.loads(line)["id"] for line in lines] == sorted(row.id for row in ROWS if row.api_name != test_api)
    for form in ("trl", "sharegpt"):
        for split in ("train", "test"):
            assert (out / form / f"{split}.jsonl").read_text().endswith("}\n")
    assert "Fløyen" in (out / "trl/train.jsonl").read_text() + (out / "trl/test.jsonl").read_text()


def test_only_the_forms_asked_for_are_written_each_once_in_their_order(dataset: str, tmp_path: Path) -> None:
    files = export_dataset(dataset, tmp_path / "out", ["xlam", "trl", "xlam"])
    assert [(file.split, file.format) for file in files] == [
        ("train", "xlam"), ("train", "trl"), ("test", "xlam"), ("test", "trl"),
    ]  # fmt: skip
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"xlam", "trl"}


def test_an_export_may_lie_in_an_object_store(dataset: str, tmp_path: Path) -> None:
    files = export_dataset(dataset, f"memory://{tmp_path.name}", ["trl"])
    assert [len(UPath(file.path).read_text().splitlines()) for file in files] == [15, 5]


def test_no_form_is_no_file(dataset: str, tmp_path: Path) -> None:
    assert export_dataset(dataset, tmp_path / "out", []) == ()
    assert check_export_formats([]) == ()
    assert check_export_formats(["xlam", "trl", "xlam"]) == ("xlam", "trl")


def test_files_that_are_arrays_are_spelled_as_json_spells_them(dataset: str, tmp_path: Path) -> None:
    export_dataset(dataset, tmp_path / "out")
    for path in (tmp_path / "out").glob("*/*.json"):
        text = path.read_text()
        assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=1)


def test_an_array_of_nothing_is_one_too(tmp_path: Path) -> None:
    rows = [row for row in build_rows() if row.kind is Kind.MULTI_CALL]
    ref = publish_dataset(DataRoot(str(tmp_path)), "demo", None, build_content(rows, build_toolsets()), build_facts())
    files = export_dataset(ref.path, tmp_path / "out", ["xlam"])
    assert [(file.rows, file.left_out) for file in files] == [(0, 3), (0, 1)]
    assert (tmp_path / "out/xlam/train.json").read_text() == "[]"


def test_an_export_that_cannot_be_completed_is_not_there(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def build(row: Instance) -> dict[str, Any]:
        calls.append(row)
        if len(calls) == 3:
            raise ValueError("no such row")
        return build_trl_row(row)

    monkeypatch.setitem(exports._BUILDERS, "trl", build)
    with pytest.raises(UserError, match=r"demo/v1: train\.parquet, row 3 \('museum.*no such row"):
        export_dataset(dataset, tmp_path / "out", ["trl"])
    assert list((tmp_path / "out").glob("*/*")) == []


def test_what_went_wrong_is_told_also_where_half_a_file_is_gone_already(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(_: Instance) -> dict[str, Any]:
        (tmp_path / "out" / "trl" / "train.jsonl").unlink()
        raise ValueError("no such row")

    monkeypatch.setitem(exports._BUILDERS, "trl", build)
    with pytest.raises(UserError, match="no such row"):
        export_dataset(dataset, tmp_path / "out", ["trl"])


def test_a_place_that_cannot_be_written_gets_one_line(dataset: str, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match=r"exports cannot be written to .*/out/trl/train.jsonl: Not a directory\."):
        export_dataset(dataset, tmp_path / "out", ["trl"])


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("the bucket is gone"), "the bucket"),
    ],
    ids=["by number", "in words"],
)
def test_a_disk_that_is_full_gets_one_line_and_half_a_file_is_removed(
    dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, line: str
) -> None:
    written = []
    write = MemoryFile.write

    def refuse(file: MemoryFile, data: bytes) -> int:
        written.append(data)
        if len(written) == 3:
            raise error
        return int(write(file, data))

    target = UPath(f"memory://{tmp_path.name}")
    monkeypatch.setattr(MemoryFile, "write", refuse, raising=False)
    with pytest.raises(UserError, match=f"exports cannot be written to .*train.jsonl: {line}"):
        export_dataset(dataset, target, ["trl"])
    assert len(written) == 3
    assert not list(target.rglob("*.jsonl"))


@pytest.mark.parametrize("table", ["train.parquet", "test.parquet", "toolset.parquet"])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "is gone"),
        (lambda path: path.write_bytes(path.read_bytes()[::-1]), "is not the file that manifest.json was written for"),
    ],
    ids=["gone", "swapped"],
)
def test_tables_that_are_not_the_manifests_own_are_not_exported(
    dataset: str, tmp_path: Path, table: str, damage: Callable[[Path], object], said: str
) -> None:
    damage(Path(dataset) / table)
    with pytest.raises(UserError, match=f"{table} {said}"):
        export_dataset(dataset, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def change_rows(dataset: str, table: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Other rows in a table, and a manifest that was written for them: all hashes are right."""
    path = Path(dataset) / table
    read = pq.read_table(path)
    rows = read.to_pylist()
    for row in rows:
        change(row)
    pq.write_table(pa.Table.from_pylist(rows, schema=read.schema), path)
    told = json.loads((Path(dataset) / "manifest.json").read_text())
    told["tables"][table] |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
    (Path(dataset) / "manifest.json").write_text(json.dumps(told))


def call_with(arguments: str) -> Callable[[dict[str, Any]], object]:
    asked = {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "name": "f", "arguments": arguments}]}
    return lambda row: row.update(messages=[{"role": "user", "content": "hi", "tool_calls": []}, asked])


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("form", "table", "change", "said"),
    [
        ("trl", "train.parquet", lambda row: row.update(kind="strange"), r"row 1: kind: Input should be "),
        ("trl", "train.parquet", lambda row: row.update(messages=None), r"row 1: messages: Input should be "),
        ("trl", "train.parquet", lambda row: row.update(messages=[{"role": "root"}]), r"row 1: messages\.0\.role: "),
        ("trl", "train.parquet", lambda row: row.update(tools="["), r"row 1 \('[\w-]+'\): its JSON is none of ours"),
        ("trl", "test.parquet", lambda row: row.update(tools=DEEP), r"row 1 \('[\w-]+'\): its JSON is none of ours"),
        ("trl", "train.parquet", call_with("{"), r"row 1 \('[\w-]+'\): its JSON is none of ours"),
        ("xlam", "train.parquet", call_with(DEEP), r"row 1 \('[\w-]+'\): its JSON is none of ours"),
        ("xlam", "train.parquet", lambda row: row.update(tools='["f"]'), r"row \d+ \('[\w-]+'\): its JSON is none"),
        ("sharegpt", "train.parquet", lambda row: row.update(tools="1"), r"row 1 \('[\w-]+'\): its JSON is none"),
        (
            "toolalpaca",
            "toolset.parquet",
            lambda row: row.update(document="[]"),
            r"row 2 \('[\w-]+'\): its JSON is none",
        ),
        ("toolalpaca", "toolset.parquet", lambda row: row.update(functions="[1]"), r"row 2 \('[\w-]+'\): its JSON is"),
        (
            "toolalpaca",
            "toolset.parquet",
            lambda row: row.update(api_id="museum-finder"),
            "row 2: 'museum-finder' is th",
        ),
        ("trl", "train.parquet", lambda row: row.update(id="\x1b[31m", tools="{"), r"row 1 \('\\x1b\[31m'\): its JSON"),
    ],
)
def test_rows_that_are_none_of_ours_are_named_with_their_file(
    dataset: str, tmp_path: Path, form: str, table: str, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    change_rows(dataset, table, change)
    with pytest.raises(UserError, match=f"{dataset}: {table}, {said}"):
        export_dataset(dataset, tmp_path / "out", [form])


def test_an_unknown_format_is_named_with_the_known(dataset: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'alpaca': choose from trl, toolalpaca, sharegpt, xlam"):
        export_dataset(dataset, tmp_path, ["alpaca"])


def test_a_folder_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no complete dataset"):
        export_dataset(tmp_path, tmp_path / "out")


def test_half_of_a_surrogate_pair_in_an_argument_stops_no_export(tmp_path: Path) -> None:
    row = build_row(Kind.SINGLE_CALL)
    messages = tuple(
        m.model_copy(update={"tool_calls": (call("c", "searchTrails", {"city": "Bergen \ud83d"}),)})
        if m.tool_calls
        else m
        for m in row.messages
    )
    rows = [row.model_copy(update={"messages": messages})]
    ref = publish_dataset(DataRoot(str(tmp_path)), "demo", None, build_content(rows, build_toolsets()), build_facts())
    export_dataset(ref.path, tmp_path / "out")
    (line,) = (tmp_path / "out/trl/train.jsonl").read_text().splitlines()
    (written,) = (c for m in json.loads(line)["messages"] for c in m.get("tool_calls", ()))
    assert written["function"]["arguments"] == {"city": "Bergen \ufffd"}


def test_sharegpt_tags_cannot_be_closed_by_a_description() -> None:
    row = build_row(Kind.SINGLE_CALL)
    tools = [{"type": "function", "function": {"name": "f", "description": "</tools>", "parameters": {}}}]
    system = build_sharegpt_row(row.model_copy(update={"tools": json.dumps(tools)}))["conversations"][0]["value"]
    inside = re.search(r"<tools>\n(.*?)\n</tools>", system, re.DOTALL)
    assert inside is not None
    assert json.loads(inside[1]) == tools[0]


def test_xlam_says_which_values_there_are() -> None:
    unit = {"type": "string", "description": "The unit.", "enum": ["km", "mi"]}
    function = {"name": "f", "description": "", "parameters": {"type": "object", "properties": {"unit": unit}}}
    row = build_row(Kind.NO_TOOL).model_copy(update={"tools": json.dumps([{"type": "function", "function": function}])})
    built = build_xlam_row(row)
    assert built is not None
    assert json.loads(built["tools"])[0]["parameters"]["unit"]["description"] == "The unit. One of: km, mi."
