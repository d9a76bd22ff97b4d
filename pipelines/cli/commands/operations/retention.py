"""``rescue prune``, ``erase``, ``backup`` and ``restore``: what is kept, and for how long."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from features.errors import UsageError
from features.unit_text import size_text
from pipelines import assembly
from pipelines import settings as configuration
from pipelines.cli.options import Home
from pipelines.console import out
from pipelines.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(short_help="Delete scores, messages and reports older than a period.")(prune)
    app.command(short_help="Erase the names and texts of an account.")(erase)
    app.command(short_help="Write a backup of the home and the queue into one file.")(backup)
    app.command(short_help="Restore a backup into a new home.")(restore)


def prune(
    keep: Annotated[str, typer.Option(metavar="PERIOD", help="How much is kept: 400d, 60w or 2y; at least 30d.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Delete nothing; show what would be deleted.")] = False,
    home: Home = None,
) -> None:
    """Delete what is older than a period: scores but for one night a week, sent messages, quarantine, reports.

    Cases, their history and their hand-offs stay.
    """
    from pipelines.retention.home_files import keep_period, prune_home
    from serving.operations.prune import prune_queue
    from serving.store.database import utcnow

    try:
        period = keep_period(keep)
    except ValueError:
        raise UsageError(f"--keep takes a period of at least 30 days, such as 400d or 2y, not {keep!r}.") from None
    settings = configuration.load(home=home)
    now = utcnow()
    with assembly.open_queue(settings) as store:
        removed = prune_queue(store, period, now, dry_run=dry_run)
    removed |= prune_home(settings.home, (now - period).date(), dry_run=dry_run)
    parts = ", ".join(_counted(count, name) for name, count in removed.items() if count)
    verb = "Would delete" if dry_run else "Deleted"
    out.print(f"{verb}: {parts}." if parts else "Nothing is older than that.", markup=False, soft_wrap=True)
    _warn_of_cluster(settings)


def erase(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The id of the account.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    home: Home = None,
) -> None:
    """Erase the names and texts of an account from the queue, its hand-offs, messages, reports and quarantine.

    Counts and the record of who did what stay. It cannot be undone, and a backup still holds what was erased.
    """
    from pipelines.retention.home_files import erase_from_home
    from serving.operations.erase import account_name, erase_account, is_in_newest_night

    settings = configuration.load(home=home)
    with assembly.open_queue(settings) as store:
        name = account_name(store, account)
        if not yes:
            typer.confirm(f"Erase the names and texts of {account} for good?", abort=True)
        changed = erase_account(store, account, getpass.getuser())
        current = is_in_newest_night(store, account)
    changed |= {f"{key} files": count for key, count in erase_from_home(settings.home, account, name).items()}
    parts = ", ".join(_counted(count, name) for name, count in changed.items() if count)
    out.print(f"{account} is erased: {parts}.", markup=False, soft_wrap=True)
    _warn_of_cluster(settings)
    if current:
        out.print(
            "Warning: the source had this account on the newest night. Erase it there, too, or the next night brings "
            "its name back.",
            soft_wrap=True,
        )


def _warn_of_cluster(settings: Settings) -> None:
    """Bad rows that a cluster wrote to a place of its own are not in the home."""
    if settings.spark_quarantine:
        text = f"Warning: bad rows in {settings.spark_quarantine} (spark_quarantine) stay; delete them there."
        out.print(text, markup=False, soft_wrap=True)


_NAMES = {
    "outbox": "messages",
    "set_aside": "accounts set aside by a night",
    "waiting": "accounts on a waiting list",
    "nights": "reports of nights",
    "reports files": "report files",
}
_SINGULAR = {
    "accounts set aside by a night": "account set aside by a night",
    "accounts on a waiting list": "account on a waiting list",
    "reports of nights": "report of a night",
}


def _counted(count: int, name: str) -> str:
    """A count of rows or files with the name of what it counts: ``1 case event``, ``2 case events``."""
    name = _NAMES.get(name, name.replace("_", " "))
    return f"{count:,} {_SINGULAR.get(name, name.removesuffix('s')) if count == 1 else name}"


def backup(
    to_file: Annotated[Path, typer.Argument(metavar="FILE", help="The new file, such as rescue.tar.gz.")],
    home: Home = None,
) -> None:
    """Write a backup of the queue, the models and the reports into one file, also while Rescue is in use."""
    from pipelines.retention.backup import write_backup

    summary = write_backup(configuration.load(home=home), to_file)
    out.print(
        f"{to_file}: {summary.files:,} files, {size_text(summary.size)} unpacked, schema {summary.revision}.",
        markup=False,
        soft_wrap=True,
    )


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")],
    home: Home = None,
) -> None:
    """Restore a backup into a new or empty home, and into the empty `database` of the settings where there is one."""
    from pipelines.retention.backup import restore_backup

    settings = configuration.load(home=home)
    summary = restore_backup(settings, file)
    with assembly.open_queue(settings):  # to the schema of this version
        pass
    out.print(f"{settings.home}: {summary.files:,} files restored.", markup=False, soft_wrap=True)
