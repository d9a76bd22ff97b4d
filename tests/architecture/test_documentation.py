"""The house keeps its word: light where it says light, and every link in the docs leads somewhere."""

import re
from pathlib import Path

SPACED = re.compile(r"[\d}] %(?! ?[\d(}])")
"""A percent sign after a space, where it does not stand for a remainder or end a template's tag."""


def test_what_a_person_reads_writes_shares_in_one_way(root: Path) -> None:
    rooms = [root / room for room in ("features", "models", "serving", "pipelines", "benchmarks", "docs")]
    kinds = ("py", "j2", "jinja", "md")
    files = [file for room in rooms for kind in kinds for file in sorted(room.rglob(f"*.{kind}"))]
    files = [file for file in files if ".venv-peers" not in file.parts]
    texts = {file: file.read_text(encoding="utf-8") for file in [root / "README.md", *files]}
    spaced = [
        f"{file.relative_to(root)}: {found[0]}" for file, text in texts.items() for found in SPACED.finditer(text)
    ]
    assert not spaced, "A share is written 43%, without a space."


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
