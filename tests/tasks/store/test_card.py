from pathlib import Path

import yaml

from tasks.store.publish import publish_dataset
from tasks.store.root import DataRoot
from tests.tasks.store.samples import build_facts, build_sample_content


def write_card(tmp_path: Path, **facts: object) -> str:
    ref = publish_dataset(DataRoot(str(tmp_path)), "demo", None, build_sample_content(), build_facts(**facts))
    return (Path(ref.path) / "README.md").read_text()


def test_the_front_matter_is_what_hugging_face_reads(tmp_path: Path) -> None:
    front = yaml.safe_load(write_card(tmp_path).split("---\n")[1])
    files = {held["split"]: held["path"] for held in front["configs"][0]["data_files"]}
    assert files == {"train": "train.parquet", "test": "test.parquet"}
    assert (front["license"], front["size_categories"], front["language"]) == ("apache-2.0", ["n<1K"], ["en"])


def test_the_card_says_that_the_embedded_teacher_is_no_language_model(tmp_path: Path) -> None:
    card = write_card(tmp_path)
    assert "a grammar, not a language model" in card
    assert "| Instances | 20 | 3,938 |" in card
    assert "| `ungrounded_argument` |" in card


def test_the_card_of_a_real_teacher_speaks_of_its_terms(tmp_path: Path) -> None:
    card = write_card(tmp_path, teacher="gpt-x")
    assert "not a language model" not in card
    assert "`gpt-x`. Its provider's terms apply" in card
    assert yaml.safe_load(card.split("---\n")[1])["license"] == "other"


def test_a_partial_dataset_says_so(tmp_path: Path) -> None:
    assert "before 12 more APIs were finished" in write_card(tmp_path, unfinished_apis=12)
    assert "Partial" not in write_card(tmp_path)


def test_markup_in_names_and_problems_stays_text(tmp_path: Path) -> None:
    card = write_card(tmp_path)
    assert "<script>" not in card
    assert "| Broken \\| API | specify |" in card
