"""The people at each account, and the accounts that have left, as one night's data have them."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.orm import Session

from serving.policy.state.case_status import ContractStatus
from serving.store import bulk
from serving.store.casework.casework_tables import AccountContact

CONTACT_COLUMNS = ("account_id", "contact_id", "name", "role", "mail", "phone")


def save_contacts(session: Session, contacts: pa.Table | None) -> None:
    """Replace the people at all accounts; a night whose source has no table of them leaves nobody."""
    kinds = [(name, pa.string()) for name in CONTACT_COLUMNS]
    rows = contacts.select(CONTACT_COLUMNS) if contacts is not None else pa.schema(kinds).empty_table()
    bulk.replace(session, AccountContact.__table__, rows.sort_by([("account_id", "ascending")]))


def left_accounts(accounts: pa.Table, night: date) -> Mapping[str, date]:
    """The accounts whose contracts have ended, with the day; ``accounts`` is the policy's table of candidates."""
    if not {"contract_status", "leaves_in"} <= set(accounts.column_names):
        return {}
    left = pc.equal(accounts["contract_status"], str(ContractStatus.LEFT))
    return dict(_days(accounts.select(["account_id", "leaves_in"]).filter(left), night))


def running_accounts(accounts: pa.Table, among: Collection[str]) -> frozenset[str]:
    """Those ``among`` the accounts whose contract goes on, neither ended nor cancelled."""
    if "contract_status" not in accounts.column_names:
        return frozenset()
    wanted = pc.is_in(accounts["account_id"], value_set=pa.array(sorted(among), pa.string()))
    running = pc.and_(wanted, pc.equal(accounts["contract_status"], str(ContractStatus.RUNNING)))
    return frozenset(accounts.select(["account_id"]).filter(running)["account_id"].to_pylist())


def _days(left: pa.Table, night: date) -> Iterator[tuple[str, date]]:
    """Each account with the day; where the day is not known, it is that of the night."""
    days = pc.fill_null(left["leaves_in"].cast(pa.int32(), safe=False), 0)
    for account, ahead in zip(left["account_id"].to_pylist(), days.to_pylist(), strict=True):
        yield account, night + timedelta(days=ahead)
