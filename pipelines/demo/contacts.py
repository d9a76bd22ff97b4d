"""Tables of the source that the simulator does not write: people at each customer, and links to its records."""

from collections.abc import Mapping
from datetime import datetime
from random import Random

import pyarrow as pa

GIVEN = ("Alma", "Bruno", "Clara", "Derya", "Emil", "Fatima", "Georg", "Hanna", "Ivo", "Jana", "Kamal", "Lotte")
FAMILY = ("Adler", "Brandt", "Costa", "Dubois", "Eriksen", "Fontana", "Gruber", "Haddad", "Ivanova", "Jensen", "Keller")
SYSTEMS = (("crm", "crm.northwind.example/accounts"), ("help desk", "help.northwind.example/organizations"))
ROLES = ("champion", "sponsor")


def contacts_table(names: Mapping[str, str], seed: int, known_at: datetime) -> pa.Table:
    """Two people at each account, with mail addresses and telephone numbers that belong to nobody."""
    rows = []
    for account, name in sorted(names.items()):
        random = Random(f"contacts|{seed}|{account}")  # noqa: S311 - a demo guards nothing
        domain = "".join(char for char in name.lower() if char.isalnum())
        for place, role in enumerate(ROLES):
            given, family = random.choice(GIVEN), random.choice(FAMILY)
            rows.append(
                {
                    "contact_id": f"{account}-p{place}",
                    "account_id": account,
                    "name": f"{given} {family}",
                    "role": role,
                    "email": f"{given}.{family}@{domain}.example".lower(),
                    "phone": f"+49 30 555 {random.randint(1000, 9999)}",
                    "left_at": None,
                    "known_at": known_at,
                }
            )
    instant = pa.timestamp("us")
    kinds = {"left_at": instant, "known_at": instant}
    columns = ("contact_id", "account_id", "name", "role", "email", "phone", "left_at", "known_at")
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, kinds.get(name, pa.string())) for name in columns]))


def links_table(names: Mapping[str, str], known_at: datetime) -> pa.Table:
    """The record of each account in the CRM and in the help desk."""
    rows = [
        {"account_id": account, "system": system, "external_id": account, "url": f"https://{host}/{account}"}
        for account in sorted(names)
        for system, host in SYSTEMS
    ]
    table = pa.Table.from_pylist(rows)
    return table.append_column("known_at", pa.array([known_at] * table.num_rows, pa.timestamp("us")))
