"""``rescue review``: the web app in which a rescue team works its cases."""

from __future__ import annotations

import gc
import socket
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import UsageError, suggest_name
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home, PolicyFile
from serving.cases.permissions import Role

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import FastAPI

    from serving.store import Store
    from serving.web.access import Person
    from serving.web.identity.review_settings import ReviewSettings


KEEP_ALIVE = 75
"""Seconds for which an idle connection stays open: longer than proxies and browsers reuse one (60 s in nginx). A server
that closes it first lets a request fail that was on its way.
"""

COLLECT_AFTER = 20_000
"""Objects after which the garbage collector runs. A page makes thousands; with Python's own 700, a sixth of the time of
a page is spent on looking for cycles among them.
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Start the review app.")(review)


def review(
    home: Home = None,
    database: Annotated[
        str | None, typer.Option(help="URL of the queue's database. Default: `database` in rescue.toml.")
    ] = None,
    policy: PolicyFile = None,
    host: Annotated[str, typer.Option(help="The address to listen on; use a proxy with HTTPS for other machines.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8000,
    demo: Annotated[
        bool, typer.Option(help="Print links that sign in without a password, on this machine only.")
    ] = False,
    person_name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="With --demo: a link for this user only.")
    ] = None,
) -> None:
    """Start the review app: the queue, the cases with their hand-offs, and the overview."""
    from pipelines.replay.replay_process import ReplayProcess
    from serving.cases.health_adjustments import HealthRule
    from serving.delivery.channel_settings import broadcast_channels, slack_apps
    from serving.web import create_app

    settings = configuration.load(home=home, database=database, policy=policy)
    rules = assembly.current_policy(settings).policy.rules
    health, broadcast = HealthRule.of(rules.health), broadcast_channels(settings.channels)
    replays = ReplayProcess(settings)
    identity = _for_demo(settings.review, host) if demo else settings.review
    with closing(_listen(host, port)) as listening, assembly.open_store(settings) as store:
        app = create_app(
            store,
            identity,
            health=health,
            signals=settings.signals,
            rules=rules,
            channels=broadcast,
            policy=assembly.policy_source(settings),
            start_replay=replays.start,
            slack=slack_apps(settings.channels),
        )
        app.state.policies.continue_replays()
        address = f"http://{host}:{listening.getsockname()[1]}"
        typer.echo(f"The review app is at {address}; Ctrl-C stops it.")
        if demo:
            for role, person in demo_people(store, person_name).items():
                link = app.state.identity.one_time_link(person)
                typer.echo(f"Open within ten minutes, as {role} {person.name}: {address}{link}")
            _note_old_demo(settings.home)
        serve_app(app, listening)


def serve_app(app: FastAPI, listening: socket.socket) -> None:
    """Answer requests until Ctrl-C; proxy headers are off, so the client is the connection's address.

    What is loaded by now stays for as long as the process runs, so the garbage collector need not look at it again.
    """
    import uvicorn

    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    serving = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
    )
    with suppress(KeyboardInterrupt):  # uvicorn stops cleanly and then raises this again
        uvicorn.Server(serving).run(sockets=[listening])


def _note_old_demo(home: Path) -> None:
    """Say that a demo ended before today, because its newest night then looks late."""
    from pipelines.demo.demo_home import demo_until
    from serving.night_report.report_text import day_text
    from serving.store.database import utcnow

    until = demo_until(home)
    if until is not None and until < utcnow().date():
        typer.echo(f"This demo ends on {day_text(until)}; `make demo` makes one that ends today.")


def _for_demo(settings: ReviewSettings, host: str) -> ReviewSettings:
    """The settings of a trial on this machine: HTTP without TLS, and no access from other machines."""
    if host not in {"127.0.0.1", "::1", "localhost"}:
        raise UsageError(f"--demo signs in without a password, so it only works with --host 127.0.0.1, not {host}.")
    return settings.model_copy(update={"auth": "local", "secure_cookies": False})


DEMO_ROLES = ("lead", "reviewer", "analyst", "viewer")


def demo_people(store: Store, name: str | None = None) -> dict[str, Person]:
    """Who can be tried, by role: of the users of the queue one for each role, or only the named one.

    Without users, a lead of every squad under the name of the first squad's primary owner, and its next member as a
    reviewer.

    Raises:
        UsageError: there is no user of this name.
    """
    from serving.web.access import Person
    from serving.web.identity.users import list_users

    users = [user for user in list_users(store) if user.disabled_at is None]
    if name is not None:
        user = next((user for user in users if user.name == name), None)
        if user is None:
            raise UsageError(f"There is no user {name!r}; {suggest_name(name, [user.name for user in users])}")
        return {user.roles[0]: Person(user.name, frozenset(map(Role, user.roles)), frozenset(user.squads))}
    found: dict[str, Person] = {}
    for role in DEMO_ROLES:
        able = [user for user in users if user.roles == (role,)]
        if able:
            user = max(able, key=lambda user: len(user.squads))
            found[role] = Person(user.name, frozenset({Role(role)}), frozenset(user.squads))
    return found if "lead" in found else _people_of_squads(store)


def _people_of_squads(store: Store) -> dict[str, Person]:
    from serving.store.queries.case_queries import active_squads, members_of
    from serving.web.access import Person

    with store.reading() as session:
        squads = active_squads(session)
        names = members_of(session, squads[0]) if squads else ()
    lead = Person(names[0] if names else "demo", frozenset({Role.LEAD}), frozenset(squads))
    reviewer = Person(names[1] if len(names) > 1 else "reviewer", frozenset({Role.REVIEWER}), frozenset(squads[:1]))
    return {"lead": lead, "reviewer": reviewer}


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except (OSError, OverflowError) as error:
        cause = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{host}:{port} is not available ({cause}); choose another --port.") from None
