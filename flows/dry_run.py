"""`--dry-run`: what a run is likely to take, told before anything is spent. Imports nothing of Prefect."""

import asyncio
import textwrap
from functools import partial

from flows.inputs import Inputs
from flows.spending import format_usd
from flows.terminal import say
from schemas.calls import ROLES
from schemas.errors import UserError
from schemas.parameters import BuildToolsetParams
from schemas.shown import show_line
from tasks.cost_forecast import Forecast, forecast
from tasks.sources import select_entries

_WIDTH = 80


def print_dry_run(params: BuildToolsetParams, inputs: Inputs, sample: int) -> None:
    """Play a sample of the run's APIs and print the forecast.

    Raises:
        UserError: none of the sample can be used.
    """
    if inputs.catalog is None:
        raise UserError(
            f"--catalog {params.catalog}: a dry run starts no Prefect server, which has the block; give the address by "
            "env:NAME."
        )
    choose = partial(
        select_entries,
        inputs.catalog,
        categories=params.categories,
        names=params.names,
        auth=params.auth,
        seed=params.seed,
    )
    entries = choose(limit=None if params.apis == "all" else params.apis)
    drawn = choose(limit=min(sample, len(entries)))
    found = asyncio.run(forecast(entries, drawn, params))
    if not found.sampled:
        raise UserError(f"none of the {len(drawn)} APIs that were drawn has a document that can be used")
    for line in render_forecast(found, params).split("\n"):
        say(line)


def render_forecast(found: Forecast, params: BuildToolsetParams) -> str:
    """The forecast as a table of 80 columns."""
    model = " and ".join(dict.fromkeys(show_line(params.get_settings(role).model) for role in ROLES))
    lines = [
        f"dry run: what {found.apis:,} APIs are likely to take of {model}, by {found.sampled} of them",
        "",
        f"{'stage':<10}{'calls':>10}{'prompt tokens':>18}{'completion tokens':>20}{'cost':>12}",
    ]
    for row in found.stages:
        lines.append(_render_row(row.stage, row.calls, row.prompt_tokens, row.completion_tokens, row.cost_usd))
    costs = [row.cost_usd for row in found.stages]
    lines.append(
        _render_row(
            "all",
            sum(row.calls for row in found.stages),
            sum(row.prompt_tokens for row in found.stages),
            sum(row.completion_tokens for row in found.stages),
            None if None in costs else sum(cost for cost in costs if cost is not None),
        )
    )
    lines += ["", *_explain(found, params)]
    return "\n".join(lines)


def _render_row(stage: str, calls: int, prompt: int, completion: int, cost: float | None) -> str:
    told = "unknown" if cost is None else format_usd(cost)
    return f"{stage:<10}{calls:>10,}{prompt:>18,}{completion:>20,}{told:>12}"


def _explain(found: Forecast, params: BuildToolsetParams) -> list[str]:
    told = [
        "The embedded teacher played the sample: nothing was sent, written or spent. Tokens are counted as four "
        "characters each. A real model writes at other lengths, asks again where it errs, and may think at length: "
        "take it as an order of magnitude."
    ]
    if found.rows:
        tokens = sum(row.prompt_tokens + row.completion_tokens for row in found.stages)
        told.append(
            f"A row takes about {round(tokens / found.rows):,} tokens. {found.repeated:.0%} of the assistant's prompts "
            "repeat the beginning of an earlier one, which an endpoint may serve from a cache of its own."
        )
    for model, price in {params.teacher.model: found.price, **found.more_prices}.items():
        if price is None:
            told.append(
                f"No price is known for {show_line(model)}: enter it in tasks/teacher/prices.yaml, or in a file that "
                "TOOLHERD_PRICES names."
            )
        else:
            of = f" of {show_line(model)}" if found.more_prices else ""
            told.append(
                f"Price{of}: ${price.input:g} in, ${price.output:g} out per million tokens, as of {price.noted}."
            )
    if params.prompts is not None:
        told.append("Counted with ToolHerd's own prompts, which are all that the embedded teacher understands.")
    if params.teacher.batch:
        told.append("document, specify and instruct go through the Batch API, at its price.")
    return [textwrap.fill(text, _WIDTH) for text in told]
