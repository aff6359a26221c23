"""Attention that keeps conversations apart: against arithmetic in float64, on the CPU and by a stand-in for the kernel.

The stand-ins take what PyTorch's `varlen_attn` takes, as it is now and as it was at first, and compute plainly.
"""

import inspect
import itertools
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch", reason="the train extra is not installed: make setup-train")

import torch
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from tasks.trainer import attention
from tasks.trainer.attention import VARLEN, attend, attend_varlen, choose_attention, mask

LENGTHS = (3, 1, 5)
BORDERS = torch.tensor([0, 3, 4, 9], dtype=torch.int32)
HEAD_DIM = 8


def make_inputs(heads: int = 4, kv_heads: int = 4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Query, key and value of nine tokens: (1, heads, tokens, head_dim)."""
    draw = torch.Generator().manual_seed(0)
    sizes = (heads, kv_heads, kv_heads)
    query, key, value = (torch.randn(1, size, 9, HEAD_DIM, generator=draw) for size in sizes)
    return query, key, value


def compute(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float, borders: Any) -> torch.Tensor:
    """Causal attention within borders, in float64, (1, tokens, heads, head_dim)."""
    groups = query.shape[1] // key.shape[1]
    query, key, value = (one[0].double() for one in (query, key, value))
    key, value = (one.repeat_interleave(groups, 0) for one in (key, value))
    parts = []
    for begin, end in itertools.pairwise(borders.tolist()):
        scores = query[:, begin:end] @ key[:, begin:end].transpose(1, 2) * scale
        seen = torch.ones(end - begin, end - begin, dtype=torch.bool).tril()
        parts.append(scores.masked_fill(~seen, -torch.inf).softmax(-1) @ value[:, begin:end])
    return torch.cat(parts, dim=1).transpose(0, 1)[None]


def make_module(groups: int) -> Any:
    """What of a model's layer transformers' own attention looks at."""
    return SimpleNamespace(num_key_value_groups=groups, is_causal=True, training=False, config=None)


@pytest.mark.parametrize("scaling", [None, 0.1])
@pytest.mark.parametrize("kv_heads", [4, 2])
def test_packed_conversations_do_not_see_one_another(kv_heads: int, scaling: float | None) -> None:
    inputs = make_inputs(4, kv_heads)
    out, weights = attend(make_module(4 // kv_heads), *inputs, None, scaling=scaling, cu_seq_lens_q=BORDERS)
    assert weights is None
    assert torch.allclose(out.double(), compute(*inputs, scaling or HEAD_DIM**-0.5, BORDERS), atol=1e-5)


def test_without_borders_it_is_scaled_dot_product_with_the_mask_that_is_given() -> None:
    inputs, module = make_inputs(), make_module(1)
    seen = torch.ones(9, 9, dtype=torch.bool).tril()
    seen[:, 0] = False  # padding before the text
    seen[0, 0] = True
    out, _ = attend(module, *inputs, seen[None, None], scaling=0.3)
    assert torch.equal(out, sdpa_attention_forward(module, *inputs, seen[None, None], scaling=0.3)[0])
    assert not torch.allclose(out, attend(module, *inputs, None, scaling=0.3)[0])


def test_dropout_is_applied() -> None:
    inputs, module = make_inputs(), make_module(1)
    for borders in (None, BORDERS):
        torch.manual_seed(0)
        dropped, _ = attend(module, *inputs, None, dropout=0.9, scaling=0.3, cu_seq_lens_q=borders)
        plain, _ = attend(module, *inputs, None, scaling=0.3, cu_seq_lens_q=borders)
        assert not torch.allclose(dropped, plain)


Asked = dict[str, Any]


class Kernel:
    """A stand-in for `varlen_attn`; `asked` is what it was called with."""

    def __init__(self) -> None:
        self.asked: Asked = {}
        self.kv_heads: set[int] = set()
        self.groups = False

    def now(
        self, query: Any, key: Any, value: Any, cu_seq_q: Any, cu_seq_k: Any, max_q: int, max_k: int, *,
        scale: float | None = None, window_size: tuple[int, int] = (-1, -1), enable_gqa: bool = False,
    ) -> torch.Tensor:  # fmt: skip
        assert enable_gqa is (query.shape[1] != key.shape[1])
        assert window_size == (-1, 0), "not causal"
        return self.take(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, scale)

    def at_first(
        self, query: Any, key: Any, value: Any, cu_seq_q: Any, cu_seq_k: Any, max_q: int, max_k: int,
        is_causal: bool = False,
    ) -> torch.Tensor:  # fmt: skip
        assert query.shape[1] == key.shape[1]
        assert is_causal
        return self.take(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, None)

    def take(self, query: Any, key: Any, value: Any, borders: Any, others: Any, *rest: Any) -> torch.Tensor:
        longest, longest_key, scale = rest
        assert torch.equal(borders, others)
        assert all(one.is_contiguous() for one in (query, key, value))
        self.asked = {"longest": (longest, longest_key), "dtype": {one.dtype for one in (query, key, value)}}
        self.kv_heads = {key.shape[1], value.shape[1]}
        query, key, value = (one.transpose(0, 1)[None] for one in (query, key, value))
        found = compute(query, key, value, HEAD_DIM**-0.5 if scale is None else scale, borders)
        out: torch.Tensor = found[0].to(value.dtype)
        return out


@pytest.fixture(params=["now", "at_first"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    made.groups = request.param == "now"
    function = getattr(made, request.param)
    monkeypatch.setattr(attention, "varlen_attn", function)
    monkeypatch.setattr(attention, "_KNOWN", inspect.signature(function).parameters)
    return made


@pytest.mark.parametrize("scaling", [None, 0.1])
@pytest.mark.parametrize("kv_heads", [4, 2])
@pytest.mark.parametrize(("dtype", "off"), [(torch.bfloat16, 0.05), (torch.float16, 0.01), (torch.float64, 1e-6)])
def test_the_kernel_is_asked_for_the_same(
    kernel: Kernel, kv_heads: int, scaling: float | None, dtype: torch.dtype, off: float
) -> None:
    inputs = make_inputs(4, kv_heads)
    out = attend_varlen(*inputs, dtype, scaling, BORDERS, 5)
    expected = compute(*inputs, scaling or HEAD_DIM**-0.5, BORDERS)
    assert out.shape == (1, 9, 4, HEAD_DIM)
    assert torch.allclose(out.double(), expected, atol=off)
    assert kernel.asked == {"longest": (5, 5), "dtype": {dtype}}
    # a kernel that knows of groups is not given their keys several times
    assert kernel.kv_heads == {kv_heads if kernel.groups else 4}


@pytest.mark.parametrize(("given", "longest"), [(None, max(LENGTHS)), (7, 7)])
def test_the_longest_conversation_is_found_where_it_is_not_given(
    kernel: Kernel, given: int | None, longest: int
) -> None:
    attend_varlen(*make_inputs(), torch.bfloat16, None, BORDERS, given)
    assert kernel.asked["longest"] == (longest, longest)


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A machine that says it has a card of this kind."""
    said: dict[str, Any] = {"available": True, "capability": (8, 0)}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: said["available"])
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: said["capability"])
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "NVIDIA Test")
    attention._has_kernel.cache_clear()
    yield said
    attention._has_kernel.cache_clear()


