"""The licences of everything that is installed with Rescue, and its bill of materials.

`python deploy/supply_chain.py` lists the licence of every locked package and ends with 1 where one is not allowed;
`python deploy/supply_chain.py --sbom FILE` writes a CycloneDX bill of materials with the hash of every file.
"""

import argparse
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

ALLOWED = re.compile(
    r"mit|bsd|apache|isc|psf|python software foundation|python-2\.0|mpl[- ]?2|mozilla public license 2|"
    r"lesser general public license|lgpl|zlib|unlicense|artistic license|public domain|cc0|0bsd|hpnd|zpl|"
    r"historical permission",
    re.IGNORECASE,
)
"""Permissive licences, and those (MPL, LGPL) that ask for nothing where a library is used unchanged."""

REFUSED = re.compile(r"affero|agpl|sspl|commons clause|busl|business source|proprietary|non-?commercial", re.IGNORECASE)

BY_HAND: dict[str, str] = {"huey": "MIT", "skops": "MIT"}
"""Licences that were read by hand, because the package's metadata name none."""


def locked_packages(root: Path = ROOT) -> list[str]:
    """The packages that the lock file installs for use, with every extra, without those for development."""
    text = export(root, "requirements.txt", "--all-extras", "--no-hashes", "--no-emit-project")
    return sorted({match[1].lower() for match in re.finditer(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)})


def export(root: Path, form: str, *words: str) -> str:
    """What uv writes of the lock file in this format, without asking anybody."""
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "export", "--quiet", "--offline", "--frozen", "--no-dev", "--format", form, *words]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout  # noqa: S603


def licence_of(name: str) -> str | None:
    """The licence of an installed package by its metadata; ``None`` for one that is not installed."""
    if name in BY_HAND:
        return BY_HAND[name]
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    classifiers = [
        line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or [] if line.startswith("License")
    ]
    texts = [about.get("License-Expression") or "", *classifiers, (about.get("License") or "").splitlines()[0:1]]
    first = next((str(text[0] if isinstance(text, list) and text else text) for text in texts if text), "")
    return first.strip()[:80] or "unknown"


def not_allowed(licences: dict[str, str]) -> dict[str, str]:
    """The packages whose licence is unknown or not one of those that are allowed."""
    return {name: text for name, text in licences.items() if REFUSED.search(text) or not ALLOWED.search(text)}


def main() -> int:
    """List the licences, or write the bill of materials."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sbom", type=Path, help="write a CycloneDX bill of materials into this file")
    given = parser.parse_args()
    if given.sbom:
        given.sbom.write_text(export(ROOT, "cyclonedx1.5", "--all-extras"), encoding="utf-8")
        return 0
    licences = {name: text for name in locked_packages() if (text := licence_of(name)) is not None}
    for name, text in licences.items():
        print(f"{name:32} {text}")  # noqa: T201 - a script
    wrong = not_allowed(licences)
    for name, text in wrong.items():
        print(f"not allowed: {name} ({text})", file=sys.stderr)  # noqa: T201
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
