"""The generated pages of the documentation: written from the code, so that they always match it.

``python -m pipelines.reference.generate`` writes them (``make docs``); with ``--check`` it only compares (``make
check``).
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from pipelines.reference import command_reference, contract_reference, policy_reference, settings_reference
from pipelines.reference import feature_reference as features
from serving.cases import transitions
from serving.handoff import package

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "data-contract.md": contract_reference.render_contract,
    "features.md": features.render_features,
    "policy.md": policy_reference.render_policy,
    "case-states.md": transitions.page,
    "handoff.schema.json": package.handoff_schema,
    "commands.md": command_reference.render_commands,
    "settings.md": settings_reference.render_settings,
}


def generate(arguments: list[str]) -> int:
    """Write every page, or with ``--check`` list the pages that do not match the code; 0 if there are none."""
    written = {DOCS / name: make() for name, make in PAGES.items()}
    stale = [path for path, text in written.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if "--check" not in arguments:
        for path in stale:
            path.write_text(written[path], encoding="utf-8")
        return 0
    for path in stale:
        sys.stderr.write(f"docs/{path.name} does not match the code: run `make docs`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(generate(sys.argv[1:]))
