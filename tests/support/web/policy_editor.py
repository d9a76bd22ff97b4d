"""The review app whose policy is a file, and what its editor sends."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from serving.cases.permissions import Role
from serving.policy.definition.policy_file import default_text
from serving.policy_versions.policy_state import PolicySource
from serving.web.app import create_app
from support.web.web_people import People, TestClient, opened

ROLES = """
[roles]
"chief customer officer" = "boss@example.com"
"""


@pytest.fixture
def policy_team(migrated_sqlite: Path, tmp_path: Path) -> Iterator[People]:
    """The people of an app whose policy is a file."""
    with policy_people(migrated_sqlite, tmp_path) as found:
        yield found


@pytest.fixture
def policy_lead(policy_team: People) -> TestClient:
    """A lead of theirs in the browser."""
    return policy_team.signed_in(Role.LEAD, name="lea")


@contextmanager
def policy_people(migrated: Path, folder: Path) -> Iterator[People]:
    """The people of an app whose policy is a file of a folder, with the shipped rules and a role."""
    path = folder / "policy.db"
    path.write_bytes(migrated.read_bytes())
    found = opened(path)
    file = folder / "policy.toml"
    file.write_text(default_text() + ROLES, encoding="utf-8")
    started: list[str] = []
    found.app = create_app(
        found.store,
        found.settings,
        clock=lambda: found.now,
        policy=PolicySource(file),
        start_replay=started.append,
    )
    found.app.state.started = started
    found.identity = found.app.state.identity
    found.identity.sessions.clock = lambda: found.now
    try:
        yield found
    finally:
        found.close()


def form_of(page: str) -> dict[str, str]:
    """What a browser would send: the text areas, fields and hidden fields of the editor."""
    part = page[page.index('<form method="post" action="/policy/edit"') :]
    part = part[: part.index("</form>")]
    fields = {
        unescape(name): unescape(value)
        for name, value in re.findall(r'<input[^>]*name="([^"]+)" value="([^"]*)"', part)
    }
    fields |= {
        name: unescape(text)
        for name, text in re.findall(r'<textarea name="(\w+)"[^>]*>\n?(.*?)</textarea>', part, re.S)
    }
    for name, options in re.findall(r'<select name="([^"]+)">(.*?)</select>', part, re.S):
        fields[name] = re.findall(r'value="(\w+)" selected', options)[0]
    return fields


def edited(browser: TestClient, do: str, **changes: str) -> Any:
    """The answer to the editor's form with some fields changed; ``__`` in a name is a dot."""
    fields = form_of(browser.get("/policy/edit").text)
    return browser.post(
        "/policy/edit", data={**fields, **{k.replace("__", "."): v for k, v in changes.items()}, "do": do}
    )
