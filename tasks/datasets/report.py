"""report.html: one self-contained page with figures, plots and readable trajectories.

Generated text is never markup: figures and plots go through an escaping template, trajectories are data in a JSON
element, which the script shows by `textContent`. The page's content security policy names the page's own script and
style by hash and forbids everything else, so that nothing is fetched and nothing injected runs.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from schemas.instance import ApiRow
from schemas.manifest import Manifest
from schemas.reasons import DESCRIPTIONS
from tasks.datasets.card import OFFLINE
from tasks.datasets.charts import plot_calls, plot_counts, plot_reasons, plot_words
from tasks.datasets.pages import load_page, read_asset, write_figure
from tasks.datasets.sample import Sample
from tasks.datasets.statistics import Tally, compare_with_paper


def render_report(manifest: Manifest, tally: Tally, sample: Sample, rejected_apis: Sequence[ApiRow]) -> str:
    """The page. It embeds at most 400 trajectories and about 4 MB of them, and says how many of how many."""
    data, shown = sample.build()
    data["reasons"] = {reason.value: text for reason, text in DESCRIPTIONS.items()}
    style, script = read_asset("report.css"), read_asset("report.js")
    return load_page("report.html.jinja").render(
        manifest=manifest,
        facts=manifest.facts,
        offline=manifest.facts.teacher == OFFLINE,
        tiles=_build_tiles(manifest, tally.accepted, tally.rejected),
        figures=compare_with_paper(manifest.statistics),
        kinds=plot_counts(tally.kinds),
        categories=plot_counts(tally.categories),
        calls=plot_calls(tally.calls),
        instruction_words=plot_words(tally.instruction_words),
        response_words=plot_words(tally.response_words),
        reasons=plot_reasons(tally.reasons),
        rejected_apis=rejected_apis,
        shown=shown,
        total=tally.accepted + tally.rejected,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash_source(style),
        script_hash=_hash_source(script),
        data=Markup(embed_json(data)),
    )


def embed_json(value: Any) -> str:
    """JSON that can stand in a script element: no character of it can end the element or begin markup."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _build_tiles(manifest: Manifest, accepted: int, rejected: int) -> list[tuple[str, str, str]]:
    """Label, value and a line beneath it."""
    figures = manifest.statistics
    share = round(100 * figures.multi_call_instances / figures.instances) if figures.instances else 0
    kept = round(100 * accepted / (accepted + rejected), 1) if accepted + rejected else 0
    return [
        ("instances", write_figure(figures.instances), f"{kept:g}% of {accepted + rejected:,} passed every check"),
        ("APIs", write_figure(figures.apis), f"{len(manifest.test_apis):,} of them kept unseen for test"),
        ("categories", write_figure(figures.categories), "of the catalogue"),
        ("functions", write_figure(figures.functions), f"{figures.functions_per_api:g} per API"),
        ("multi-call", f"{share}%", f"{figures.multi_call_instances:,} instances with several calls"),
        ("tokens", _write_large(manifest.input_tokens + manifest.output_tokens), _describe_cost(manifest)),
    ]


def _write_large(value: int) -> str:
    """A count in at most five characters from a hundred thousand on: 812K, 1.09M, 20.4M, 3.1B."""
    if value < 100_000:
        return f"{value:,}"
    if value < 1_000_000:
        return f"{value / 1000:.0f}K"
    return f"{value / 1e6:.3g}M" if value < 999_500_000 else f"{value / 1e9:.3g}B"


def _describe_cost(manifest: Manifest) -> str:
    return "cost unknown" if manifest.cost_usd is None else f"${manifest.cost_usd:,.2f} by the price list"


def _hash_source(source: str) -> str:
    """The source expression by which a content security policy allows one inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
