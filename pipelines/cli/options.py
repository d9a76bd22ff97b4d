"""Options that several commands share, so that they have the same name, meaning and help everywhere."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from features.errors import UsageError, suggest_name
from pipelines.settings import Settings

Data = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SOURCE",
        help="The source: a folder, a DuckDB or SQLite file, or a database URL. For several sources, give the option "
        "once for each, as NAME=SOURCE. Default: `data` or `[sources]` in rescue.toml.",
    ),
]
Mapping = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DIR",
        help="Folder of <table>.sql files that map the source's tables to the contract's, or a mapping that Rescue "
        "brings, such as zendesk/fivetran. NAME=DIR is the mapping of one of several sources.",
    ),
]
Home = Annotated[
    Path | None, typer.Option(help="Folder of the queue, the models and the reports. Default: `home` in rescue.toml.")
]
PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy", help="The policy file. Default: `policy` in rescue.toml, else the policy of Rescue."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, and nothing else.")]
All = Annotated[bool, typer.Option("--all", help="Print all of them, however many there are.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        metavar="DATE",
        help="The cutoff: use what was known before this day. Default: the first day after the newest row.",
    ),
]
NightOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="DATE",
        help="The day to work on, with what was known before it. Default: today, in the time zone of the settings.",
    ),
]
Before = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="Use only what was known before this day. Default: the whole source."),
]
CaseId = Annotated[str, typer.Argument(metavar="CASE", help="A case id from `rescue queue list`.")]
ActingName = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who does it, for the record. Default: your user name here.")
]
RiskOption = Annotated[str, typer.Option(help="The name of one risk, or all.")]
RiskArgument = Annotated[str, typer.Argument(metavar="RISK", help="The name of a risk: churn, escalation, …")]

ALL_RISKS = "all"


def parse_day(text: str | None, option: str) -> date | None:
    """A day given on the command line.

    Raises:
        UsageError: it is not a date.
    """
    return None if text is None else parse_required_day(text, option)


def parse_required_day(text: str, option: str) -> date:
    """Like :func:`parse_day`, for an option that has to be given."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} takes a date such as 2026-03-01, not {text!r}.") from None


def require_risk(settings: Settings, risk: str, also: Iterable[str] = ()) -> None:
    """Check the name of a risk against those that are configured, before anything is read.

    Raises:
        UsageError: there is no such risk.
    """
    from models.risks.configuration import configured
    from pipelines.sources.mappings.mapping_settings import merged_risk_settings

    names = [*configured(merged_risk_settings(settings)), *also]
    if risk not in names:
        raise UsageError(f"There is no risk {risk!r}; {suggest_name(risk, names)}")


def require_one_of(value: str, allowed: Iterable[str], option: str) -> None:
    """Check a value that has to be one of a few words.

    Raises:
        UsageError: it is none of them; the message names the nearest word and all allowed ones.
    """
    words = list(allowed)
    if value not in words:
        raise UsageError(f"{option} cannot be {value!r}; {suggest_name(value, words)}")