class OnCard(torch.Tensor):  # type: ignore[misc]
    """A tensor that says it lies on a card."""

    is_cuda = True


@pytest.mark.parametrize(
    ("dtype", "autocast", "dropout", "said", "taken"),
    [
        (torch.bfloat16, None, 0.0, {}, True),
        (torch.float16, None, 0.0, {}, True),
        (torch.float32, torch.bfloat16, 0.0, {}, True),  # what arrives is wider than what is computed in
        (torch.float32, None, 0.0, {}, False),
        (torch.bfloat16, None, 0.1, {}, False),
        (torch.bfloat16, None, 0.0, {"capability": (7, 5)}, False),
        (torch.bfloat16, None, 0.0, {"available": False}, False),
    ],
)
def test_the_kernel_is_taken_where_it_computes_the_same(
    kernel: Kernel, card: dict[str, Any], dtype: torch.dtype, autocast: Any, dropout: float, said: Any, taken: bool
) -> None:
    card.update(said)
    query, key, value = (one.to(dtype).as_subclass(OnCard) for one in make_inputs())
    with torch.autocast("cpu", dtype=autocast, enabled=autocast is not None):
        out, weights = attend(
            make_module(1), query, key, value, None, dropout=dropout, scaling=0.1, cu_seq_lens_q=BORDERS, max_length_q=6
        )
    assert weights is None
    assert kernel.asked == ({"longest": (6, 6), "dtype": {autocast or dtype}} if taken else {})
    if not dropout:
        assert torch.allclose(out.double(), compute(*make_inputs(), 0.1, BORDERS), atol=0.05)


