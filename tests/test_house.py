"""The rules of the house that no other tool holds: where things go, what is declared, what must not be committed."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from prompts import PROMPTS, load_prompt

ROOT = Path(__file__).parents[1]
PACKAGES = ("flows", "tasks", "schemas", "prompts")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("base", "dev", "train", "torch")
NEEDED_BUT_NOT_IMPORTED = {
    "fastapi": "Prefect's server needs an older one",
    "aiohttp": "the transport under openai",
    "httptools": "reads requests for uvicorn",
    "accelerate": "launches the trainer, and lies under transformers' own",
    "sentencepiece": "reads tokenizer.model",
    "protobuf": "reads tokenizer.model",
}


def list_sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def list_committed() -> list[Path]:
    """The files that git has or would take; the test is skipped where there is no repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not in a git repository")
    paths = [ROOT / name for name in done.stdout.split("\0") if name and not name.startswith(".venv/")]
    return [path for path in paths if path.is_file()]


def read_contract(kind: str) -> dict[str, Any]:
    contracts: list[dict[str, Any]] = PYPROJECT["tool"]["importlinter"]["contracts"]
    return next(contract for contract in contracts if contract["name"].startswith(kind))


def list_task_modules() -> tuple[set[str], set[str]]:
    """The modules directly in tasks/, and its folders of modules, by import name."""
    modules = {f"tasks.{path.stem}" for path in (ROOT / "tasks").glob("*.py") if path.stem != "__init__"}
    return modules, {f"tasks.{path.parent.name}" for path in (ROOT / "tasks").glob("*/__init__.py")}


def find_imports(paths: list[Path]) -> set[str]:
    """The top-level names of everything imported that is neither ours nor the standard library's."""
    names: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {*PACKAGES, "tests", "deployments"}


def read_names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def find_distributions(modules: set[str]) -> set[str]:
    """The packages by their names on the registry; one that is not installed (the `train` extra) by its module's."""
    known = packages_distributions()
    return {canonicalize_name(known.get(module, [module])[0]) for module in modules}


def test_every_module_of_tasks_has_its_layer() -> None:
    modules, folders = list_task_modules()
    layered = {name.strip() for layer in read_contract("Imports")["layers"] for name in layer.split(":")}
    assert {name for name in layered if name.startswith("tasks.")} == modules | folders


def test_no_folder_of_tasks_escapes_the_rule_on_prefect() -> None:
    _, folders = list_task_modules()
    assert set(read_contract("Prefect")["source_modules"]) == folders | {"prompts", "schemas"}


def test_every_source_file_can_be_read_in_one_sitting() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in
               list_sources(*PACKAGES, "deployments")}  # fmt: skip
    assert {path: lines for path, lines in lengths.items() if lines > 400} == {}


