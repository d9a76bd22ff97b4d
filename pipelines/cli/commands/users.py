"""``rescue users``: users of the review app where there is no company-wide sign-in, and API tokens."""

import sys
from typing import Annotated

import typer

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home
from pipelines.console import out

users = typer.Typer(help="Add, list or disable users of the review app; create API tokens.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The name of the user, as the policy writes it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(users, name="users")


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


def _password() -> str:
    """Typed twice on a terminal, else one line of standard input; never an argument, which every process can read."""
    if sys.stdin.isatty():
        answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return answer
    return sys.stdin.readline().rstrip("\r\n")