def test_on_the_cpu_the_kernel_is_not_taken(kernel: Kernel, card: dict[str, Any]) -> None:
    query, key, value = (one.to(torch.bfloat16) for one in make_inputs())
    attend(make_module(1), query, key, value, None, cu_seq_lens_q=BORDERS)
    assert kernel.asked == {}


@pytest.mark.parametrize("capability", [(8, 0), (9, 0), (12, 0)])
@pytest.mark.parametrize("wanted", ["auto", "varlen"])
def test_a_card_of_ampere_or_later_has_the_kernel(
    card: dict[str, Any], capability: tuple[int, int], wanted: str
) -> None:
    card["capability"] = capability
    assert choose_attention(wanted, True, False) == (VARLEN, "attention: PyTorch's varlen_attn on NVIDIA Test")


ONE_AT_A_TIME = "attention: scaled dot product, one conversation at a time"


@pytest.mark.parametrize(
    ("said", "cpu", "why"),
    [
        ({"capability": (7, 5)}, False, "this card or torch has no varlen_attn"),
        ({"capability": (9, 0)}, True, "on the CPU"),
        ({"available": False}, False, "on the CPU"),
        ({"available": False}, True, "on the CPU"),
    ],
)
def test_without_the_kernel_conversations_are_taken_one_at_a_time(
    card: dict[str, Any], said: dict[str, Any], cpu: bool, why: str
) -> None:
    card.update(said)
    assert choose_attention("auto", True, cpu) == (VARLEN, f"{ONE_AT_A_TIME} ({why})")


def test_a_torch_without_the_kernel_is_told(card: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "varlen_attn", None)
    said = choose_attention("varlen", True, False)[1]
    assert said == f"{ONE_AT_A_TIME} (this card or torch has no varlen_attn)"


@pytest.mark.parametrize("cpu", [True, False])
@pytest.mark.parametrize(
    ("packing", "how"),
    [(True, "with a dense mask that keeps conversations apart"), (False, "one conversation at a time")],
)
def test_scaled_dot_product_is_taken_where_it_is_asked_for(
    card: dict[str, Any], packing: bool, how: str, cpu: bool
) -> None:
    assert choose_attention("sdpa", packing, cpu) == ("sdpa", f"attention: scaled dot product, {how}")


def test_packed_rows_need_no_mask_and_a_padded_batch_has_one() -> None:
    sizes: dict[str, Any] = {"batch_size": 2, "q_length": 4, "kv_length": 4, "q_offset": 0, "kv_offset": 0}
    padded = torch.tensor([[False, False, True, True], [True, True, True, True]])
    assert mask(**sizes, attention_mask=None) is None
    made = mask(**sizes, attention_mask=padded, allow_is_causal_skip=False)
    assert made is not None
    assert made.shape[0] == 2
    assert made[0, 0, 3].tolist() == [False, False, True, True]
    assert made[1, 0, 2].tolist() == [True, True, True, False]