def test_every_module_says_what_it_owns() -> None:
    silent = []
    for path in list_sources(*PACKAGES, "deployments"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if tree.body and ast.get_docstring(tree) is None:
            silent.append(str(path.relative_to(ROOT)))
    assert silent == []


def test_tests_mirror_the_tree() -> None:
    folders = {path.parent.relative_to(ROOT / "tests") for path in list_sources("tests")} - {
        Path(),
        Path("benchmarks"),
        Path("endpoint"),
        Path("mutation"),
    }
    assert [str(folder) for folder in sorted(folders) if not (ROOT / folder).is_dir()] == []
    assert [str(folder) for folder in sorted(folders) if not (ROOT / "tests" / folder / "__init__.py").is_file()] == []


def test_every_prompt_is_listed_and_has_a_version() -> None:
    assert {path.stem for path in (ROOT / "prompts").glob("*.jinja")} == set(PROMPTS)
    assert [name for name in PROMPTS if not load_prompt(name).version] == []


def test_what_is_imported_is_declared_and_what_is_declared_is_used() -> None:
    project = PYPROJECT["project"]
    base = read_names(project["dependencies"])
    dev, train = (read_names(project["optional-dependencies"][extra]) for extra in ("dev", "train"))
    sources = list_sources(*PACKAGES)
    training = [path for path in sources if path.parent.name == "trainer"]
    used = find_distributions(find_imports([path for path in sources if path not in training]))
    used_in_training = find_distributions(find_imports(training))
    used_in_tests = find_distributions(find_imports(list_sources("tests", "deployments")))
    assert used <= base
    assert used_in_training <= base | train
    assert used_in_tests <= base | dev | train
    assert base - used - set(NEEDED_BUT_NOT_IMPORTED) == set()
    assert train - used_in_training - used_in_tests - set(NEEDED_BUT_NOT_IMPORTED) == set()


def read_pins(name: str) -> dict[str, tuple[Requirement, int]]:
    """What a lock file pins, by name, and how many hashes each has."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = [line.split() for line in text.replace("\\\n", "").splitlines() if not line.lstrip().startswith("#")]
    pins: dict[str, tuple[Requirement, int]] = {}
    for words in entries:
        hashes = [word for word in words if re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", word)]
        pin = Requirement(" ".join(word for word in words if word not in hashes))
        pins[canonicalize_name(pin.name)] = pin, len(hashes)
    return pins


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_pins_exactly_and_with_hashes_and_says_of_no_place_where_to_get_it(name: str) -> None:
    pins = read_pins(name)
    assert [
        str(pin) for pin, _ in pins.values() if not re.fullmatch(r"==[^=,*+]+", str(pin.specifier)) or pin.url
    ] == []
    assert [package for package, (_, hashes) in pins.items() if not hashes] == (["torch"] if name == "torch" else [])
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    assert re.findall(r"^\s*-(?!-hash=sha256:).*|\S*://\S*| @ .*|\S*/\S*", text, re.MULTILINE) == []


@pytest.mark.parametrize(
    ("extra", "names"), [(None, ("base",)), ("dev", ("base", "dev")), ("train", ("base", "train", "torch"))]
)
def test_the_lock_files_pin_everything_that_is_declared(extra: str | None, names: tuple[str, ...]) -> None:
    pinned = {package: pin for name in names for package, (pin, _) in read_pins(name).items()}
    project = PYPROJECT["project"]
    for line in [*project["dependencies"], *(project["optional-dependencies"][extra] if extra else [])]:
        requirement = Requirement(line)
        version = str(pinned[canonicalize_name(requirement.name)].specifier).removeprefix("==")
        assert requirement.specifier.contains(version), f"{line} does not allow the pinned {version}"


def test_the_lock_files_agree_and_hold_nothing_of_one_build_of_torch() -> None:
    versions: dict[str, set[str]] = {}
    for name in LOCKS:
        for package, (pin, _) in read_pins(name).items():
            versions.setdefault(package, set()).add(str(pin.specifier))
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}
    assert [package for package in versions if re.match(r"nvidia-|cuda-|triton$", package)] == []
    assert set(read_pins("torch")) == {"torch"}
    assert not set(read_pins("base")) & {*read_pins("dev"), *read_pins("train")}


def test_the_data_path_never_brings_torch() -> None:
    project = PYPROJECT["project"]
    declared = read_names([*project["dependencies"], *project["optional-dependencies"]["dev"]])
    assert declared & {"torch", "transformers", "trl", "accelerate", "peft"} == set()


def test_the_readme_shows_every_folder() -> None:
    tree = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = [path.name for path in (ROOT / "tasks").glob("*") if (path / "__init__.py").is_file()]
    assert [name for name in [*PACKAGES, *folders, "deployments", "docs", "tests"] if f"{name}/" not in tree] == []


def test_nothing_committed_names_a_machine() -> None:
    """No absolute path of a checkout, no address of a package mirror, no key."""
    telling = re.compile(r"(?<![\w.:/])/(?:work|home|Users)/\w+|--(?:extra-)?index-url|\bsk-[A-Za-z0-9]{20,}")
    found = []
    for path in list_committed():
        if path == Path(__file__) or path.suffix in {".png", ".parquet"}:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in telling.finditer(text)]
    assert found == []


def test_no_child_is_given_the_whole_environment() -> None:
    """What each is given, `schemas.environment` picks: without `env` a child gets every key that there is."""
    starts = re.compile(r"(subprocess\.(run|call|check_call|check_output)|.*\b(Popen|create_subprocess_(exec|shell)))")
    careless = []
    for path in list_sources(*PACKAGES, "deployments"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and starts.fullmatch(ast.unparse(node.func)):
                given = [ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg == "env"]
                if not given or "os.environ" in given[0]:
                    careless.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert careless == []


def test_each_public_name_is_defined_once() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for path in list_sources(*PACKAGES, "deployments"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith(
                "_"
            ):
                places[node.name].append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in places.items() if len(paths) > 1 and name != "main" and name[0] != "_"} == {}


def test_commands_print_by_one_function_which_lets_nothing_act_on_a_terminal() -> None:
    printing = defaultdict(list)
    for path in list_sources("flows"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                printing[path.name].append(node.lineno)
    assert set(printing) <= {"terminal.py", "server.py"}, "the server's command says nothing that others wrote"
