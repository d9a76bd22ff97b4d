"""The review app on a played demo, at the time at which the demo ends, as a person of the demo."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from pipelines import assembly
from pipelines.cli.commands.review import demo_people
from pipelines.demo.demo_home import DemoHome, demo_until
from serving.store import Store
from serving.store.database import use_clock
from serving.web import create_app
from serving.web.access import Person
from serving.web.identity.review_settings import ReviewSettings

MORNING = time(8)
"""When the demo is looked at, in UTC: a few hours after its last night."""


@contextmanager
def open_demo(folder: Path, at: time = MORNING) -> Iterator[tuple[FastAPI, Store, datetime]]:
    """The app, its queue and the time; the clock of the process is that time as well."""
    until = demo_until(folder)
    assert until is not None, f"{folder} holds no complete demo"
    now = datetime.combine(until, at)
    settings = DemoHome(folder).settings()
    with use_clock(lambda: now), assembly.open_store(settings) as store:
        yield demo_app(store, settings, now), store, now


def demo_app(store: Store, settings: Any, now: datetime) -> FastAPI:
    """The app as `rescue review` makes it."""
    return create_app(
        store,
        ReviewSettings(secure_cookies=False, address=settings.review.address),
        clock=lambda: now,
        rules=assembly.current_policy(settings).policy.rules,
        policy=assembly.policy_source(settings),
    )


def person_of(store: Store, role: str) -> Person:
    """Somebody of the demo with this role."""
    return demo_people(store)[role]
