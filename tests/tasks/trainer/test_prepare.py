"""Preparation: what is kept and what is left out with counts, whole folders, and one line where it cannot be done."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from schemas.training import PreparedData
from tasks.trainer.conversations import BadRowError
from tasks.trainer.masking import IGNORED
from tasks.trainer.prepare import main
from tests.bare import BarePython
from tests.tasks.trainer.episodes import make_row, no_call, one_call, say, two_calls, user, write_rows

Prepare = Callable[..., tuple[Path, PreparedData]]


def read_sequences(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / "sequences.parquet").to_pylist()
    return rows


def split_sequences(rows: list[dict[str, Any]]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The conversations in the sequences: ids and labels."""
    found = []
    for row in rows:
        begin = 0
        for length in row["seq_lengths"]:
            piece = slice(begin, begin + length)
            found.append((tuple(row["input_ids"][piece]), tuple(row["labels"][piece])))
            begin += length
        assert begin == len(row["input_ids"]) == len(row["labels"])
    return found


def test_packed_sequences_hold_the_same_conversations_as_unpacked_ones(prepare_rows: Prepare) -> None:
    packed_folder, packed = prepare_rows()
    plain_folder, plain = prepare_rows(packing=False)
    sequences = read_sequences(packed_folder)
    assert sorted(split_sequences(sequences)) == sorted(split_sequences(read_sequences(plain_folder)))
    assert (packed.kept, packed.tokens, packed.trained_tokens) == (plain.kept, plain.tokens, plain.trained_tokens)
    assert len(sequences) == packed.sequences < plain.sequences == plain.kept == 36
    assert max(len(row["input_ids"]) for row in sequences) <= 1024


def test_the_summary_counts_what_is_in_the_file(prepare_rows: Prepare) -> None:
    folder, prepared = prepare_rows()
    conversations = split_sequences(read_sequences(folder))
    assert prepared == PreparedData.model_validate_json((folder / "prepared.json").read_text())
    assert prepared.tokens == sum(len(ids) for ids, _ in conversations)
    assert prepared.trained_tokens == sum(label != IGNORED for _, labels in conversations for label in labels)
    assert prepared.longest == max(len(ids) for ids, _ in conversations)
    assert prepared.rows == prepared.kept


def test_what_is_left_out_is_counted(prepare_rows: Prepare, tmp_path: Path) -> None:
    rows = [
        make_row(one_call(), 0),
        make_row(two_calls(), 1, accepted=False),
        make_row([user("so long " * 400), say("Yes.")], 2),
        make_row([user("Nobody answers.")], 3),
        make_row(no_call(), 4),
    ]
    folder, prepared = prepare_rows(write_rows(tmp_path / "rows.parquet", rows))
    assert (prepared.rows, prepared.kept, prepared.too_long, prepared.nothing_trained) == (4, 2, 1, 1)
    assert len(split_sequences(read_sequences(folder))) == 2


def test_one_seed_gives_one_file_and_another_seed_another_order(prepare_rows: Prepare) -> None:
    first, again, other = (read_sequences(prepare_rows(seed=seed)[0]) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_nothing_to_train_on_is_an_error_that_says_why(prepare_rows: Prepare, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.parquet", [make_row(one_call())])
    output = tmp_path / "out"
    with pytest.raises(BadRowError, match="1 are longer than 128 tokens"):
        prepare_rows(file, max_length=128, output=str(output))
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_cannot_be_written_is_not_there(prepare_rows: Prepare, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(OSError, match="file"):
        prepare_rows(output=str(blocked / "out"))
    assert list(tmp_path.iterdir()) == [blocked]


def write_spec(vicuna: Path, folder: Path, row: dict[str, Any]) -> str:
    spec = {
        "train_file": str(write_rows(folder / "rows.parquet", [row])),
        "model": str(vicuna),
        "template": "auto",
        "max_length": 512,
        "packing": True,
        "seed": 0,
        "output": str(folder / "out"),
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    return str(folder / "spec.json")


def test_the_command_says_in_one_line_what_is_wrong(
    vicuna: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = make_row(one_call(), 5)
    row["messages"][2]["tool_calls"][0]["arguments"] = "{"
    assert main([write_spec(vicuna, tmp_path, row)]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: row row-5: ")
    assert not (tmp_path / "out").exists()


def test_the_command_needs_no_trl(bare_python: BarePython, vicuna: Path, tmp_path: Path) -> None:
    """Its templates are read as files: it takes ten seconds to import."""
    code = (
        "import sys; from tasks.trainer.prepare import main; status = main(sys.argv[1:]); "
        "assert 'trl' not in sys.modules, 'imported'; sys.exit(status)"
    )
    said = bare_python.run(code, write_spec(vicuna, tmp_path, make_row(one_call())))
    assert "1 of 1 rows in 1 sequences" in said
