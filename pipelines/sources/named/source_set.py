"""Several sources with names as one source: the contract's tables of all of them, with the account ids of one.

The accounts are those of the first source that has a table ``accounts``. The other sources give the other tables; the
companies that they name are matched with the accounts (``crosswalk``). A mapping over all sources may replace any
table; its queries name a source's own tables ``crm.account``, and the tables of its mapping ``crm.accounts``.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path

from features.contract import TABLES
from features.errors import DataGateError, RescueError, UsageError
from features.source_table import SourceTable
from pipelines.setting_sections.source_settings import SourceSettings
from pipelines.sources.base import Source, table_addresses
from pipelines.sources.files.folder_contents import UnreadFile
from pipelines.sources.mappings.mapping import CROSSWALK, MappedSource
from pipelines.sources.mappings.mapping_folder import MappingFolder
from pipelines.sources.named.account_ids import with_account_ids
from pipelines.sources.named.crosswalk import Companies, CrosswalkResult, match_companies
from pipelines.sources.named.freshness import refuse_stale
from pipelines.sources.named.joined_tables import join_tables, with_provenance

ACCOUNTS, LINKS = "accounts", "links"


@dataclass(frozen=True)
class NamedSource:
    """One of several sources: ``raw`` has its own tables, ``tables`` those of its mapping, or the same."""

    name: str
    settings: SourceSettings
    raw: Source
    mapped: Source

    @property
    def system(self) -> str:
        """Its name in the table ``links``: the setting, else the vendor of its mapping, else its own name."""
        vendor = self.mapped.mapping.system if isinstance(self.mapped, MappedSource) else ""
        return self.settings.system or vendor or self.name

    @cached_property
    def contract_tables(self) -> tuple[str, ...]:
        """Its tables that are in the contract."""
        return tuple(name for name in self.mapped.tables() if name in TABLES)

    @property
    def has_crosswalk(self) -> bool:
        """Whether it says by which names other systems know its companies."""
        if isinstance(self.mapped, MappedSource):
            return self.mapped.has_crosswalk
        return CROSSWALK in self.mapped.tables()


@dataclass(frozen=True)
class LeftOut:
    """A source that this night goes on without, why, and the tables that it would have given, where that is known."""

    source: str
    reason: str
    tables: tuple[str, ...] = ()


@dataclass(frozen=True)
class JointTables:
    """The tables of all sources under the names that a mapping over all of them uses."""

    members: Sequence[NamedSource]

    @property
    def name(self) -> str:
        """The names of the sources."""
        return ", ".join(member.name for member in self.members)

    title = name

    def tables(self) -> tuple[str, ...]:
        """``source.table`` of every source, its own tables and those of its mapping."""
        return tuple(self._places)

    def addresses(self, name: str) -> tuple[tuple[str, ...], ...]:
        """A table after the name of its source, and with its schema between the two."""
        member, source, table = self._places[name]
        return tuple((member.name, *parts) for parts in table_addresses(source, table))

    def unread_files(self) -> tuple[UnreadFile, ...]:
        """None: the sources report their own."""
        return ()

    def stage(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """The tables, under their names with the source."""
        staged: dict[str, SourceTable] = {}
        for member in self.members:
            for kind, source in (("raw", member.raw), ("mapped", member.mapped)):
                own = {
                    name: self._places[name][2]
                    for name in names
                    if self._places[name][0] is member and self._places[name][1] is source and name not in staged
                }
                tables = source.stage(list(own.values()), scratch / member.name / kind) if own else []
                for table in tables:
                    staged[f"{member.name}.{table.name}"] = replace(table, name=f"{member.name}.{table.name}")
        return [staged[name] for name in names if name in staged]

    def fingerprint(self) -> dict[str, str]:
        """Those of the sources, by ``source.table``."""
        prints = {(id(source), name): text for source in self._sources() for name, text in source.fingerprint().items()}
        return {name: prints.get((id(source), table), "") for name, (_, source, table) in self._places.items()}

    def _sources(self) -> list[Source]:
        return [source for member in self.members for source in (member.raw, member.mapped)]

    @cached_property
    def _places(self) -> dict[str, tuple[NamedSource, Source, str]]:
        places: dict[str, tuple[NamedSource, Source, str]] = {}
        for member in self.members:
            for source in (member.raw, member.mapped):
                places |= {f"{member.name}.{table}": (member, source, table) for table in source.tables()}
        return places


@dataclass(frozen=True)
class SourceSet:
    """The sources of a night, and the mapping over all of them, where there is one.

    ``tonight`` is the night's day where no one asked for it; a source with ``stale_after`` has to have newer rows.
    """

    members: tuple[NamedSource, ...]
    joint: MappingFolder | None = None
    tonight: date | None = None
    left_out: list[LeftOut] = field(default_factory=list)
    crosswalks: list[CrosswalkResult] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The sources, each with its name."""
        return ", ".join(f"{member.name} ({member.mapped.name})" for member in self.members)

    @property
    def title(self) -> str:
        """The names of the sources, and their own titles."""
        return ", ".join(f"{member.name} ({member.mapped.title})" for member in self.members)

    def tables(self) -> tuple[str, ...]:
        """The contract's tables of all sources; without a mapping over all of them, also those of no contract."""
        names = dict.fromkeys(self._joint.tables() if self._joint else ())
        for member in self.members:
            names |= dict.fromkeys(member.contract_tables)
        if any(ACCOUNTS in member.contract_tables for member in self.members if member is not self._owner()):
            names |= {LINKS: None}  # of the companies that match
        if self._joint is None:
            for member in self.members:
                unknown = (name for name in member.mapped.tables() if name not in TABLES and name != CROSSWALK)
                names |= dict.fromkeys(unknown)
        return tuple(names)

    def unread_files(self) -> tuple[UnreadFile, ...]:
        """Those of every source, with its name."""
        return tuple(
            UnreadFile(f"{member.name}: {unread.file}", unread.reason)
            for member in self.members
            for unread in member.mapped.unread_files()
        )

    def fingerprint(self) -> dict[str, str]:
        """Those of every source, by ``source.table``, and that of the mapping over all of them."""
        prints = {
            f"{member.name}.{table}": text
            for member in self.members
            for table, text in member.mapped.fingerprint().items()
        }
        return prints | (self._joint.fingerprint() if self._joint else {})

    def stage(self, names: Sequence[str], scratch: Path) -> list[SourceTable]:
        """The tables of all sources as one table each, their companies replaced by accounts."""
        scratch.mkdir(parents=True, exist_ok=True)
        joint = [name for name in names if self._joint and name in self._joint.tables()]
        done = {table.name: table for table in self._joint.stage(joint, scratch / "joint")} if self._joint else {}
        parts: dict[str, list[SourceTable]] = {name: [] for name in names if name not in done}
        owner = self._owner()
        accounts = done.get(ACCOUNTS)
        companies = Companies(accounts) if accounts is not None else None
        for member in sorted(self.members, key=lambda member: member is not owner):
            wanted = [name for name in parts if name in member.mapped.tables() and self._gives(member, name)]
            try:
                companies, own = self._stage_member(member, wanted, companies, scratch / member.name)
            except DataGateError as error:
                self._leave_out(member, str(error))
                continue
            for table in own:
                if table.name in parts:
                    parts[table.name].append(table)
        joined = {name: join_tables(name, tables, scratch / "joined") for name, tables in parts.items() if tables}
        return [_labelled(table) for name in names for table in [(done | joined).get(name)] if table is not None]

    def _stage_member(
        self, member: NamedSource, wanted: list[str], companies: Companies | None, scratch: Path
    ) -> tuple[Companies | None, list[SourceTable]]:
        """The tables of one source with the ids of accounts; and the companies of the source of accounts."""
        of_accounts = [name for name in wanted if name in TABLES and "account_id" in TABLES[name].names]
        owns = member is self._owner()
        extra = [ACCOUNTS] if ACCOUNTS in member.mapped.tables() and (owns or of_accounts) else []
        extra += [LINKS] if LINKS in member.mapped.tables() and not owns and of_accounts else []
        extra += [CROSSWALK] if member.has_crosswalk and (of_accounts or owns) else []
        every = list(dict.fromkeys([*wanted, *extra]))
        staged = {table.name: table for table in member.mapped.stage(every, scratch / "own")} if every else {}
        if self.tonight is not None and member.settings.stale_after is not None:
            refuse_stale(member.name, member.settings.stale_after, self.tonight, list(staged.values()))
        own = Companies(staged.get(ACCOUNTS), staged.get(CROSSWALK))
        tables = [staged[name] for name in wanted if name in staged]
        if companies is not None and not owns and of_accounts:
            tables = self._with_accounts(member, tables, own, companies, scratch)
        earlier = self._earlier(member)
        tables = [with_provenance(table, member.name, earlier, scratch / "whole") for table in tables]
        return own if owns else companies, tables

    def _with_accounts(
        self, member: NamedSource, tables: list[SourceTable], own: Companies, owner: Companies, scratch: Path
    ) -> list[SourceTable]:
        """The tables with the ids of accounts in place of those of companies.

        Raises:
            DataGateError: too few of the companies match an account.
        """
        scratch.mkdir(parents=True, exist_ok=True)
        target = scratch / "crosswalk.parquet"
        named = [table for table in tables if "account_id" in TABLES[table.name].names]
        links = [link for link in (self._links(other, scratch) for other in self.members) if link is not None]
        result = match_companies(member.name, member.settings, member.system, named, own, owner, links, target)
        if result.share < member.settings.least_matched:
            self.crosswalks.append(result)
            how = (
                f" Set how they are matched: `match_by` in [sources.{member.name}], or a table `links` with their ids."
            )
            near = f" {near_text(result)}" if result.near else how
            raise DataGateError(
                f"{member.name}: only {result.matched:,} of {result.companies:,} companies ({result.share:.0%}) match "
                f"an account of {self._accounts_place()}, less than least_matched = "
                f"{member.settings.least_matched:g}.{near}"
            )
        if result.same_ids:
            self.crosswalks.append(result)
            return tables  # the contract's rule for unknown accounts applies to the rest
        tables, left = with_account_ids(tables, own, target, member.system, scratch / "matched")
        self.crosswalks.append(_with_rows(result, left))
        return tables

    def _links(self, member: NamedSource, scratch: Path) -> SourceTable | None:
        if LINKS not in member.mapped.tables() or (self._owner() is not member and ACCOUNTS in member.mapped.tables()):
            return None
        return next(iter(member.mapped.stage([LINKS], scratch / f"links.{member.name}")), None)

    def _gives(self, member: NamedSource, name: str) -> bool:
        """Whether a source gives a table: of accounts only the one that owns them."""
        return name != ACCOUNTS or member is self._owner()

    def _owner(self) -> NamedSource | None:
        if self._joint is not None and ACCOUNTS in self._joint.tables():
            return None
        return next((member for member in self.members if ACCOUNTS in member.mapped.tables()), None)

    def _accounts_place(self) -> str:
        owner = self._owner()
        return owner.name if owner else "the mapping"

    def _earlier(self, member: NamedSource) -> frozenset[str]:
        """The tables that a source before this one gives, too."""
        before = self.members[: self.members.index(member)]
        return frozenset(name for other in before for name in other.contract_tables)

    def _leave_out(self, member: NamedSource, reason: str) -> None:
        """Go on without a source where its settings say so.

        Raises:
            DataGateError: they say to stop, or the accounts come from it.
        """
        text = reason if reason.startswith(f"{member.name}:") else f"{member.name}: {reason}"
        if member.settings.when_missing == "stop" or member is self._owner():
            raise DataGateError(text)
        self.left_out.append(LeftOut(member.name, text, member.contract_tables))

    @cached_property
    def _joint(self) -> MappedSource | None:
        return MappedSource(JointTables(self.members), self.joint) if self.joint else None


