"""``rescue review``: the page that a rescue team opens in the morning."""

from __future__ import annotations

import socket
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import UsageError
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home, PolicyFile

if TYPE_CHECKING:
    from serving.store import Store
    from serving.web.access import Person
    from serving.web.identity.review_settings import ReviewSettings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(short_help="Start the review app.")(review)


def review(
    home: Home = None,
    database: Annotated[str | None, typer.Option(help="URL of the queue's database, instead of the home's.")] = None,
    policy: PolicyFile = None,
    host: Annotated[str, typer.Option(help="The address to listen on; a proxy with HTTPS belongs before others.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes any that is free.")] = 8000,
    demo: Annotated[bool, typer.Option(help="Sign in once, from this machine, without a password.")] = False,
) -> None:
    """Start the review app: the queue, each case with its hand-off, and the overview."""
    import uvicorn

    from serving.cases.health_adjustments import HealthRule
    from serving.web import create_app

    settings = configuration.load(home=home, database=database, policy=policy)
    health = HealthRule.of(assembly.load_policy(settings).rules.health)
    identity = _for_demo(settings.review, host) if demo else settings.review
    with closing(_listen(host, port)) as listening, assembly.open_store(settings) as store:
        app = create_app(store, identity, health=health)
        address = f"http://{host}:{listening.getsockname()[1]}"
        typer.echo(f"The review app is at {address}; Ctrl-C stops it.")
        if demo:
            link = app.state.identity.one_time_link(demo_person(store))
            typer.echo(f"Open this within ten minutes to be signed in: {address}{link}")
        serving = uvicorn.Config(app, access_log=False, log_level="warning", server_header=False, proxy_headers=False)
        with suppress(KeyboardInterrupt):  # uvicorn ends in order, then raises what ended it: here that is no failure
            uvicorn.Server(serving).run(sockets=[listening])  # who asks is the connection's address, not a header's


def _for_demo(settings: ReviewSettings, host: str) -> ReviewSettings:
    """The settings of a trial on this machine: plain HTTP will do, and nobody else can come."""
    if host not in {"127.0.0.1", "::1", "localhost"}:
        raise UsageError(f"--demo signs in without a password and so listens on 127.0.0.1 only, not on {host}.")
    return settings.model_copy(update={"auth": "local", "secure_cookies": False})


def demo_person(store: Store) -> Person:
    """A lead of every squad that the newest night knows, under the name of the first squad's primary owner."""
    from serving.cases.permissions import Role
    from serving.store.case_queries import active_squads, members_of
    from serving.web.access import Person

    with store.reading() as session:
        squads = active_squads(session)
        names = members_of(session, squads[0]) if squads else ()
    return Person(names[0] if names else "demo", frozenset({Role.LEAD}), frozenset(squads))


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except (OSError, OverflowError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{host}:{port} cannot be listened on ({why}): choose another --port.") from None
