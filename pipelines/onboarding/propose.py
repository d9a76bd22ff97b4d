"""What ``rescue init`` proposes for each source: a vendor's mapping, its tables as they are, or queries of its own."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from features.contract import TABLES
from features.errors import DataGateError, UsageError
from pipelines.onboarding.account_columns import AccountKey
from pipelines.onboarding.column_words import normal_name
from pipelines.onboarding.derived_tables import derive_accounts
from pipelines.onboarding.profile_tables import TableProfile, profile_source
from pipelines.onboarding.propose_tables import propose_accounts, propose_tables
from pipelines.onboarding.table_proposal import TablesProposal
from pipelines.onboarding.vendor_choice import VendorMatch, find_vendor
from pipelines.setting_sections.source_settings import (
    RESERVED_SOURCE_NAMES,
    SourceSettings,
    check_sources,
    read_data_option,
)
from pipelines.sources.opening import open_source


@dataclass
class SourceProposal:
    """One source: a vendor's mapping, or tables of the contract as they are, or the tables that are proposed.

    ``failures`` are the messages about tables and files that cannot be read.
    """

    name: str
    data: str
    profiles: dict[str, TableProfile] = field(repr=False)
    failures: dict[str, str]
    vendor: VendorMatch | None = None
    own_tables: tuple[str, ...] = ()
    proposed: TablesProposal | None = None


def name_sources(values: Sequence[str]) -> dict[str, str]:
    """The sources of the command line by name; one without a name is named after its folder or file.

    Raises:
        UsageError: a name is given twice, or cannot be one.
    """
    named: dict[str, str] = {}
    for value in values:
        given = read_data_option(value)
        pairs = dict(given.named) or {_name_of(value, named): value}
        for name, place in pairs.items():
            if name in named:
                raise UsageError(f"Two sources are called {name!r}: {named[name]} and {place}.")
            named[name] = place
    check_sources({name: SourceSettings.model_validate({"data": place}) for name, place in named.items()})
    return named


def _name_of(place: str, taken: Mapping[str, str]) -> str:
    """A name from the last part of a path or URL, with a number where another source has it."""
    last = re.split(r"[/\\]", place.split("?")[0].rstrip("/\\"))[-1]
    word = normal_name(re.sub(r"[.].*$", "", last)) or "source"
    word = word if re.match(r"[a-z]", word) and word not in RESERVED_SOURCE_NAMES else f"source_{word}"
    word = re.sub(r"[^a-z0-9_]", "", word)
    return next(name for name in (word, *(f"{word}_{number}" for number in range(2, 99))) if name not in taken)


def propose_sources(sources: Mapping[str, str], scratch: Path) -> list[SourceProposal]:
    """A proposal for each source, the source of the accounts first.

    Raises:
        UsageError: there is no such source, or none of them has accounts.
        DataGateError: no table of a source can be read, or none is recognised.
    """
    proposals = [_inspect(name, place, scratch / name) for name, place in sources.items()]
    keys: dict[str, list[AccountKey]] = {it.name: _account_keys(it) for it in proposals}
    owner = _owner(proposals, keys)
    derived = None
    if owner is None:
        options = ((it, derive_accounts(it.name, it.profiles)) for it in proposals)
        owner, derived = next(((it, made) for it, made in options if made is not None), (None, None))
        if owner is not None and derived is not None:
            keys[owner.name] = [derived[0]]
    if owner is None:
        every = ", ".join(f"{it.name}: {', '.join(it.profiles)}" for it in proposals)
        unread = "".join(f" {text}" for it in proposals for text in it.failures.values())
        raise UsageError(
            f"No table looks like accounts (an id or a unique name of each customer): {every}.{unread} Add the source "
            "that has them, or write a mapping (docs/sources.md)."
        )
    for proposal in proposals:
        if proposal.vendor is None and not proposal.own_tables:
            others = keys[owner.name] if proposal is not owner else []
            known = [*others, *keys[proposal.name]]
            proposal.proposed = propose_tables(proposal.name, proposal.profiles, known)
            if derived is not None and proposal is owner:
                proposal.proposed.tables.insert(0, derived[1])
            if not proposal.proposed.tables:
                raise DataGateError(_nothing_recognised(proposal, proposal.proposed.unused))
    return sorted(proposals, key=lambda it: it is not owner)


def _inspect(name: str, place: str, scratch: Path) -> SourceProposal:
    source = open_source(place)
    profiles, failures = profile_source(source, scratch)
    failures |= {it.file: f"{it.file} was not read: {it.reason}." for it in source.unread_files()}
    if not profiles:
        raise DataGateError(f"{place}: {' '.join(failures.values()) or 'it has no tables'}")
    proposal = SourceProposal(name, place, profiles, failures)
    ready = tuple(table for table, profile in profiles.items() if table in TABLES and _is_ready(table, profile))
    if ready and not any(table not in ready and _is_table(profiles[table]) for table in profiles):
        proposal.own_tables = ready
    else:
        proposal.vendor = find_vendor(profiles)
    return proposal


def _nothing_recognised(proposal: SourceProposal, unused: Sequence[tuple[str, str]]) -> str:
    """That no table of a source is one of the contract: the columns of each, and what is known of the reason."""
    columns = {table: f"columns {', '.join(profile.columns)}" for table, profile in proposal.profiles.items()}
    several = len(columns) > 1
    shown = "; ".join(f"{table}: {text}" if several else text for table, text in columns.items())
    why = "".join(f" {table}: {reason}." for table, reason in unused if not reason.startswith("none of its columns"))
    unread = "".join(f" {text}" for text in proposal.failures.values())
    place = "its tables" if "://" in proposal.data else proposal.data  # a URL may have a password
    return (
        f"{proposal.name}: nothing was recognised in {place} ({shown}).{why}{unread} Nothing was written: leave the "
        "source out, name its columns as in docs/data-contract.md, or write a mapping (docs/sources.md)."
    )


def _is_ready(table: str, profile: TableProfile) -> bool:
    """Whether a table has the contract's name and its required columns."""
    return set(TABLES[table].required) <= {name.lower() for name in profile.columns}


def _is_table(profile: TableProfile) -> bool:
    return profile.rows > 0 and profile.name in TABLES


def _account_keys(proposal: SourceProposal) -> list[AccountKey]:
    """By which values others may name the accounts of a source."""
    if proposal.vendor is None:
        return propose_accounts(proposal.name, proposal.profiles)
    names = {"account": "account", "sf_account_data": "account", "organization": "organization", "company": "company"}
    for table, profile in proposal.profiles.items():
        if table in proposal.vendor.tables and table.removesuffix("s").removesuffix("_data") in names:
            found = propose_accounts(proposal.name, {"accounts": profile})
            return [AccountKey(key.kind, key.source, table, key.profile, key.id_column) for key in found]
    return []


def _owner(proposals: Sequence[SourceProposal], keys: Mapping[str, Sequence[AccountKey]]) -> SourceProposal | None:
    """The source of the accounts: a CRM before others, then the first that has any."""
    crms = ("salesforce", "hubspot", "gainsight")
    candidates = [it for it in proposals if keys[it.name] or it.vendor or "accounts" in it.own_tables]
    for proposal in candidates:
        if proposal.vendor is not None and proposal.vendor.mapping.split("/")[0] in crms:
            return proposal
    named = [it for it in candidates if "accounts" in it.own_tables]
    with_names = [it for it in candidates if any(key.kind == "name" for key in keys[it.name])]
    return next(iter([*named, *with_names, *candidates]), None)