def near_text(result: CrosswalkResult) -> str:
    """The nearest of the companies without an account, as a sentence."""
    first = result.near[0]
    called = f" ({first.name})" if first.name else ""
    return f"Nearest: {first.company}{called}, perhaps {' or '.join(first.accounts)}: {first.reason}."


def refuse_missing_source(name: str, settings: SourceSettings, error: RescueError, gives_accounts: bool) -> LeftOut:
    """A source that cannot be opened as one that is left out, where its settings say so.

    Raises:
        DataGateError: they say to stop, or the accounts may come from it.
    """
    reason = f"{name}: {error}"
    if settings.when_missing == "stop" or gives_accounts:
        if isinstance(error, UsageError):
            raise UsageError(reason)
        raise DataGateError(reason)
    return LeftOut(name, reason)


def _with_rows(result: CrosswalkResult, left: dict[str, int]) -> CrosswalkResult:
    return replace(result, rows_left_out={name: rows for name, rows in left.items() if rows})


def _labelled(table: SourceTable) -> SourceTable:
    """The table with a fingerprint for each file, so that a table that is the same as last night is not read again."""
    prints = dict(table.fingerprints)
    for file in table.files:
        if file not in prints:
            prints[file] = _digest(Path(file))
    labels = {file: table.labels.get(file, file) for file in table.files}
    return replace(table, fingerprints=prints, labels=labels)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "blake2b").hexdigest()
