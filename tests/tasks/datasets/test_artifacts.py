"""Artifacts in a data root: found as they were written, missing where they are damaged, and written once."""

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from pydantic import ValidationError

from schemas.artifacts import Artifact, ArtifactRef
from schemas.base import Json, Record
from schemas.calls import LedgerRow
from schemas.errors import MissingArtifactError
from tasks.datasets.artifacts import find_artifact, hash_artifact_content, read_artifact, write_artifact
from tasks.datasets.root import DataRoot
from tests.recorded_disk import RecordedDisk
from tests.tasks.datasets.samples import build_ledger_row

MADE_AT = datetime(2026, 11, 28, 7, 45, 34, 123456, tzinfo=UTC)
PATIENCE_S = 60.0


class Boat(Record):
    """What a step may make."""

    name: str
    cargo: Json = None


ODD = Boat(
    name="Ångström 🐑", cargo={"half a pair": "\ud83d", "score": 0.1, "none": None, "line": 'a "\n"', "list": []}
)


@pytest.fixture(params=["folder", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> DataRoot:
    return DataRoot(str(tmp_path / "data") if request.param == "folder" else f"memory://{tmp_path.name}")


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedDisk]:
    """The disk that the data root in `data` lies on."""
    disk = RecordedDisk(tmp_path / "data", monkeypatch)
    yield disk
    disk.close()


def build(
    boat: Boat | str = "Ida", recipe: str = "r1", ledger: Sequence[LedgerRow] = (), made_at: datetime = MADE_AT
) -> Artifact[Boat]:
    content = boat if isinstance(boat, Boat) else Boat(name=boat)
    return Artifact[Boat](recipe=recipe, made_at=made_at, content=content, ledger=tuple(ledger))


def write(
    root: DataRoot,
    artifact: Artifact[Boat] | None = None,
    *,
    step: str = "sail",
    api_id: str = "open-trails",
    inputs: Sequence[str] = ("i1", "i2"),
    before: Sequence[ArtifactRef] = (),
    **more: Any,
) -> ArtifactRef:
    return write_artifact(root, step, api_id, artifact or build(), inputs=inputs, before=before, **more)


def locate(root: DataRoot, ref: ArtifactRef) -> Path:
    return Path(str(root.path(ref.path)))


def test_an_artifact_comes_back_as_it_was(root: DataRoot) -> None:
    artifact = build(ODD, "abc123", [build_ledger_row("a", "open-trails"), build_ledger_row("b", "open-trails")])
    ref = write(root, artifact)
    found = read_artifact(root, ref, Boat)
    assert found == artifact
    assert type(found.content) is Boat
    assert found.made_at.utcoffset() == timedelta(0)


def test_what_is_there_is_known_by_a_reference_with_its_counts_and_by_what_it_was_made_of(root: DataRoot) -> None:
    earlier = write(root, step="build")
    ref = write(root, before=[earlier], counts={"sails": 3})
    assert ref == ArtifactRef(
        step="sail",
        api_id="open-trails",
        recipe="r1",
        path="sail/open-trails/r1.json",
        content=hash_artifact_content(Boat(name="Ida")),
        counts={"sails": 3},
        unfinished=0,
    )
    found = find_artifact(root, "sail", "open-trails", "r1")
    assert found is not None
    assert (found.ref, found.inputs, found.before) == (ref, ("i1", "i2"), (earlier,))


def test_an_artifact_of_which_no_more_is_said_counts_nothing_is_finished_and_made_of_nothing(root: DataRoot) -> None:
    ref = write_artifact(root, "sail", "open-trails", build())
    assert (ref.counts, ref.unfinished) == ({}, 0)
    found = find_artifact(root, "sail", "open-trails", "r1")
    assert found is not None
    assert (found.ref, found.inputs, found.before) == (ref, (), ())


def test_an_artifact_is_one_json_object_with_its_payload_on_a_line_of_its_own_that_any_tool_reads(
    root: DataRoot,
) -> None:
    ref = write(root, build("é"), counts={"sails": 2})
    text = root.path(ref.path).read_bytes().decode()
    head = json.loads(text)
    assert head.pop("payload") == {
        "recipe": "r1",
        "made_at": "2026-11-28T07:45:34.123456Z",
        "content": {"name": "é", "cargo": None},
        "ledger": [],
    }
    assert len(head.pop("sha256")) == 64
    assert head == {"ref": ref.model_dump(mode="json"), "inputs": ["i1", "i2"], "before": []}
    assert text.splitlines()[2:] == ["}"]
    assert text.splitlines()[1].startswith('{"recipe":"r1",')


def test_what_was_never_written_is_missing(root: DataRoot) -> None:
    ref = write(root)
    for step, api_id, recipe in (
        ("stow", "open-trails", "r1"),
        ("sail", "open-trail", "r1"),
        ("sail", "open-trails", "r2"),
        ("sail", "open-trails", "r"),
    ):
        assert find_artifact(root, step, api_id, recipe) is None
        gone = ref.model_copy(update={"path": f"{step}/{api_id}/{recipe}.json"})
        with pytest.raises(MissingArtifactError):
            read_artifact(root, gone, Boat)


def test_content_is_what_later_steps_depend_on_and_nothing_else(root: DataRoot) -> None:
    row = build_ledger_row("boats", "boats")
    plain = write(root, build("Ida", "a", [row]))
    same = [
        write(root, build("Ida", "b")),
        write(root, build("Ida", "c", [row, row])),
        write(root, build("Ida", "d", made_at=MADE_AT + timedelta(days=1))),
        write(root, build("Ida", "e"), counts={"sails": 3}, unfinished=2, inputs=["other"], before=[plain]),
        write(root, build("Ida", "f"), api_id="boats", step="stow"),
    ]
    other = [
        write(root, build("Ada", "g")),
        write(root, build(Boat(name="Ida", cargo=["Ada"]), "h")),
        write(root, build(Boat(name="Ida", cargo=["Ada", "Ida"]), "i")),
        write(root, build(Boat(name="Ida", cargo=["Ida", "Ada"]), "j")),
    ]
    assert {ref.content for ref in same} == {plain.content}
    assert len({ref.content for ref in [plain, *other]}) == 5
    assert all(len(ref.content) == 16 for ref in other)


DAMAGES = {
    "payload": (b'"name":"Ida"', b'"name":"Ada"'),
    "count": (b'"unfinished":0', b'"unfinished":1'),
    "inputs": (b'"i1"', b'"i3"'),
    "no hash": (b'{"sha256"', b'{"sha255"'),
    "no reference": (b'"ref":', b'"red":'),
    "a bad reference": (b'"api_id":', b'"api_ix":'),
    "no inputs": (b'"inputs"', b'"imputs"'),
    "no steps before": (b'"before"', b'"behind"'),
    "bad steps before": (b'"before":[]', b'"before":[1]'),
    "no mark": (b', "payload":\n', b', "payload": '),
    "no object": (b'{"sha256"', b'["sha256"'),
    "more behind it": (b"\n}\n", b"\n}\n "),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_artifact_that_was_changed_counts_as_missing(root: DataRoot, damage: str) -> None:
    before, after = DAMAGES[damage]
    ref = write(root)
    path = root.path(ref.path)
    changed = path.read_bytes().replace(before, after, 1)
    assert changed != path.read_bytes()
    path.write_bytes(changed)
    require_missing(root, ref)


@pytest.mark.parametrize(
    "damage", ["no reference", "a bad reference", "no inputs", "no steps before", "bad steps before"]
)
def test_one_of_another_form_counts_as_missing_though_its_hash_is_right(root: DataRoot, damage: str) -> None:
    before, after = DAMAGES[damage]
    ref = write(root)
    path = root.path(ref.path)
    _, _, rest = path.read_bytes().replace(before, after, 1).partition(b'", ')
    path.write_bytes(b'{"sha256": "' + hashlib.sha256(rest).hexdigest().encode() + b'", ' + rest)
    require_missing(root, ref)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"path":"sail/open-trails/r1.json"', b'"path":"../secret.json"'),
        (b'"path":"sail/open-trails/r1.json"', b'"path":"/etc/passwd"'),
        (b'"path":"sail/open-trails/r1.json"', b'"path":"sail/open-trails/other.json"'),
        (b'"step":"sail"', b'"step":"../sail"'),
        (b'"api_id":"open-trails"', b'"api_id":"../open-trails"'),
        (b'"recipe":"r1"', b'"recipe":"other"'),
        (b'"before":[]', b'"before":[%s]'),
        (b'"inputs":["i1","i2"]', b'"inputs":[NaN]'),
        (b'"inputs":["i1","i2"]', b'"inputs":' + b"[" * 50_000),
    ],
)
def test_one_that_leads_to_anything_but_artifacts_counts_as_missing_though_its_hash_is_right(
    root: DataRoot, before: bytes, after: bytes
) -> None:
    """Whoever may write to a data root is no way into the rest of the machine."""
    elsewhere = (
        write(root, build(recipe="other")).model_copy(update={"path": "../secret.json"}).model_dump_json().encode()
    )
    ref = write(root)
    path = root.path(ref.path)
    changed = path.read_bytes().replace(before, after.replace(b"%s", elsewhere), 1)
    assert changed != path.read_bytes()
    _, _, rest = changed.partition(b'", ')
    path.write_bytes(b'{"sha256": "' + hashlib.sha256(rest).hexdigest().encode() + b'", ' + rest)
    require_missing(root, ref)


