"""The house keeps its word: light where it says light, and every link in the docs leads somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"lightgbm", "mlflow", "prefect", "sklearn", "pandas", "matplotlib", "pyspark", "fastapi"}


def loaded_by(statement: str, root: Path) -> set[str]:
    """The heavy libraries that a fresh process has loaded after a statement."""
    code = f"import sys; {statement}; print(' '.join({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["features.catalogue", "features.contract", "models.contracts", "serving.contracts"])
def test_what_crosses_between_rooms_is_light(module: str, root: Path) -> None:
    assert loaded_by(f"import {module}", root) == set()


def test_the_command_line_starts_without_what_only_some_commands_need(root: Path) -> None:
    assert loaded_by("import pipelines.cli", root) == set()


def pages(root: Path) -> list[Path]:
    return [root / "README.md", *sorted((root / "docs").rglob("*.md")), root / "data_samples" / "README.md"]


def test_every_link_in_the_docs_leads_somewhere(root: Path) -> None:
    broken = [
        f"{page.relative_to(root)}: {link}"
        for page in pages(root)
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if not link.startswith(("http:", "https:", "mailto:")) and not (page.parent / link).exists()
    ]
    assert broken == []


def test_every_command_in_the_readme_exists(root: Path) -> None:
    told = set(re.findall(r"(?:bin/|`)rescue ([a-z]+)", (root / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    reference = (root / "docs" / "commands.md").read_text(encoding="utf-8")
    assert {name for name in told if f"## `rescue {name}" not in reference} == set()


def test_every_make_target_in_the_readme_exists(root: Path) -> None:
    told = set(re.findall(r"(?:^|`)make ([a-z]+)", (root / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert told - targets == set()
