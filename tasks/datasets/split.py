"""Chooses the APIs of the test set: whole APIs, so that a student meets there only tools it has never seen."""

import hashlib
import math
from collections import Counter
from collections.abc import Mapping

from schemas.errors import UserError

DEFAULT_TEST_SHARE = 0.1


def choose_test_apis(categories: Mapping[str, str], test_apis: int | float, seed: int) -> frozenset[str]:
    """The APIs of the test set, out of a mapping from API to category.

    `test_apis` is a number of APIs (int) or a share of them (float, at least 0 and below 1). A share above 0 gives at
    least one API if there are two; one API always stays for train. The choice follows a hash of seed and API, so it
    hardly moves when APIs are added, and takes no more of a category than its part (rounded up) while others are left.

    Raises UserError for a negative number or a share of 1 or more.
    """
    total = len(categories)
    count = _count_test_apis(test_apis, total)
    ranked = sorted(categories, key=lambda api: hashlib.sha256(f"{seed}\n{api}".encode()).digest())
    quota = {name: math.ceil(size * count / total) for name, size in Counter(categories.values()).items()}
    taken: Counter[str] = Counter()
    chosen: list[str] = []
    for api in ranked:
        if len(chosen) < count and taken[categories[api]] < quota[categories[api]]:
            taken[categories[api]] += 1
            chosen.append(api)
    return frozenset(chosen)


def _count_test_apis(test_apis: int | float, total: int) -> int:
    if test_apis < 0 or (isinstance(test_apis, float) and test_apis >= 1):
        raise UserError(f"test_apis is {test_apis}: give a number of APIs, or a share of them that is below 1.")
    wanted = test_apis if isinstance(test_apis, int) else max(round(test_apis * total), 1 if test_apis > 0 else 0)
    return max(min(int(wanted), total - 1), 0)