@pytest.mark.parametrize("keep", [0, 1, 40, 150, 400, -1, -3])
def test_a_torn_artifact_counts_as_missing(root: DataRoot, keep: int) -> None:
    ref = write(root, build(ODD))
    path = root.path(ref.path)
    path.write_bytes(path.read_bytes()[:keep])
    require_missing(root, ref)


def require_missing(root: DataRoot, ref: ArtifactRef) -> None:
    assert find_artifact(root, ref.step, ref.api_id, ref.recipe) is None
    told = f"^{ref.path} is missing from the data root or damaged: run again.$"
    with pytest.raises(MissingArtifactError, match=told):
        read_artifact(root, ref, Boat)


def test_an_artifact_that_is_gone_is_missed_by_its_path(root: DataRoot) -> None:
    ref = write(root)
    root.path(ref.path).unlink()
    require_missing(root, ref)


def test_another_content_under_the_same_name_is_not_what_the_reference_names(root: DataRoot) -> None:
    ref = write(root)
    other = write(root, build("Ada"), inputs=["other"])
    assert other.path == ref.path
    with pytest.raises(MissingArtifactError, match=f"^{ref.path} is missing"):
        read_artifact(root, ref, Boat)


def test_an_artifact_that_is_whole_and_no_such_thing_is_a_bug(root: DataRoot) -> None:
    class Raft(Record):
        logs: int

    ref = write(root)
    with pytest.raises(ValidationError, match="logs"):
        read_artifact(root, ref, Raft)


