"""``rescue users``: who may come into the review app where there is no company-wide sign-in, and programs' tokens."""

import sys
from typing import Annotated

import typer

from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home
from pipelines.console import out

users = typer.Typer(help="Add, list or disable users of the review app; make tokens.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The name that goes on the record, as the policy writes it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(users, name="users")


@users.command(short_help="Add a user, or change one.")
def add(
    name: Name,
    role: Annotated[list[str], typer.Option(help="viewer, reviewer, lead, analyst or admin; may be given again.")],
    squad: Annotated[list[str] | None, typer.Option(help="A squad of theirs; may be given again.")] = None,
    password: Annotated[bool, typer.Option(help="Without one a user can only hold tokens.")] = True,
    home: Home = None,
) -> None:
    """Add a user, or change one; the password is asked for, or read as one line from standard input."""
    from serving.web.identity import users as people

    with assembly.open_store(configuration.load(home=home)) as store:
        new = people.save_user(store, name, role, squad or (), _password() if password else None)
    out.print(f"{name} is {'added' if new else 'changed; their sessions are over'}.", markup=False)


@users.command("list")
def list_users(home: Home = None) -> None:
    """Every user with roles, squads and tokens."""
    from rich.table import Table

    from serving.web.identity import users as people

    with assembly.open_store(configuration.load(home=home)) as store:
        found = people.list_users(store)
    table = Table("name", "roles", "squads", "password", "tokens", "disabled", box=None)
    for user in found:
        disabled = f"{user.disabled_at:%Y-%m-%d}" if user.disabled_at else ""
        has = "yes" if user.password else "no"
        table.add_row(user.name, ", ".join(user.roles), ", ".join(user.squads), has, str(user.tokens), disabled)
    out.print(table if found else "There are no users yet: `rescue users add NAME --role lead --squad SQUAD`.")


@users.command(short_help="Let nobody in by this name any more.")
def disable(name: Name, home: Home = None) -> None:
    """Let nobody in by this name any more; sessions and tokens end at once."""
    from serving.web.identity import users as people

    with assembly.open_store(configuration.load(home=home)) as store:
        people.disable_user(store, name)
    out.print(f"{name} is disabled.", markup=False)


@users.command()
def token(
    name: Name,
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    days: Annotated[int, typer.Option(min=1, max=3650, help="It is good for so many days.")] = 90,
    home: Home = None,
) -> None:
    """Make a token of the API for a user; it is shown this once."""
    from serving.web.identity import users as people

    with assembly.open_store(configuration.load(home=home)) as store:
        typer.echo(people.create_token(store, name, label, days))


def _password() -> str:
    """Typed twice on a terminal, else one line of standard input; never an argument, which every process can read."""
    if sys.stdin.isatty():
        answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return answer
    return sys.stdin.readline().rstrip("\r\n")
