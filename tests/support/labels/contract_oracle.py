"""The succession of contracts by the slowest honest road: read the rules aloud over the versions of one group.

Nothing here is shared with the code under test. A question is an instant: what was known before it, seen from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Version:
    """What our copy learned of a subscription at one instant."""

    subscription: str
    known: datetime
    started: datetime
    ended: datetime | None
    account: str = "a"
    replaces: str | None = None
    renews: datetime | None = None
    arr: float | None = None


@dataclass
class Contract:
    """One contract as known at a question; ``moved``: another account of the group continues it."""

    version: Version
    ends: datetime | None
    moved: bool = False

    @property
    def name(self) -> str:
        return self.version.subscription

    @property
    def starts(self) -> datetime:
        return self.version.started

    @property
    def replaces(self) -> str | None:
        return self.version.replaces

    def ends_after(self, instant: datetime) -> bool:
        return self.ends is None or self.ends > instant

    def runs(self, instant: datetime) -> bool:
        return self.starts < instant and (self.ends is None or self.ends >= instant)


@dataclass
class Book:
    """The contracts of one account as known before an instant."""

    versions: Sequence[Version]
    account: str
    instant: datetime
    grace: int
    group: Mapping[str, str]

    def __post_init__(self) -> None:
        newest: dict[str, Version] = {}
        for version in sorted(self.versions, key=lambda it: (it.known, it.ended is not None)):
            if version.known < self.instant:
                newest[version.subscription] = version
        everywhere = list(newest.values())
        self.contracts = [Contract(it, it.ended) for it in everywhere if it.account == self.account]
        self.named: dict[str, list[str]] = {}
        for contract in self.contracts:
            self._apply_replacements(contract, everywhere)

    def _apply_replacements(self, contract: Contract, everywhere: Sequence[Version]) -> None:
        successors = [it for it in everywhere if self._names(it, contract.version)]
        if not successors:
            return
        self.named[contract.name] = [it.subscription for it in successors]
        contract.moved = any(it.account != self.account for it in successors)
        if contract.version.ended is None:
            contract.ends = max(contract.starts, min(it.started for it in successors))

    def _names(self, other: Version, mine: Version) -> bool:
        """Whether the other contract says that it replaces mine, and can."""
        if other.replaces != mine.subscription or other.subscription == mine.subscription:
            return False
        if mine.replaces == other.subscription or other.started < mine.started:
            return False
        if other.account != self.account and self.group.get(other.account) != self.group.get(self.account):
            return False
        return other.ended is None or other.ended > (mine.ended or other.started)

    def stays(self) -> list[list[Contract]]:
        """The contracts that follow each other, joined."""
        stays: list[list[Contract]] = []
        for contract in sorted(self.contracts, key=lambda it: (it.starts, it.name)):
            named = any(contract.name in names for names in self.named.values())
            before = [it for stay in stays for it in stay]
            near = any(it.ends_after(contract.starts - timedelta(days=self.grace) - MOMENT) for it in before)
            if stays and (near or named):
                stays[-1].append(contract)
            else:
                stays.append([contract])
        return stays

    def present(self) -> list[Contract]:
        """The stay that runs at the instant, the days between two contracts included."""
        for stay in self.stays():
            if min(it.starts for it in stay) < self.instant and not _is_over(stay, self.instant):
                return stay
        return []

    def last(self) -> list[Contract]:
        """The last stay that is over."""
        over = [stay for stay in self.stays() if _is_over(stay, self.instant)]
        return max(over, key=_last_end, default=[])

    @property
    def status(self) -> str:
        if present := self.present():
            return "running" if _is_open(present) else "leaving"
        return "left" if self.last() and not _is_open(self.last()) else "none"

    @property
    def leaves_at(self) -> datetime | None:
        if self.status == "leaving":
            return _last_end(self.present())
        return _last_end(self.last()) if self.status == "left" else None

    def successors(self, contract: Contract, due: datetime | None) -> list[str]:
        """What continues a contract beyond its end, or beyond a renewal date that has passed."""
        if due is None:
            return []
        near = [
            it.name
            for it in self.contracts
            if it.name != contract.name
            and abs(it.starts - due) <= timedelta(days=self.grace)
            and it.ends_after(due)
            and (contract.ends is not None or it.starts > contract.starts)
        ]
        return sorted({*near, *self.named.get(contract.name, [])})


def _is_open(stay: Sequence[Contract]) -> bool:
    return any(it.ends is None or it.moved for it in stay)


def _last_end(stay: Sequence[Contract]) -> datetime:
    return max(it.ends for it in stay if it.ends)


def _is_over(stay: Sequence[Contract], instant: datetime) -> bool:
    return all(it.ends and it.ends < instant for it in stay)


def details(book: Book) -> dict[str, object]:
    """The answer of ``succession_at`` for the account, without what is only repeated in it."""
    present, instant = book.present(), book.instant
    due = {it.name: it.ends or _passed(it, instant) for it in book.contracts}
    follow = {it.name: book.successors(it, due[it.name]) for it in book.contracts}
    continuing = {name for names in follow.values() for name in names}
    running = [it for it in book.contracts if it.runs(instant)]
    lost = _lost(book, follow)
    going_on = [it for it in present if it.ends is None and (it.runs(instant) or it.name in continuing)]
    waiting = [it for it in present if it.starts >= instant and it.name in continuing]
    revenue = _sum(running or waiting)
    today = instant.date()
    dates = [it.version.renews.date() for it in going_on if it.version.renews]
    overdue = [
        it.version.renews.date()
        for it in going_on
        if it.version.renews and it.version.renews.date() < today and it.runs(instant) and not follow[it.name]
    ]
    partial = book.status == "running" and bool(lost)
    ending = _sum(lost)
    return {
        "status": book.status,
        "leaves_on": book.leaves_at.date() if book.leaves_at else None,
        "ending_revenue": ending,
        "partial_loss_share": ending / revenue if partial and ending is not None and revenue else None,
        "partial_loss_on": min(it.ends for it in lost if it.ends).date() if partial else None,
        "first_end": min((it.ends for it in lost if it.ends), default=instant).date() if lost else None,
        "renewal_date": min((day for day in dates if day >= today), default=None),
        "renewal_overdue_days": (today - min(overdue)).days if overdue else None,
        "revenue": revenue,
        "ending_subscriptions": sorted(it.name for it in lost) or None,
    }


def _passed(contract: Contract, instant: datetime) -> datetime | None:
    renews = contract.version.renews
    return renews if renews and renews < instant else None


def _lost(book: Book, follow: Mapping[str, list[str]]) -> list[Contract]:
    """The contracts that end, or have ended, and that nothing continues."""
    if book.status == "left":
        return [it for it in book.contracts if it.ends == book.leaves_at]
    if book.status == "leaving":
        return [it for it in book.present() if it.ends and it.ends >= book.instant and not follow[it.name]]
    ending = [it for it in book.contracts if it.runs(book.instant) and it.ends and not it.moved]
    return [it for it in ending if not follow[it.name]] if book.status == "running" else []


def _sum(contracts: Sequence[Contract]) -> float | None:
    known = [it.version.arr for it in contracts if it.version.arr is not None]
    return sum(known) if known else None
