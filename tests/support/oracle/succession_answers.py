"""The features of the succession of contracts, from its plain reading (``support.labels.contract_oracle``)."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from support.labels.contract_oracle import Book, Version, details

GRACE = 30
SUCCESSION_FEATURES = (
    "contract_renews_in_days",
    "contract_renewal_moved_60d",
    "contract_renewal_overdue_days",
    "contract_notices",
    "contract_notice_ends_in_days",
    "contract_partial_loss_share",
)


def succession_answers(tables: Mapping[str, pa.Table], account: str, cutoff: date) -> dict[str, object]:
    """The features of one account, by name."""
    answer = _details(tables, account, cutoff)
    before = _details(tables, account, cutoff - timedelta(days=60))
    now, then = _days_ahead(answer["renewal_date"], cutoff), _days_ahead(before["renewal_date"], cutoff)
    here = answer["status"] in ("running", "leaving")
    share = answer["partial_loss_share"]
    if answer["status"] == "running" and not answer["ending_subscriptions"]:
        share = 0.0
    return {
        "contract_renews_in_days": now,
        "contract_renewal_moved_60d": None if now is None or then is None else now - then,
        "contract_renewal_overdue_days": answer["renewal_overdue_days"],
        "contract_notices": len(answer["ending_subscriptions"] or ()) if here else 0,
        "contract_notice_ends_in_days": _days_ahead(answer["first_end"], cutoff) if here else None,
        "contract_partial_loss_share": share,
    }


def _days_ahead(day: date | None, cutoff: date) -> int | None:
    return None if day is None else (day - cutoff).days


def _details(tables: Mapping[str, pa.Table], account: str, cutoff: date) -> dict[str, Any]:
    instant = datetime.combine(cutoff, datetime.min.time())
    group = _groups(tables["accounts"].to_pylist(), instant)
    return details(Book(_versions(tables["subscriptions"]), account, instant, GRACE, group))


def _groups(accounts: list[dict[str, Any]], instant: datetime) -> dict[str, str]:
    known = [(row.get("known_at") or row["created_at"], row) for row in accounts]
    newest = {row["account_id"]: row for when, row in sorted(known, key=lambda it: it[0]) if when < instant}
    return {name: row["parent_id"] or name for name, row in newest.items()}


def _versions(subscriptions: pa.Table) -> list[Version]:
    versioned = "known_at" in subscriptions.column_names
    versions = []
    for row in subscriptions.to_pylist():
        learned = (
            [(row["known_at"] or row["started_at"], row["ended_at"])] if versioned else [(row["started_at"], None)]
        )
        if not versioned and row["ended_at"]:
            learned.append((row["ended_at"], row["ended_at"]))
        for known, ended in learned:
            versions.append(
                Version(
                    row["subscription_id"],
                    known,
                    row["started_at"],
                    ended,
                    row["account_id"],
                    row["replaces"],
                    row["renews_at"],
                    row["arr"],
                )
            )
    return versions
