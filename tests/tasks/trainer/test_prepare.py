"""Preparation: what is kept, what is left out and counted, and that the folder is whole or not there."""

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("transformers", reason="the train extra is not installed: make setup-train")

from schemas.training import PreparedData
from tasks.trainer import prepare as module
from tasks.trainer.chat_templates import load_template
from tasks.trainer.conversations import BadRowError
from tasks.trainer.masking import IGNORED
from tasks.trainer.prepare import make_cleaner
from tests.kept_formats import list_datasets
from tests.tasks.trainer.episodes import make_row, make_rows, no_call, one_call, say, two_calls, user, write_rows
from tests.tasks.trainer.sequences import Prepare, read_sequences, split_sequences


def test_packed_sequences_hold_the_same_conversations_as_unpacked_ones(prepare_rows: Prepare) -> None:
    packed_folder, packed = prepare_rows()
    plain_folder, plain = prepare_rows(packing=False)
    sequences = read_sequences(packed_folder)
    assert sorted(split_sequences(sequences)) == sorted(split_sequences(read_sequences(plain_folder)))
    assert (packed.kept, packed.tokens, packed.trained_tokens) == (plain.kept, plain.tokens, plain.trained_tokens)
    assert len(sequences) == packed.sequences < plain.sequences == plain.kept == 36
    assert max(len(row["input_ids"]) for row in sequences) <= 1024


