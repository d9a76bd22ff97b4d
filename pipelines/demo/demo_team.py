"""The eight people of the demo: who they are in the review app, and from which day on they work there."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from serving.cases.permissions import Actor, Role

SQUADS = ("success", "support", "strategic")


@dataclass(frozen=True)
class DemoPerson:
    """One of the team: the name with which the person signs in, role and squads.

    ``starts`` is the day of the demo, from 0, on which the person joins. ``hour`` is when they begin to work, in UTC.
    ``diligence`` is the chance that they do at once what is to be done.
    """

    name: str
    role: Role
    squads: tuple[str, ...]
    starts: int = 0
    hour: int = 8
    diligence: float = 0.7

    @property
    def actor(self) -> Actor:
        """The person as use cases know them."""
        return Actor(self.name, self.role, frozenset(self.squads))


TEAM = (
    DemoPerson("amara", Role.LEAD, SQUADS, diligence=0.8),
    DemoPerson("ben", Role.REVIEWER, ("success",)),
    DemoPerson("chloe", Role.REVIEWER, ("success",), diligence=0.85),
    DemoPerson("diego", Role.REVIEWER, ("success",), starts=24, diligence=0.5),
    DemoPerson("elif", Role.LEAD, ("support",), hour=7),
    DemoPerson("farid", Role.REVIEWER, ("support",), diligence=0.8),
    DemoPerson("grace", Role.REVIEWER, ("support",), hour=14, diligence=0.6),
    DemoPerson("henrik", Role.REVIEWER, ("strategic",), diligence=0.9),
)
"""Reviewers and leads. An analyst and a viewer have users as well, and do nothing in the queue."""

READERS = (
    DemoPerson("ivy", Role.ANALYST, ()),
    DemoPerson("victor", Role.VIEWER, SQUADS),
)


@lru_cache(maxsize=1)
def demo_texts() -> Mapping[str, Any]:
    """What the people write, by action."""
    return tomllib.loads(files("pipelines.demo").joinpath("team_texts.toml").read_text(encoding="utf-8"))
