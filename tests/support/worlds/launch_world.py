"""A simulated launch: a new feature, tickets about it in four languages, signals, and which failure each one is about.

Two failures are technical (payments time out, taxes are wrong) and send signals; one is a question of use. The rest of
the tickets about the feature have nothing in common, and other tickets are not about it at all.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.simulator.activity.phrases import PROBLEMS, THINGS
from support.worlds import launch_phrases as phrases

START: Final = datetime.fromisoformat("2026-03-02T08:00:00")
CLUSTERS: Final = {"payment": phrases.PAYMENT, "tax": phrases.TAX, "enable": phrases.ENABLE}
"""The planted failures; the last one is a question of use."""

LAUNCH = """
[launches.checkout]
start = 2026-03-02T08:00:00Z
terms = ["Express Checkout"]
product = "express-checkout"
skill = "support"
technical = "technical"
specialist = "adoption"
"""
"""The section of a policy about it."""

NO_FAILURE: Final = "noise"
CODES: Final = {"payment": ("PAY-504", "gateway_timeout"), "tax": ("TAX-219", "tax_mismatch")}
"""By technical failure: the code that customers mention, and the code of its signals."""

LANGUAGE_SHARES: Final = (0.55, 0.2, 0.14, 0.11)
CODE_SHARE: Final = 0.4
OTHER_SUBJECTS: Final = ("access", "integration", "feature", "complaint")
SAID_BY_ONE: Final = 0.7
"""Share of the noise that is a sentence about some other part of the product."""


@dataclass(frozen=True)
class LaunchSettings:
    """How large the launch is.

    ``tickets`` are those of the first 48 hours about the feature, ``noise`` the share of them that is about none of the
    failures, ``days`` how long the data go on. As many other tickets are opened.
    """

    tickets: int = 160
    noise: float = 0.25
    days: int = 8
    accounts: int = 120
    seed: int = 7


@dataclass(frozen=True)
class LaunchWorld:
    """The tables by name, and the failure that each ticket about the feature is about."""

    tables: dict[str, pa.Table]
    truth: dict[str, str]


def simulate_launch(settings: LaunchSettings) -> LaunchWorld:
    """Simulate a launch; the same settings give the same tables."""
    rng = np.random.default_rng(settings.seed)
    accounts = [f"A-{number:04d}" for number in range(settings.accounts)]
    rows: list[dict[str, Any]] = []
    signals: list[dict[str, Any]] = []
    truth: dict[str, str] = {}
    hours = _hours(rng, settings)
    for number, hour in enumerate(sorted(hours)):
        ticket, at = f"T-{number:05d}", START + timedelta(hours=float(hour))
        about = NO_FAILURE if rng.random() < settings.noise else str(rng.choice(list(CLUSTERS), p=(0.4, 0.25, 0.35)))
        account = str(rng.choice(accounts))
        truth[ticket] = about
        rows.append({"ticket_id": ticket, "account_id": account, "opened_at": at, **_text(rng, about)})
        signals += _signals(rng, about, account, at)
    rows += _other_tickets(rng, settings, accounts, len(hours))
    return LaunchWorld(_tables(rows, signals, accounts, settings), truth)


def write_launch(settings: LaunchSettings, folder: Path) -> LaunchWorld:
    """Simulate a launch and write its tables as Parquet files."""
    world = simulate_launch(settings)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in world.tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return world


def _hours(rng: np.random.Generator, settings: LaunchSettings) -> list[float]:
    """When tickets about the feature are opened, in hours after the start: as many a day later on, slowly fewer."""
    first = rng.uniform(0, 48, settings.tickets)
    days = settings.days - 2
    later = rng.uniform(48, 24 * settings.days, int(settings.tickets / 2 * days * 0.6))
    return [*first.tolist(), *later.tolist()]


def _text(rng: np.random.Generator, about: str) -> dict[str, str]:
    language = str(rng.choice(phrases.LAUNCH_LANGUAGES, p=LANGUAGE_SHARES))
    sentences = (_noise(rng),) if about == NO_FAILURE else CLUSTERS[about][language]
    code = f" ({CODES[about][0]})" if about in CODES and rng.random() < CODE_SHARE else ""
    sentence = _of(rng, sentences).format(
        feature=phrases.FEATURE,
        code=code,
        browser=_of(rng, phrases.BROWSERS),
        amount=f"{int(rng.integers(12, 900))} EUR",
    )
    body = " ".join(
        part for part in (_of(rng, phrases.OPENINGS[language]), _of(rng, phrases.ENDINGS[language])) if part
    )
    if rng.random() < 0.5:  # the problem stands in the subject, or in the body only
        return {"subject": sentence[0].upper() + sentence[1:], "body": body}
    return {"subject": phrases.FEATURE, "body": f"{body} {sentence}"}


def _noise(rng: np.random.Generator) -> str:
    """Something about the feature that hardly anybody else says."""
    if rng.random() < SAID_BY_ONE:
        return f"{{feature}}: {_of(rng, PROBLEMS[_of(rng, OTHER_SUBJECTS)]).format(_of(rng, THINGS))}"
    return _of(rng, phrases.OTHER_SENTENCES)


def _signals(rng: np.random.Generator, about: str, account: str, at: datetime) -> list[dict[str, Any]]:
    """What the product reported of a technical failure around its ticket, and now and then something unrelated."""
    found = []
    if about in CODES and rng.random() < 0.8:
        for _ in range(int(rng.integers(2, 9))):
            moment = at - timedelta(minutes=float(rng.uniform(0, 40)))
            found.append(_signal(moment, account, CODES[about][1]))
    if rng.random() < 0.1:
        found.append(_signal(at - timedelta(minutes=float(rng.uniform(0, 600))), account, "cache_miss"))
    return found


def _signal(at: datetime, account: str, code: str) -> dict[str, Any]:
    return {
        "occurred_at": at,
        "source": "shop",
        "kind": "error",
        "product": "express-checkout",
        "code": code,
        "account_id": account,
    }


def _other_tickets(
    rng: np.random.Generator, settings: LaunchSettings, accounts: list[str], count: int
) -> list[dict[str, Any]]:
    categories = list(PROBLEMS)
    rows = []
    for number in range(count):
        at = START + timedelta(hours=float(rng.uniform(-240, 24 * settings.days)))
        text = _of(rng, PROBLEMS[_of(rng, tuple(categories))]).format(_of(rng, THINGS))
        rows.append(
            {
                "ticket_id": f"O-{number:05d}",
                "account_id": _of(rng, tuple(accounts)),
                "opened_at": at,
                "subject": text[0].upper() + text[1:],
                "body": "",
            }
        )
    return rows


def _tables(
    rows: list[dict[str, Any]], signals: list[dict[str, Any]], accounts: list[str], settings: LaunchSettings
) -> dict[str, pa.Table]:
    created = START - timedelta(days=400)
    tickets = pa.Table.from_pylist(sorted(rows, key=lambda row: (row["opened_at"], row["ticket_id"])))
    until = START + timedelta(days=settings.days)
    solved = [
        {"ticket_id": row["ticket_id"], "occurred_at": row["opened_at"] + timedelta(hours=30), "kind": "solved"}
        for row in rows
        if int(row["ticket_id"][2:]) % 3 == 0 and row["opened_at"] + timedelta(hours=30) < until
    ]
    ordered = sorted(signals, key=lambda row: row["occurred_at"])
    numbered = [{"signal_id": f"S-{number:06d}", **row} for number, row in enumerate(ordered)]
    return {
        "accounts": pa.table({"account_id": accounts, "created_at": [created] * len(accounts)}),
        "tickets": tickets,
        "ticket_events": pa.Table.from_pylist(sorted(solved, key=lambda row: (row["occurred_at"], row["ticket_id"]))),
        "signals": pa.Table.from_pylist(numbered),
    }


def _of(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[int(rng.integers(len(choices)))]
