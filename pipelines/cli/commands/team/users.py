"""``rescue users``, ``sessions`` and ``tokens``: who has access to the review app, and how it is taken away."""

import sys
from datetime import datetime
from typing import Annotated

import typer

from features.errors import UsageError
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home
from pipelines.console import out

users = typer.Typer(help="Add, list or disable users of the app; create API tokens.", no_args_is_help=True)

sessions = typer.Typer(help="Show who is signed in to the review app; end sessions.", no_args_is_help=True)
tokens = typer.Typer(help="List API tokens with their last use; revoke one.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The name of the user, as the policy writes it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(users, name="users")
    app.add_typer(sessions, name="sessions")
    app.add_typer(tokens, name="tokens")


@users.command(short_help="Add a user, or change one.")
def add(
    name: Name,
    role: Annotated[list[str], typer.Option(help="viewer, reviewer, lead, analyst or admin; can be repeated.")],
    squad: Annotated[list[str] | None, typer.Option(help="A squad of the user; can be repeated.")] = None,
    password: Annotated[bool, typer.Option(help="Ask for a password; a user without one can only use tokens.")] = True,
    home: Home = None,
) -> None:
    """Add a user, or change one. The password is asked for, or read as one line from standard input."""
    from serving.web.identity import users as people

    with assembly.open_store(configuration.load(home=home)) as store:
        new = people.save_user(store, name, role, squad or (), _password() if password else None)
    out.print(f"{name} is {'added' if new else 'changed; existing sessions have ended'}.", markup=False)


@users.command("list")
def list_users(home: Home = None) -> None:
    """List all users with roles, squads and tokens."""
    from rich.table import Table

    from serving.web.identity import users as people

    with assembly.open_store(configuration.load(home=home)) as store:
        known = people.list_users(store)
    table = Table("name", "roles", "squads", "password", "tokens", "disabled", box=None)
    for user in known:
        disabled = f"{user.disabled_at.day} {user.disabled_at:%b %Y}" if user.disabled_at else ""
        has = "yes" if user.password else "no"
        table.add_row(user.name, ", ".join(user.roles), ", ".join(user.squads), has, str(user.tokens), disabled)
    out.print(table if known else "There are no users. Add one with `rescue users add NAME --role lead --squad SQUAD`.")


@users.command(short_help="Disable a user.")
def disable(name: Name, home: Home = None) -> None:
    """Disable a user; sessions and tokens end at once."""
    from serving.web.identity import users as people

    with assembly.open_store(configuration.load(home=home)) as store:
        people.disable_user(store, name)
    out.print(f"{name} is disabled.", markup=False)


@users.command(short_help="Revoke a person's access.")
def revoke(name: Name, home: Home = None) -> None:
    """Revoke a person's access, also that of single sign-on: sessions and tokens end, the next sign-in is refused."""
    from serving.web.identity.revocation import revoke_person

    with assembly.open_store(configuration.load(home=home)) as store:
        ended = revoke_person(store, name)
    out.print(
        f"The access of {name} is revoked: {ended.sessions} sessions and {ended.tokens} tokens ended.", markup=False
    )


@users.command(short_help="Give a person's access back.")
def restore(name: Name, home: Home = None) -> None:
    """Give the access back that `rescue users revoke` took away."""
    from serving.web.identity.revocation import restore_person

    with assembly.open_store(configuration.load(home=home)) as store:
        restore_person(store, name)
    out.print(f"{name} can sign in again.", markup=False)


@users.command()
def token(
    name: Name,
    label: Annotated[str, typer.Option(help="What the token is used for.")] = "",
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days until the token expires.")] = 90,
    home: Home = None,
) -> None:
    """Create an API token for a user. It is shown only once."""
    from serving.web.identity import users as people

    with assembly.open_store(configuration.load(home=home)) as store:
        typer.echo(people.create_token(store, name, label, days))


@sessions.command("list")
def show_sessions(home: Home = None) -> None:
    """List who is signed in, with the number of sessions and the last request."""
    from rich.table import Table

    from serving.web.identity.revocation import list_sessions

    with assembly.open_store(configuration.load(home=home)) as store:
        found = list_sessions(store)
    table = Table("name", "sessions", "since", "last request (UTC)", box=None)
    for row in found:
        table.add_row(row.person, str(row.sessions), _time(row.first), _time(row.last_seen))
    out.print(table if found else "Nobody is signed in.")


@sessions.command()
def end(
    name: Annotated[str | None, typer.Argument(help="The name of the person.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="End the sessions of everybody.")] = False,
    home: Home = None,
) -> None:
    """End the sessions of a person at once, or of everybody with --all; they can sign in again."""
    from serving.web.identity.revocation import end_sessions

    if (name is None) == (not everybody):
        raise UsageError("Name one person, or use --all.")
    with assembly.open_store(configuration.load(home=home)) as store:
        ended = end_sessions(store, name)
    out.print(f"{ended} session{'' if ended == 1 else 's'} ended.")


@tokens.command("list")
def show_tokens(home: Home = None) -> None:
    """List the API tokens: whose they are, what they are for, when they were last used and when they expire."""
    from rich.table import Table

    from serving.web.identity.revocation import list_tokens

    with assembly.open_store(configuration.load(home=home)) as store:
        found = list_tokens(store)
    table = Table("id", "user", "label", "created", "expires", "last used (UTC)", box=None)
    for row in found:
        used = _time(row.last_used_at) if row.last_used_at else "never"
        table.add_row(row.id, row.person, row.label, _time(row.created_at), _time(row.expires_at), used)
    out.print(table if found else "There are no tokens. Create one with `rescue users token NAME`.")


@tokens.command("revoke")
def withdraw(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The id of the token.")], home: Home = None
) -> None:
    """Revoke one token; others of the same user go on working."""
    from serving.web.identity.revocation import revoke_token

    with assembly.open_store(configuration.load(home=home)) as store:
        found = revoke_token(store, token_id)
    out.print(f"The token {found.id} of {found.person} is revoked.", markup=False)


def _time(at: datetime) -> str:
    return f"{at.day} {at:%b %Y, %H:%M}"


def _password() -> str:
    """Typed twice on a terminal, else one line of standard input; never an argument, which every process can read."""
    if sys.stdin.isatty():
        answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return answer
    return sys.stdin.readline().rstrip("\r\n")
