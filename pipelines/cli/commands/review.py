"""``rescue review``: the web app in which a rescue team works its cases."""

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
    database: Annotated[
        str | None, typer.Option(help="URL of the queue's database. Default: `database` in rescue.toml.")
    ] = None,
    policy: PolicyFile = None,
    host: Annotated[str, typer.Option(help="The address to listen on; use a proxy with HTTPS for other machines.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8000,
    demo: Annotated[
        bool, typer.Option(help="Print a link that signs in without a password, on this machine only.")
    ] = False,
) -> None:
    """Start the review app: the queue, the cases with their hand-offs, and the overview."""
    import uvicorn

    from pipelines.replay.replay_process import ReplayProcess
    from serving.cases.health_adjustments import HealthRule
    from serving.delivery import broadcast_channels
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
        )
        app.state.policies.continue_replays()
        address = f"http://{host}:{listening.getsockname()[1]}"
        typer.echo(f"The review app is at {address}; Ctrl-C stops it.")
        if demo:
            link = app.state.identity.one_time_link(demo_person(store))
            typer.echo(f"Open this link within ten minutes to sign in: {address}{link}")
        serving = uvicorn.Config(app, access_log=False, log_level="warning", server_header=False, proxy_headers=False)
        with suppress(KeyboardInterrupt):  # uvicorn stops cleanly and then raises this again
            uvicorn.Server(serving).run(
                sockets=[listening]
            )  # proxy headers are off: the client is the connection's address


def _for_demo(settings: ReviewSettings, host: str) -> ReviewSettings:
    """The settings of a trial on this machine: HTTP without TLS, and no access from other machines."""
    if host not in {"127.0.0.1", "::1", "localhost"}:
        raise UsageError(f"--demo signs in without a password, so it only works with --host 127.0.0.1, not {host}.")
    return settings.model_copy(update={"auth": "local", "secure_cookies": False})


def demo_person(store: Store) -> Person:
    """A lead of every squad that the newest night knows, under the name of the first squad's primary owner."""
    from serving.cases.permissions import Role
    from serving.store.queries.case_queries import active_squads, members_of
    from serving.web.access import Person

    with store.reading() as session:
        squads = active_squads(session)
        names = members_of(session, squads[0]) if squads else ()
    return Person(names[0] if names else "demo", frozenset({Role.LEAD}), frozenset(squads))


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except (OSError, OverflowError) as error:
        cause = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{host}:{port} is not available ({cause}); choose another --port.") from None
