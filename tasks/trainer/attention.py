"""Attention over packed sequences, in which no conversation sees another, without the flash-attn package.

On CUDA PyTorch's own kernel for sequences of varying length; elsewhere each conversation by itself through PyTorch's
scaled dot product: the same numbers, and no mask of length times length is built in either. What both need are the
borders, `cu_seq_lens`, which trl's collator passes. Registered with transformers under the name `VARLEN`.
"""

import inspect
from functools import cache
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

try:
    from torch.nn.attention.varlen import varlen_attn

    _KNOWN = inspect.signature(varlen_attn).parameters
except ImportError:  # torch before 2.10
    varlen_attn, _KNOWN = None, MappingProxyType({})

VARLEN = "toolherd_varlen"
_HALF = (torch.bfloat16, torch.float16)


def choose_attention(wanted: str, packing: bool, cpu: bool) -> tuple[str, str]:
    """The name for transformers' `attn_implementation`, and a sentence for the log.

    `wanted` is `auto`, `varlen` or `sdpa`. PyTorch's kernel takes half precision, an Ampere card or a later one, and
    torch 2.10; without them `varlen` means one conversation at a time.
    """
    if wanted == "sdpa":
        how = "with a dense mask that keeps conversations apart" if packing else "one conversation at a time"
        return "sdpa", f"attention: scaled dot product, {how}"
    if not cpu and _has_kernel():
        return VARLEN, f"attention: PyTorch's varlen_attn on {torch.cuda.get_device_name()}"
    why = "on the CPU" if cpu or not torch.cuda.is_available() else "this card or torch has no varlen_attn"
    return VARLEN, f"attention: scaled dot product, one conversation at a time ({why})"


@cache
def _has_kernel() -> bool:
    return varlen_attn is not None and torch.cuda.is_available() and torch.cuda.get_device_capability() >= (8, 0)


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    cu_seq_lens_q: torch.Tensor | None = None,
    max_length_q: int | None = None,
    **rest: Any,
) -> tuple[torch.Tensor, None]:
    """Attention as transformers calls it: (1, heads, tokens, head_dim) each, out (1, tokens, heads, head_dim)."""
    if cu_seq_lens_q is None:  # a padded batch, or generation
        out: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **rest
        )
        return out
    device = query.device.type
    # float32 weights under autocast: what arrives is in float32
    kind = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else value.dtype
    if query.is_cuda and kind in _HALF and not dropout and _has_kernel():
        return attend_varlen(query, key, value, kind, scaling, cu_seq_lens_q, max_length_q), None
    borders = cu_seq_lens_q.tolist()
    parts = [
        sdpa_attention_forward(
            module,
            query[:, :, begin:end],
            key[:, :, begin:end],
            value[:, :, begin:end],
            None,
            dropout=dropout,
            scaling=scaling,
        )[0]
        for begin, end in pairwise(borders)
    ]
    return torch.cat(parts, dim=1), None


def attend_varlen(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    kind: torch.dtype,
    scaling: float | None,
    borders: torch.Tensor,
    longest: int | None,
) -> torch.Tensor:
    """The same by PyTorch's kernel, whose options are not the same in all of its versions."""
    groups = query.shape[1] // key.shape[1]
    if groups > 1 and "enable_gqa" not in _KNOWN:
        key, value = (one.repeat_interleave(groups, dim=1) for one in (key, value))
    options: dict[str, Any] = {"window_size": (-1, 0)} if "window_size" in _KNOWN else {"is_causal": True}
    if groups > 1 and "enable_gqa" in _KNOWN:
        options["enable_gqa"] = True
    if scaling is not None and "scale" in _KNOWN:
        options["scale"] = scaling
    elif scaling is not None:  # the kernel divides by the root of head_dim
        query = query * (scaling * query.shape[-1] ** 0.5)
    query, key, value = (one[0].transpose(0, 1).to(kind).contiguous() for one in (query, key, value))
    if longest is None:
        longest = int(borders.diff().max())
    return varlen_attn(query, key, value, borders, borders, longest, longest, **options).unsqueeze(0)


def mask(*arguments: Any, attention_mask: torch.Tensor | None = None, **rest: Any) -> torch.Tensor | None:
    """No mask for packed rows, whose borders are given; a padded batch gets scaled dot product's."""
    return None if attention_mask is None else sdpa_mask(*arguments, attention_mask=attention_mask, **rest)


AttentionInterface.register(VARLEN, attend)
AttentionMaskInterface.register(VARLEN, mask)
