"""Packed equals unpacked, with every attention; what a step holds; when a loss has exploded."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

pytest.importorskip("torch", reason="the train extra is not installed: make setup-train")

import torch
import trl.trainer.utils
from datasets import Dataset

from schemas.training import PreparedData
from tasks.trainer.attention import VARLEN, choose_attention
from tasks.trainer.early_ends import DivergedError
from tasks.trainer.fine_tuning import (
    Options,
    build_trainer,
    check_loss,
    count_accumulation,
    find_explosion,
    load_model,
)
from tasks.trainer.masking import IGNORED
from tests.tasks.trainer.tiny import build_grouped

Prepare = Callable[..., tuple[Path, PreparedData]]


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with fewer heads for keys than for queries, as Llama 3 and Qwen have."""
    return build_grouped(tmp_path_factory.mktemp("models") / "grouped")


@pytest.fixture(scope="module")
def folders(prepare_rows: Prepare) -> dict[bool, Path]:
    return {packing: prepare_rows(packing=packing)[0] for packing in (True, False)}


def compute_losses(
    path: Path, attention: str, tokenizer: Any, folder: Path, tmp_path: Path, forget: bool = False
) -> dict[tuple[int, ...], float]:
    """Each conversation's summed loss, through the trainer's own collator and the head that it trains."""
    model = load_model(str(path), "full", True, attention)
    with torch.no_grad():  # fresh weights are so small that attention hardly matters
        for weight in (one for one in model.parameters() if one.dim() == 2):
            weight.mul_(8)
    sequences = Dataset(pq.read_table(folder / "sequences.parquet"))
    options = Options(folder=tmp_path, accumulation=1, learning_rate=1e-3, cpu=True)
    trainer = build_trainer(model, tokenizer, sequences, options)
    trainer.model.eval()
    losses = {}
    for row in sequences:
        batch = trainer.data_collator([row])
        if forget:
            batch = {name: batch[name] for name in ("input_ids", "labels")}
        with torch.no_grad():
            scores = trainer.model(**batch, fused_lm_head=True).log_probs[0].double()
        scores = torch.nn.functional.pad(scores, (1, 0))  # the first token is not predicted
        begin = 0
        for length in row["seq_lengths"]:
            losses[tuple(row["input_ids"][begin : begin + length])] = -float(scores[begin : begin + length].sum())
            begin += length
    return losses


@pytest.mark.parametrize("heads", ["vicuna", "grouped"])
@pytest.mark.parametrize("attention", ["varlen", "sdpa"])
def test_packed_data_has_the_loss_of_unpacked_data(
    heads: str,
    attention: str,
    vicuna: Path,
    grouped: Path,
    tokenizers: dict[str, Any],
    folders: dict[bool, Path],
    tmp_path: Path,
) -> None:
    path = vicuna if heads == "vicuna" else grouped
    tokenizer = tokenizers["vicuna"]
    chosen, _ = choose_attention(attention, packing=True, cpu=True)
    unpacked = compute_losses(path, "sdpa", tokenizer, folders[False], tmp_path, forget=True)
    packed = compute_losses(path, chosen, tokenizer, folders[True], tmp_path)
    assert packed == pytest.approx(unpacked, rel=1e-5)
    assert sum(packed.values()) == pytest.approx(sum(unpacked.values()), rel=1e-5)
    # without the borders the conversations see one another, and that shows
    mixed = compute_losses(path, "sdpa", tokenizer, folders[True], tmp_path, forget=True)
    assert mixed != pytest.approx(unpacked, rel=1e-3)


def test_the_gradients_are_equal_too(
    vicuna: Path, tokenizers: dict[str, Any], folders: dict[bool, Path], tmp_path: Path
) -> None:
    def compute(packing: bool, attention: str) -> dict[str, torch.Tensor]:
        model = load_model(str(vicuna), "full", True, attention)
        sequences = Dataset(pq.read_table(folders[packing] / "sequences.parquet"))
        options = Options(folder=tmp_path, accumulation=1, learning_rate=1e-3, cpu=True)
        trainer = build_trainer(model, tokenizers["vicuna"], sequences, options)
        for row in sequences:
            (-trainer.model(**trainer.data_collator([row]), fused_lm_head=True).log_probs.sum()).backward()
        return {name: weight.grad for name, weight in trainer.model.named_parameters()}

    packed, unpacked = compute(True, VARLEN), compute(False, "sdpa")
    for name, gradient in unpacked.items():
        assert torch.allclose(packed[name], gradient, rtol=1e-3, atol=1e-3 * float(gradient.abs().max())), name


