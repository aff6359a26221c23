"""The catalogue that comes with ToolHerd: some 500 real public APIs over 51 categories.

Names, links, category, auth, HTTPS and CORS are facts carried over from the public-apis list; every description is
our own. The APIs of ToolAlpaca's two test sets are left out on purpose, so that a student trained on this catalogue
has never seen them.
"""

import json
from pathlib import Path

from tasks.sources.drafts import EntryDraft, ParsedSource

BUNDLED_FILE = Path(__file__).with_name("bundled.jsonl")


def read_bundled() -> ParsedSource:
    """One entry a line: name, description, category, link, auth, https and cors."""
    lines = BUNDLED_FILE.read_text(encoding="utf-8").splitlines()
    return ParsedSource(drafts=[EntryDraft(**json.loads(line)) for line in lines])
