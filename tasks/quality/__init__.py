"""What makes an instance sound: one check a rule over single episodes, and comparisons across the dataset.

Every verdict carries its reason. Nothing here asks a teacher, reads the data root or decides what becomes of a row.
"""

from tasks.quality.checks import check_episode
from tasks.quality.dedupe import find_near_duplicates
from tasks.quality.overlap import find_overlaps
from tasks.quality.wording import is_repeated, names_api

__all__ = [
    "check_episode",
    "find_near_duplicates",
    "find_overlaps",
    "is_repeated",
    "names_api",
]