def test_the_head_scores_the_trained_tokens_alone_and_as_the_model_itself_does(
    vicuna: Path, tokenizers: dict[str, Any], folders: dict[bool, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequences = Dataset(pq.read_table(folders[False] / "sequences.parquet"))
    own = load_model(str(vicuna), "full", True, "sdpa").eval()
    options = Options(folder=tmp_path, accumulation=1, learning_rate=1e-3, cpu=True)
    trainer = build_trainer(load_model(str(vicuna), "full", True, "sdpa"), tokenizers["vicuna"], sequences, options)
    score, scored = trl.trainer.utils._ChunkedLogProbFunction.apply, []

    def count(hidden: torch.Tensor, *rest: Any) -> Any:
        scored.append(len(hidden))
        return score(hidden, *rest)

    monkeypatch.setattr(trl.trainer.utils, "_ChunkedLogProbFunction", SimpleNamespace(apply=count))
    for row in sequences:
        batch = trainer.data_collator([row])
        trained = sum(label != IGNORED for label in row["labels"])
        with torch.no_grad():
            ours = float(trainer.model.eval()(**batch, fused_lm_head=True).log_probs.double().sum())
            mean = float(own(input_ids=batch["input_ids"], labels=batch["labels"]).loss)
        assert scored.pop() == trained
        assert -ours == pytest.approx(mean * trained, rel=1e-5)


def test_trl_does_not_warn_of_sequences_that_are_taken_one_at_a_time(
    vicuna: Path,
    tokenizers: dict[str, Any],
    folders: dict[bool, Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sequences = Dataset(pq.read_table(folders[True] / "sequences.parquet"))
    options = Options(folder=tmp_path, accumulation=1, learning_rate=1e-3, cpu=True)
    build_trainer(load_model(str(vicuna), "full", True, VARLEN), tokenizers["vicuna"], sequences, options)
    assert "batch size" not in caplog.text


@pytest.mark.parametrize(
    ("batch", "kept", "sequences", "processes", "accumulation"),
    [
        (128, 400, 100, 1, 32),  # four conversations in each sequence
        (128, 400, 100, 8, 4),
        (128, 400, 400, 1, 128),  # not packed
        (100, 300, 100, 1, 33),  # 33.3: to the nearest
        (101, 300, 100, 1, 34),  # 33.7
        (1, 400, 100, 1, 1),  # a sequence cannot be cut
        (5, 400, 100, 1, 1),  # 1.25
        (6, 400, 100, 1, 2),  # 1.5
        (128, 4, 1, 1, 32),  # more than there is: the trainer ends the step where the data ends
    ],
)
def test_the_effective_batch_counts_conversations(
    batch: int, kept: int, sequences: int, processes: int, accumulation: int
) -> None:
    assert count_accumulation(batch, kept, sequences, processes) == accumulation


@pytest.mark.parametrize(
    ("start", "losses", "exploded"),
    [
        (6.0, [6.0, 5.0, 4.0, 3.0], False),
        (1.0, [1.0, 3.0, 3.0, 3.0], False),  # 2 over it is not more than 2 over it
        (1.0, [1.0, 3.1, 3.1, 3.1], True),
        (1.0, [1.0, 3.1, 3.1, 3.0], False),
        (1.0, [1.0, 3.0, 3.1, 3.1], False),
        (1.0, [1.0, 9.0, 9.0, 1.0], False),  # it came back
        (1.0, [1.0, 9.0, 1.0, 9.0], False),
        (1.0, [1.0, 9.0, 9.0], False),  # two, and the first itself
        (1.0, [9.0, 9.0], False),
        (1.0, [9.0, 9.0, 9.0], True),
        (6.0, [6.0, 12.0, 12.0, 12.0], False),  # twice it is not more than twice it
        (6.0, [6.0, 12.1, 12.1, 12.1], True),
        (0.01, [0.01, 0.1, 0.1, 0.1], False),  # noise at the bottom
        (0.01, [0.01, 1.0, 1.0, 1.0, 2.1, 2.1, 2.1], True),
        (1.0, [], False),
    ],
)
def test_a_loss_has_exploded_when_it_stays_far_above_its_beginning(
    start: float, losses: list[float], exploded: bool
) -> None:
    assert find_explosion(start, losses) is exploded


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("loss", "norm", "said"),
    [
        (NAN, 1.0, "the loss is nan at step 7"),
        (INF, 1.0, "the loss is inf at step 7"),
        (-INF, None, "the loss is -inf at step 7"),
        (1.0, NAN, "the norm of the gradient is nan at step 7"),
        (1.0, INF, "the norm of the gradient is inf at step 7"),
        (6.0, 0.0, "the gradient is 0 at step 7: the model has collapsed"),
    ],
)
def test_what_makes_no_sense_ends_the_run_and_names_the_step(loss: float, norm: float | None, said: str) -> None:
    with pytest.raises(DivergedError) as caught:
        check_loss(7, loss, norm)
    assert str(caught.value) == said


@pytest.mark.parametrize(("loss", "norm"), [(0.0, 1.0), (1e30, 1e30), (6.0, None), (6.0, 1e-30), (-1.0, 1.0)])
def test_what_is_only_small_or_large_goes_on(loss: float, norm: float | None) -> None:
    check_loss(7, loss, norm)
