"""Where the public data lies that some tests read, and the mark that skips them where it is absent."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

needs_shared_data = pytest.mark.skipif(
    not SHARED_DATA.is_dir(), reason="the public catalogues and ToolAlpaca's test files are not beside the checkout"
)
