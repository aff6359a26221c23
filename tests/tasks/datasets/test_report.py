import json
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from schemas.episodes import Kind, Message
from schemas.instance import Instance
from schemas.reasons import Reason
from tasks.datasets import sample
from tasks.datasets.publish import publish_dataset
from tasks.datasets.report import embed_json
from tasks.datasets.root import DataRoot
from tests.hostile import list_unprintable
from tests.tasks.datasets.samples import (
    build_content,
    build_facts,
    build_rejected_api,
    build_row,
    build_rows,
    build_toolsets,
    call,
)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
EVIL = (
    "</script><script>document.title='taken'</script><!--<script>"
    "<img src=x onerror=\"document.title='taken'\">'\"`\u2028\u202e\u200b\x9b31m"
)


def build_evil_row() -> Instance:
    row = build_row(Kind.SINGLE_CALL, 0, 7)
    evil_call = call("c1", EVIL, json.dumps({EVIL: EVIL}))
    said = Message(role="assistant", content=EVIL, tool_calls=(evil_call,))
    seen = Message(role="tool", content=json.dumps({"status": 200, "body": EVIL}), tool_call_id="c1")
    messages = (Message(role="system", content=EVIL), Message(role="user", content=EVIL), said, seen)
    update = {"id": "evil", "instruction": EVIL, "category": EVIL, "api_name": EVIL, "messages": messages}
    return row.model_copy(update=update)


def write_report(tmp_path: Path, rows: list[Instance]) -> Path:
    root = DataRoot(str(tmp_path / "data"))
    content = build_content(rows, build_toolsets(), [build_rejected_api()])
    ref = publish_dataset(root, "demo", None, content, build_facts())
    return Path(ref.path) / "report.html"


def open_page(page: Path, fragment: str, folder: Path) -> str:
    """The document as Chromium has it once the page's script has run."""
    assert CHROMIUM is not None
    profile = tempfile.mkdtemp(prefix="profile-", dir=folder)  # one that another is still leaving is refused
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
               "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"]  # fmt: skip
    command = [CHROMIUM, *options, f"--user-data-dir={profile}", "--virtual-time-budget=4000", "--dump-dom"]
    done = subprocess.run([*command, f"file://{page}#{fragment}"], capture_output=True, timeout=90, check=True)
    return done.stdout.decode()


def read_data(page: Path) -> dict[str, list[dict[str, object]]]:
    found = re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found is not None
    held: dict[str, list[dict[str, object]]] = json.loads(found[1])
    return held


def test_the_page_fetches_nothing(tmp_path: Path) -> None:
    page = write_report(tmp_path, build_rows()).read_text()
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href|action)\s*=\s*["']?(?:https?:)?//""", page)
    assert not re.search(r"@import|url\(", page)
    assert ' style="' not in page


def test_generated_text_never_becomes_markup(tmp_path: Path) -> None:
    page = write_report(tmp_path, [*build_rows(), build_evil_row()])
    text = page.read_text()
    assert text.count("<script") == text.count("</script>") == 2
    assert "<!--" not in text
    assert "<img" not in text
    assert any(row["text"] == EVIL for row in read_data(page)["rows"])


def test_embedded_json_is_still_the_same_json() -> None:
    assert json.loads(embed_json({"x": EVIL})) == {"x": EVIL}
    assert not set("<>&\u2028\u2029") & set(embed_json({"x": EVIL}))
    assert embed_json({"x": ["é", 1]}) == '{"x":["é",1]}'


def test_a_large_dataset_shows_a_balanced_sample_and_says_so(tmp_path: Path) -> None:
    rows = [build_row(kind, n % 4, n) for n in range(200) for kind in Kind]
    rows += [
        build_row(Kind.SINGLE_CALL, n % 4, 900 + n, (Reason.PLACEHOLDER, Reason.NEAR_DUPLICATE)[n < 190])
        for n in range(200)
    ]
    page = write_report(tmp_path, rows)
    shown = read_data(page)["rows"]
    assert len(shown) == sample.MAX_TRAJECTORIES
    assert "showing 400 of 1,200" in page.read_text()
    assert Counter(row["kind"] for row in shown if row["split"] != "rejected") == {kind.value: 60 for kind in Kind}
    assert Counter(row["split"] == "rejected" for row in shown)[True] == 100
    assert sum(row["reasons"] == ["placeholder"] for row in shown) == 10


def test_long_trajectories_are_held_to_the_size_that_a_page_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "MAX_BYTES", 60_000)
    rows = [row.model_copy(update={"instruction": "long " * 2000}) for row in build_rows()]
    page = write_report(tmp_path, rows)
    assert 1 <= len(read_data(page)["rows"]) < len(rows)
    assert len(page.read_bytes()) < 160_000


def test_a_dataset_without_rows_has_a_page_too(tmp_path: Path) -> None:
    assert "Nothing was rejected." in write_report(tmp_path, []).read_text()


@needs_chromium
def test_a_browser_shows_the_rows_and_filters_them(tmp_path: Path) -> None:
    page = write_report(tmp_path, build_rows())
    everything = open_page(page, "", tmp_path)
    assert 'data-ready="true"' in everything
    assert everything.count('class="row"') == 23
    some = open_page(page, "kind=missing_detail&category=Food+%26+Drink", tmp_path)
    assert some.count('class="row"') == 1
    assert "Which city should I look in?" in some
    turned_down = open_page(page, "outcome=reason%3Anear_duplicate", tmp_path)
    assert turned_down.count('class="row"') == 1
    assert "1 of 23 trajectories" in turned_down
    assert "No trajectory matches" in open_page(page, "q=zebra", tmp_path)


@needs_chromium
def test_a_browser_does_not_run_what_the_data_holds(tmp_path: Path) -> None:
    page = write_report(tmp_path, [*build_rows(), build_evil_row()])
    shown = open_page(page, "row=evil", tmp_path)
    assert 'data-ready="true"' in shown
    assert "<title>demo v1 · ToolHerd</title>" in shown
    assert "<img" not in shown.split("<script")[0]
    assert shown.count("&lt;/script&gt;") >= 5
    seen = re.sub(r'<script.*?</script>| value="[^"]*"', "", shown, flags=re.DOTALL)
    assert list_unprintable(seen) == []