@pytest.mark.parametrize("part", ["../outside", "", "a/b", ".hidden", "-a", "_a", "a b", "a\n", "é", "a" * 129])
def test_a_name_that_is_no_file_name_is_refused(root: DataRoot, part: str) -> None:
    for api_id, recipe in ((part, "abc123"), ("open-trails", part)):
        with pytest.raises(ValueError, match="not safe as a file name"):
            write(root, build(recipe=recipe), api_id=api_id)
        with pytest.raises(ValueError, match="not safe as a file name"):
            find_artifact(root, "sail", api_id, recipe)


@pytest.mark.parametrize("part", ["a", "0", "A.b_c-d", "a" * 128])
def test_a_name_that_is_a_file_name_is_taken(root: DataRoot, part: str) -> None:
    ref = write(root, build(recipe=part), api_id=part)
    assert ref.path == f"sail/{part}/{part}.json"
    assert read_artifact(root, ref, Boat).content == Boat(name="Ida")


def test_what_is_unfinished_can_be_read_and_is_not_found_by_those_who_look_for_it(root: DataRoot) -> None:
    broken = write(root, build("Ida"), unfinished=2)
    worse = write(root, build("Ada"), unfinished=3)
    assert broken.unfinished == 2
    assert broken.path == f"sail/open-trails/r1-{broken.content}.json"
    assert broken.recipe == "r1"
    assert find_artifact(root, "sail", "open-trails", "r1") is None
    whole = write(root, build("Eda"))
    for ref, name in ((broken, "Ida"), (worse, "Ada"), (whole, "Eda")):
        assert read_artifact(root, ref, Boat).content.name == name
    found = find_artifact(root, "sail", "open-trails", "r1")
    assert found is not None
    assert found.ref == whole


