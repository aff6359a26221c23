"""Two graders' agreement is a share, and a kappa that takes out what chance would do."""

import pytest

from tasks.scoring.agreement import compare_grades

BOTH, FIRST, SECOND, NEITHER = (True, True), (True, False), (False, True), (False, False)


def pairs(both: int, first: int, second: int, neither: int) -> list[tuple[bool, bool]]:
    return [BOTH] * both + [FIRST] * first + [SECOND] * second + [NEITHER] * neither


def test_kappa_is_that_of_the_textbook() -> None:
    """Fifty grant proposals read by two (en.wikipedia.org/wiki/Cohen's_kappa): 0.7 alike, kappa 0.4."""
    found = compare_grades(pairs(20, 5, 10, 15))
    assert (found.rows, found.share) == (50, 0.7)
    assert found.kappa == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("counts", "kappa"),
    [((10, 0, 0, 10), 1.0), ((0, 10, 10, 0), -1.0), ((5, 5, 5, 5), 0.0), ((8, 0, 2, 0), 0.0)],
)
def test_kappa_of_clear_cases(counts: tuple[int, int, int, int], kappa: float) -> None:
    assert compare_grades(pairs(*counts)).kappa == pytest.approx(kappa)


def test_where_chance_alone_would_agree_always_there_is_no_kappa() -> None:
    found = compare_grades(pairs(10, 0, 0, 0))
    assert (found.share, found.kappa, found.low, found.high) == (1.0, None, None, None)
    assert compare_grades([]).rows == 0


def test_the_interval_holds_kappa_narrows_with_more_rows_and_is_the_same_each_time() -> None:
    few, many = compare_grades(pairs(20, 5, 10, 15)), compare_grades(pairs(400, 100, 200, 300))
    widths = []
    for found in (few, many):
        assert found.kappa is not None
        assert found.low is not None
        assert found.high is not None
        assert found.low < found.kappa < found.high
        widths.append(found.high - found.low)
    assert widths[1] < widths[0] / 3
    assert few == compare_grades(pairs(20, 5, 10, 15))
    # The normal approximation: standard error of kappa is sqrt(po (1 - po) / n) / (1 - pe), pe = 0.5.
    assert widths[0] == pytest.approx(2 * 1.96 * (0.7 * 0.3 / 50) ** 0.5 / 0.5, rel=0.15)
