"""One word, one meaning: public names and module names occur once in a package, and folders stay small."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

PACKAGES = ("features", "models", "serving", "pipelines")

SHARED_NAMES = {
    "register": "each command module registers its command under the same protocol",
}
"""Public names that may occur in several modules of one package, each with its reason."""

SHARED_BASENAMES = {
    "monitor": "the command is named after the function that it calls",
    "feedback": "the command is named after the function that it calls",
}
"""Module names that may occur twice in one package, each with its reason."""

COMMANDS = "pipelines/cli/commands/"
"""A command's function is named after what a user types, and so may be named like what it calls."""

MOST_MODULES = 16


def modules(root: Path, package: str) -> list[Path]:
    return sorted(path for path in (root / package).rglob("*.py") if "versions" not in path.parts)


def public_names(path: Path) -> set[str]:
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in names if not name.startswith("_")}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_public_name_occurs_in_one_module_of_a_package(package: str, root: Path) -> None:
    places = defaultdict(list)
    for path in modules(root, package):
        module = str(path.relative_to(root))
        if not module.startswith(COMMANDS):
            for name in public_names(path):
                places[name].append(module)
    repeated = {name: found for name, found in places.items() if len(found) > 1 and name not in SHARED_NAMES}
    assert repeated == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_module_name_occurs_once_in_a_package(package: str, root: Path) -> None:
    places = defaultdict(list)
    for path in modules(root, package):
        if path.name not in ("__init__.py", "__main__.py"):
            places[path.stem].append(str(path.relative_to(root)))
    repeated = {name: found for name, found in places.items() if len(found) > 1 and name not in SHARED_BASENAMES}
    assert repeated == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_folder_holds_many_modules(package: str, root: Path) -> None:
    folders = defaultdict(int)
    for path in modules(root, package):
        folders[str(path.parent.relative_to(root))] += 1
    assert {folder: count for folder, count in folders.items() if count > MOST_MODULES} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_what_belongs_in_it(package: str, root: Path) -> None:
    silent = [
        str(path.relative_to(root))
        for path in modules(root, package)
        if path.name == "__init__.py" and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_no_branch_column_or_template_names_a_risk_outside_the_defaults(root: Path) -> None:
    """A risk is data: only the default configuration and the simulator of this product's own world name one."""
    allowed = (
        "models/risks/defaults.py",
        "pipelines/simulator/",
        "serving/store/migrations/versions/",
        "features/contract/vocabularies.py",  # there it is a word of ticket systems, not a risk
        "pipelines/reference/contract_reference.py",  # an example row
    )
    named = [
        f"{path.relative_to(root)}:{node.lineno}"
        for package in PACKAGES
        for path in modules(root, package)
        if not str(path.relative_to(root)).startswith(allowed)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in ("churn", "escalation", "risk_churn", "risk_escalation")
    ]
    templates = [
        str(path.relative_to(root))
        for package in PACKAGES
        for kind in ("*.j2", "*.jinja")
        for path in (root / package).rglob(kind)
        if "churn" in (text := path.read_text(encoding="utf-8")).lower() or "escalation risk" in text.lower()
    ]
    assert named + templates == []