def test_what_was_finished_is_left_by_one_who_did_not_get_so_far(root: DataRoot) -> None:
    whole = write(root)
    broken = write(root, build("Ada"), unfinished=1)
    assert read_artifact(root, broken, Boat).content.name == "Ada"
    found = find_artifact(root, "sail", "open-trails", "r1")
    assert found is not None
    assert found.ref == whole


LATER = build("Ida", ledger=[build_ledger_row("a", "open-trails")], made_at=MADE_AT + timedelta(hours=1))


def without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that gives a file one name only."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.forced
@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
@pytest.mark.parametrize("second", [LATER, build("Ada")], ids=["the same content", "another content"])
@pytest.mark.parametrize("unfinished", [0, 1])
def test_whoever_comes_second_takes_what_is_there(
    root: DataRoot, second: Artifact[Boat], links: bool, unfinished: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:
        without_links(monkeypatch)
    first = write(root, build(ledger=[]), counts={"sails": 1}, unfinished=unfinished)
    written = root.path(first.path).read_bytes()
    again = write(root, second, counts={"sails": 2}, unfinished=unfinished, before=[first])
    if unfinished and again.content != first.content:
        assert again.path != first.path  # what is broken off in two ways is two things
        assert read_artifact(root, again, Boat) == second
    else:
        assert again == first
    assert root.path(first.path).read_bytes() == written
    assert read_artifact(root, first, Boat) == build()


@pytest.mark.forced
@pytest.mark.parametrize("writers", [2, 4])
@pytest.mark.parametrize("contents", ["one content", "a content each"])
def test_of_those_who_write_at_once_one_is_first_and_all_get_its_reference(
    tmp_path: Path, disk: RecordedDisk, writers: int, contents: str
) -> None:
    root, ready = DataRoot(str(tmp_path / "data")), threading.Barrier(writers)

    def wait(step: str) -> None:
        """All have written all that they have to say, and none has named it."""
        if step.startswith(("link ", "rename ")):
            ready.wait(PATIENCE_S)

    def go(number: int) -> ArtifactRef:
        row = build_ledger_row(str(number), "open-trails")
        made_at = MADE_AT + timedelta(seconds=number)
        name = "Ida" if contents == "one content" else f"Ida {number}"
        return write(root, build(name, ledger=[row], made_at=made_at), counts={"sails": number})

    disk.before = wait
    with ThreadPoolExecutor(writers) as pool:
        refs = list(pool.map(go, range(writers)))

    assert all(ref == refs[0] for ref in refs)
    artifact = read_artifact(root, refs[0], Boat)
    number = int(artifact.ledger[0].owner)  # whose it is, it is so in every respect
    assert refs[0].counts == {"sails": number}
    assert artifact.made_at == MADE_AT + timedelta(seconds=number)
    assert artifact.content.name == ("Ida" if contents == "one content" else f"Ida {number}")
    assert os.listdir(tmp_path / "data" / "sail" / "open-trails") == ["r1.json"]


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "torn": lambda data: data[:100],
    "empty": lambda data: b"",
    "another payload": lambda data: data.replace(b'"name":"Ida"', b'"name":"Ada"'),
}


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
@pytest.mark.parametrize("damage", DAMAGED)
def test_what_is_damaged_is_no_artifact_that_one_could_take(
    root: DataRoot, damage: str, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:
        without_links(monkeypatch)
    path = root.path(write(root).path)
    path.write_bytes(DAMAGED[damage](path.read_bytes()))
    ref = write(root, LATER)
    assert read_artifact(root, ref, Boat) == LATER
    found = find_artifact(root, "sail", "open-trails", "r1")
    assert found is not None
    assert found.ref == ref


@pytest.mark.parametrize("inputs", [(), ("i1",), ("i2", "i1"), ("i1", "i2", "i3"), ("i1", "i3")])
def test_what_was_made_of_something_else_is_replaced(root: DataRoot, inputs: tuple[str, ...]) -> None:
    write(root, inputs=inputs)
    ref = write(root, build("Ada"))
    assert read_artifact(root, ref, Boat).content.name == "Ada"
    found = find_artifact(root, "sail", "open-trails", "r1")
    assert found is not None
    assert (found.ref, found.inputs) == (ref, ("i1", "i2"))


def test_an_artifact_is_synced_before_it_gets_its_name_and_its_folder_after(tmp_path: Path, disk: RecordedDisk) -> None:
    root = DataRoot(str(tmp_path / "data"))
    write(root)
    assert disk.steps == [
        "mkdir sail", "sync .", "mkdir sail/open-trails", "sync sail",
        "write sail/open-trails/.tmp", "sync sail/open-trails/.tmp",
        "link sail/open-trails/.tmp to sail/open-trails/r1.json", "remove sail/open-trails/.tmp",
        "sync sail/open-trails",
    ]  # fmt: skip


def test_a_power_cut_leaves_a_whole_artifact_or_none_and_the_whole_one_once_it_was_written(
    tmp_path: Path, disk: RecordedDisk
) -> None:
    root, name = DataRoot(str(tmp_path / "data")), "sail/open-trails/r1.json"
    seen: list[bytes | None] = []
    disk.after = lambda step: seen.extend(world.get(name) for world in disk.list_worlds())
    write(root)
    whole = (tmp_path / "data" / name).read_bytes()
    assert set(seen) == {None, whole}
    assert [world.get(name) for world in disk.list_worlds()] == [whole]


FULL, CTRL_C = OSError(28, "No space left on device"), KeyboardInterrupt()
LINK = "link sail/open-trails/.tmp to sail/open-trails/r1.json"


@pytest.mark.parametrize("error", [FULL, CTRL_C], ids=["full", "ctrl-c"])
@pytest.mark.parametrize("broken", ["write sail/open-trails/.tmp", "sync sail/open-trails/.tmp", LINK])
def test_a_write_that_fails_leaves_nothing(
    tmp_path: Path, disk: RecordedDisk, broken: str, error: BaseException
) -> None:
    def refuse(step: str) -> None:
        if step == broken:
            raise error

    root = DataRoot(str(tmp_path / "data"))
    disk.before = refuse
    with pytest.raises(type(error)) as caught:
        write(root)
    assert caught.value is error
    assert os.listdir(tmp_path / "data" / "sail" / "open-trails") == []
    disk.before = lambda step: None
    assert write(root) == write(root, LATER)


def test_who_comes_second_leaves_no_temporary_file(tmp_path: Path) -> None:
    root = DataRoot(str(tmp_path / "data"))
    write(root)
    write(root, LATER)
    write(root, build("Ada"), inputs=["other"])
    assert os.listdir(tmp_path / "data" / "sail" / "open-trails") == ["r1.json"]