def test_the_summary_counts_what_is_in_the_file(prepare_rows: Prepare, tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there" / "yet"
    _, prepared = prepare_rows(output=str(folder))
    text = (folder / "prepared.json").read_text()
    assert text == json.dumps(json.loads(text), indent=2) + "\n"
    conversations = split_sequences(read_sequences(folder))
    assert prepared == PreparedData.model_validate_json((folder / "prepared.json").read_text())
    assert prepared.tokens == sum(len(ids) for ids, _ in conversations)
    assert prepared.trained_tokens == sum(label != IGNORED for _, labels in conversations for label in labels)
    assert prepared.longest == max(len(ids) for ids, _ in conversations)
    assert prepared.rows == prepared.kept == len(conversations) == 36
    assert (prepared.too_long, prepared.nothing_trained) == (0, 0)
    assert (prepared.template, prepared.template_hash) == ("vicuna", load_template("vicuna").hash)
    assert sorted(path.name for path in folder.iterdir()) == ["prepared.json", "sequences.parquet"]


@pytest.mark.parametrize("dataset", list_datasets(), ids=lambda path: path.name)
def test_the_rows_of_every_format_of_dataset_can_be_prepared(prepare_rows: Prepare, dataset: Path) -> None:
    _, prepared = prepare_rows(dataset / "train.parquet", max_length=16384)
    assert prepared.rows == prepared.kept > 0


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


def test_what_is_too_long_and_trains_nothing_is_counted_once(prepare_rows: Prepare, tmp_path: Path) -> None:
    rows = [make_row(one_call(), 0), make_row([user("so long " * 400)], 1)]
    _, prepared = prepare_rows(write_rows(tmp_path / "rows.parquet", rows))
    assert (prepared.rows, prepared.kept, prepared.too_long, prepared.nothing_trained) == (2, 1, 1, 0)


@pytest.mark.parametrize("packing", [True, False])
def test_a_conversation_just_as_long_as_a_sequence_stays_and_one_token_more_is_left_out(
    prepare_rows: Prepare, packing: bool
) -> None:
    lengths = sorted(len(ids) for ids, _ in split_sequences(read_sequences(prepare_rows(packing=False)[0])))
    longest = lengths[-1]
    _, exact = prepare_rows(packing=packing, max_length=longest)
    assert (exact.kept, exact.too_long, exact.longest) == (36, 0, longest)
    folder, shorter = prepare_rows(packing=packing, max_length=longest - 1)
    left_out = lengths.count(longest)
    assert (shorter.rows, shorter.kept, shorter.too_long) == (36, 36 - left_out, left_out)
    assert shorter.tokens == sum(length for length in lengths if length < longest)
    assert max(len(row["input_ids"]) for row in read_sequences(folder)) < longest


def test_unpacked_each_conversation_is_a_sequence(prepare_rows: Prepare) -> None:
    folder, prepared = prepare_rows(packing=False)
    rows = read_sequences(folder)
    assert all(row["seq_lengths"] == [len(row["input_ids"])] for row in rows)
    assert len(rows) == prepared.sequences == prepared.kept


def test_the_rows_of_an_api_do_not_stay_together(prepare_rows: Prepare, vicuna: Path, tmp_path: Path) -> None:
    """They come one after another in the file."""
    from transformers import AutoTokenizer

    rows = [make_row([user(f"Question {n}."), say("No.")], n) for n in range(12, 48)]
    folder, _ = prepare_rows(write_rows(tmp_path / "rows.parquet", rows), packing=False)
    texts = AutoTokenizer.from_pretrained(vicuna).batch_decode(
        [ids for ids, _ in split_sequences(read_sequences(folder))]
    )
    order = [int(text.partition("Question ")[2][:2]) for text in texts]
    assert sorted(order) == list(range(12, 48))
    assert order != sorted(order)


@pytest.mark.parametrize("size", [1, 5, 36])
def test_rows_are_read_and_written_in_batches_of_any_size(
    prepare_rows: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    rows = make_rows(11)
    rows[3]["accepted"] = rows[4]["accepted"] = False  # two batches of nothing at size 1
    file = write_rows(tmp_path / "rows.parquet", rows)
    folder, prepared = prepare_rows(file, packing=False)
    monkeypatch.setattr(module, "BATCH", size)
    again, same = prepare_rows(file, packing=False)
    assert (same, prepared.rows) == (prepared, 9)
    assert read_sequences(again) == read_sequences(folder)


def test_one_seed_gives_one_file_and_another_seed_another_order(prepare_rows: Prepare) -> None:
    first, again, other = (read_sequences(prepare_rows(seed=seed)[0]) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_nothing_to_train_on_is_an_error_that_says_why(prepare_rows: Prepare, tmp_path: Path) -> None:
    rows = [make_row(one_call()), make_row([user("Nobody answers.")], 1), make_row(no_call(), 2, accepted=False)]
    file = write_rows(tmp_path / "rows.parquet", [*rows, make_row([user("so long " * 400), say("Yes.")], 3)])
    _, alone = prepare_rows(write_rows(tmp_path / "alone.parquet", rows[:1]))
    limit = alone.longest - 1
    with pytest.raises(BadRowError) as caught:
        prepare_rows(file, max_length=limit, output=str(tmp_path / "out"))
    assert str(caught.value) == (
        f"nothing to train on: of 3 accepted rows 2 are longer than {limit} tokens and 1 hold nothing that is trained"
    )
    assert not list(tmp_path.glob("out*"))


def test_a_folder_that_cannot_be_written_is_not_there(prepare_rows: Prepare, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(OSError, match="file"):
        prepare_rows(output=str(blocked / "out"))
    assert list(tmp_path.iterdir()) == [blocked]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_the_folder_of_before_stays_until_the_new_one_is_whole(
    prepare_rows: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """The summary, written last, meets a full disk, or Ctrl-C; a run that was killed had left its half beside."""
    output = tmp_path / "a" / "out"
    half = output.with_name(f"out.writing-{os.getpid()}")
    half.mkdir(parents=True)
    (half / "left over").touch()
    prepare_rows(output=str(output), seed=1)
    before = read_sequences(output)
    assert list(output.parent.iterdir()) == [output]

    def write_text(path: Path, *arguments: Any, **options: Any) -> int:
        assert path == half / "prepared.json"
        assert (half / "sequences.parquet").stat().st_size > 0
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", write_text)
        with pytest.raises(type(error)):
            prepare_rows(output=str(output), seed=2)
    assert list(output.parent.iterdir()) == [output]
    assert read_sequences(output) == before
    prepare_rows(output=str(output), seed=2)
    assert read_sequences(output) != before
    assert sorted(path.name for path in output.iterdir()) == ["prepared.json", "sequences.parquet"]


@pytest.mark.parametrize(
    ("token", "cleaned"),
    [
        ("<s>", "< s>"),  # three characters
        ("<|end|>", "< |end|>"),
        ("##", "##"),  # plain punctuation that a tokenizer happens to have whole
        ("  ", "  "),
        ("<a b>", "<a b>"),  # text in which spaces may be
        ("<\t\t>", "<\t\t>"),
    ],
)
@pytest.mark.parametrize("special", [True, False])
def test_tokens_are_kept_out_of_texts_but_for_what_is_text_itself(token: str, cleaned: str, special: bool) -> None:
    tokenizer = SimpleNamespace(
        get_added_vocab=lambda: {} if special else {token: 1}, all_special_tokens=[token] if special else []
    )
    assert make_cleaner(tokenizer).clean(f"a{token}b") == f"a{cleaned}b"
