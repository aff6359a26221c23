"""What a run has spent, in words: money, tokens, time."""

from schemas.calls import Usage
from schemas.steps import CallCounts


def describe_spent(calls: CallCounts) -> str:
    """`$1.23 for 1,200,000 tokens`; without a price only the tokens."""
    tokens = f"{calls.tokens:,} tokens"
    if not calls.bought:
        return "nothing"
    if calls.cost_usd is None:
        return f"{tokens} (no price is known)"
    return f"{format_usd(calls.cost_usd)} for {tokens}" if calls.cost_usd else f"{tokens}, free of charge"


def describe_row_tokens(usage: Usage, accepted: int) -> str:
    """`3,900 for an accepted row, 72% of the prompts' from the endpoint's cache`; "" where nothing is known."""
    total = usage.prompt + usage.completion
    if not total or not accepted:
        return ""
    cached = f", {usage.cached / usage.prompt:.0%} of the prompts' from the endpoint's cache" if usage.cached else ""
    return f"{round(total / accepted):,} for an accepted row{cached}"


def format_usd(amount: float) -> str:
    """Dollars as people write them: $0.0042, $1.23, $124, $1,204."""
    if amount >= 100:
        return f"${amount:,.0f}"
    return f"${amount:.2f}" if amount >= 0.1 or not amount else f"${amount:.4f}"


def format_tokens(count: int) -> str:
    """A count of tokens in few characters: 812, 81k, 1.2M."""
    if count < 10_000:
        return f"{count:,}"
    return f"{count / 1000:.0f}k" if count < 1_000_000 else f"{count / 1e6:.1f}M"


def format_seconds(seconds: float) -> str:
    """`48 s`, `3 min 05 s` or `2 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
