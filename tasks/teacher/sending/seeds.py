"""The seeds that requests are sent with: one for each sample, and one for each draw that follows a failure."""

from typing import Any

from schemas.calls import ChatRequest

DRAW_STEP = 7_368_787
"""Between the seeds of draws that follow a failure; not the step of samples, so that none meets another sample."""

_SAMPLE_STEP = 1_000_003
_SEEDS = 2**31


def find_seed(request: ChatRequest) -> int | None:
    """The seed of a request at its first draw.

    A further sample of a seeded request gets a seed of its own, or a deterministic endpoint would repeat itself.
    """
    if request.seed is None or not request.sample:
        return request.seed
    return (request.seed + _SAMPLE_STEP * request.sample) % _SEEDS


def draw_again(body: dict[str, Any], draw: int) -> int | None:
    """Gives a request's body the seed of another draw, and returns it; None where it keeps the one that it has."""
    if not draw or "seed" not in body:
        return None
    seed: int = (body["seed"] + DRAW_STEP * draw) % _SEEDS
    body["seed"] = seed
    return seed
