"""What a child is given of our environment."""

import pytest

from schemas.environment import NETWORK, PREFECT, pick_environment

KEYS = {
    **{"OPENAI_API_KEY": "1", "MY_KEY": "2", "AWS_SECRET_ACCESS_KEY": "3", "GITHUB_TOKEN": "4", "DB_PASSWORD": "5"},
    **{"HF_TOKEN": "6", "SSH_AUTH_SOCK": "7", "PGPASSWORD": "8", "GOOGLE_APPLICATION_CREDENTIALS": "9", "NETRC": "10"},
}
COMMON = {"PATH": "/bin", "HOME": "/srv/ida", "LANG": "C", "LC_ALL": "C", "TZ": "UTC", "PYTHONPATH": "x"}


def test_a_child_gets_what_every_program_needs_and_no_secret_under_any_name() -> None:
    given = {**COMMON, **KEYS, "PREFECT_API_AUTH_STRING": "a:b", "https_proxy": "http://ida:pw@proxy"}
    assert pick_environment(given=given) == COMMON


def test_what_a_child_needs_beside_that_is_named() -> None:
    wanted = {"https_proxy": "p", "NO_PROXY": "n", "SSL_CERT_FILE": "c", "PREFECT_HOME": "h", "DO_NOT_TRACK": "1"}
    assert pick_environment(*NETWORK, *PREFECT, "ONE", given={**KEYS, **wanted, "ONE": "1", "ONES": "2"}) == {
        **wanted,
        "ONE": "1",
    }


def test_a_name_stands_for_itself_and_one_with_a_star_for_all_that_begin_so() -> None:
    given = {"A": "1", "AB": "2", "BA": "3", "LC": "4", "XPATH": "5", "PATHS": "6"}
    assert pick_environment("A", given=given) == {"A": "1"}
    assert pick_environment("A*", given=given) == {"A": "1", "AB": "2"}


def test_it_is_this_process_s_own_where_no_other_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("SOMEBODYS_API_KEY", "secret")
    assert pick_environment()["TZ"] == "Asia/Tokyo"
    assert "secret" not in pick_environment().values()
