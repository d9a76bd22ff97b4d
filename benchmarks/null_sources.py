"""Whole sources without signal, through `rescue backtest`: how often is a signal reported?

    python benchmarks/null_sources.py [--draws 2] [--first 0] [--world NAME] [--accounts 400] [--months 15]

Writes accounts, subscriptions or invoices, usage, health scores and tickets of customers to whom things happen at one
rate for all, and prints for each risk what the backtest says. Two kinds of source: month-to-month subscriptions that
end at random (churn by contract), and purchases without memory (churn by silence). In both, tickets escalate at random
when they are opened, so escalation is the third kind of label. Nothing known tells one account's next event from
another's: no renewal dates, no open tickets that may still escalate, no recency that matters. What differs between the
worlds is what changes over time or stays with an account.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

WORLDS = ("growth", "season", "segment mix", "base rate", "ages", "persistent", "few events", "ties")
SOURCES = ("contract", "silence")
FIRST = np.datetime64("2024-01-01")
WEEK = np.timedelta64(7, "D")


@dataclass
class NullSource:
    """A source as it is written, a week at a time."""

    world: str
    kind: str
    rng: np.random.Generator
    accounts: int
    weeks: int
    tables: dict[str, list[pd.DataFrame]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Simulate, and write one CSV a table and the settings."""
        born = self._births()
        level = np.exp(self.rng.normal(0, 1.2 if self.world == "persistent" else 0.5, self.accounts))
        mix = np.linspace(0.1, 0.9, self.accounts) if self.world == "segment mix" else np.full(self.accounts, 0.5)
        names = np.array([f"A{number:04}" for number in range(self.accounts)])
        segment = np.where(self.rng.random(self.accounts) < mix, "enterprise", "smb")
        created = self._moment(born)
        self._add("accounts", account_id=names, created_at=created, segment=segment)
        ended = np.full(self.accounts, self.weeks)
        mood = self.rng.normal(size=self.accounts)
        for week in range(self.weeks):
            running = (born <= week) & (week < ended)
            if self.kind == "contract":
                ended[running & (self.rng.random(self.accounts) < self._hazard(week))] = week + 1
            mood = 0.9 * mood + 0.4 * self.rng.normal(size=self.accounts)
            self._live(names[running], week, level[running], mood[running])
        if self.kind == "contract":
            left = np.where(ended < self.weeks, self._moment(ended).astype(str), "")
            seats = self.rng.integers(5, 80, self.accounts)
            self._add(
                "subscriptions",
                subscription_id=np.char.add("S", names),
                account_id=names,
                plan="pro",
                seats=seats,
                arr=seats * 120,
                started_at=created,
                ended_at=left,
            )
        for name, parts in self.tables.items():
            pd.concat(parts).to_csv(folder / f"{name}.csv", index=False)
        silence = '[risks.churn]\nkind = "silence"\nactive_on = ["invoices"]\nhorizon = 90\nactive = 180\n'
        (folder / "rescue.toml").write_text(silence if self.kind == "silence" else "")

    def _births(self) -> NDArray[np.int64]:
        if self.world in {"growth", "segment mix"}:
            return np.sort(self.rng.integers(0, self.weeks - 20, self.accounts))
        if self.world == "ages":
            return self.rng.integers(-100, self.weeks - 26, self.accounts)
        return np.zeros(self.accounts, dtype=int)

    def _hazard(self, week: int) -> float:
        """A week's chance to leave, the same for all."""
        base = 0.0004 if self.world == "few events" else 0.006
        return base * self._trend(week)

    def _trend(self, week: int) -> float:
        if self.world in {"growth", "segment mix"}:
            return float(2.5 * np.exp(-2 * week / self.weeks))
        if self.world == "base rate":
            return 0.5 if week < 0.6 * self.weeks else 2.5
        return float(1 + 0.9 * np.sin(week / 26 * 2 * np.pi)) if self.world == "season" else 1.0

    def _live(self, names: NDArray[np.str_], week: int, level: NDArray[np.float64], mood: NDArray[np.float64]) -> None:
        """One week of the running accounts."""
        if self.kind == "silence":
            bought = self.rng.random(len(names)) < (
                0.3 if self.world == "few events" else 0.13 / self._trend(week) ** 0.5
            )
            number = np.char.add(names[bought], f"-{week}")
            self._add(
                "invoices",
                invoice_id=number,
                account_id=names[bought],
                issued_at=self._at(week, bought.sum()),
                amount=100,
            )
        used = self.rng.poisson(level * (0.3 if self.world == "ties" else 12))
        some = used > 0
        self._add(
            "usage_daily",
            account_id=names[some],
            day=self._at(week, some.sum()).astype("datetime64[D]"),
            feature=self.rng.choice(["reports", "export", "api"], some.sum()),
            events=used[some],
            users=1 + used[some] // 5,
        )
        if week % 2 == 0 and self.world != "ties":
            score = np.clip(60 + 15 * mood, 0, 100).round()
            self._add(
                "health_scores", account_id=names, measured_at=self._at(week, len(names)), score=score, source="crm"
            )
        opened = self.rng.random(len(names)) < 0.15
        ids, at = np.char.add(names[opened], f"-T{week}"), self._at(week, opened.sum())
        self._add("tickets", ticket_id=ids, account_id=names[opened], opened_at=at, priority="normal")
        share = min(1.0, (0.01 if self.world == "few events" else 0.12) * self._trend(week))
        escalated = self.rng.random(len(ids)) < share
        hour, day = np.timedelta64(1, "h"), np.timedelta64(1, "D")
        self._add(
            "ticket_events", ticket_id=ids[escalated], occurred_at=at[escalated] + hour, kind="escalated", value=""
        )
        self._add("ticket_events", ticket_id=ids, occurred_at=at + day, kind="status", value="solved")

    def _moment(self, week: NDArray[np.int64]) -> NDArray[np.datetime64]:
        seconds = self.rng.integers(0, 7 * 86_400, len(week))
        return (FIRST + week * WEEK).astype("datetime64[s]") + seconds

    def _at(self, week: int, count: int) -> NDArray[np.datetime64]:
        return self._moment(np.full(int(count), week))

    def _add(self, table: str, **columns: object) -> None:
        self.tables.setdefault(table, []).append(pd.DataFrame(columns))


def backtest(source: NullSource) -> dict[str, dict[str, object]]:
    """What ``rescue backtest --json`` says of each risk of the source."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        source.write(folder)
        command = [sys.executable, "-m", "pipelines", "backtest", "--data", str(folder), "--json"]
        environment = os.environ | {"RESCUE_CONFIG": str(folder / "rescue.toml"), "RESCUE_HOME": str(folder / "home")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    risks: dict[str, dict[str, object]] = json.loads(done.stdout)["risks"]
    return risks


def main() -> None:
    """Run every world and print a line a risk."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--world", choices=WORLDS, action="append")
    parser.add_argument("--accounts", type=int, default=400)
    parser.add_argument("--months", type=int, default=15)
    given = parser.parse_args()
    evaluated = signals = leads = 0
    for world in given.world or WORLDS:
        for kind in SOURCES:
            for seed in range(given.first, given.first + given.draws):
                rng = np.random.default_rng([seed, WORLDS.index(world), SOURCES.index(kind)])
                begun = time.perf_counter()
                risks = backtest(NullSource(world, kind, rng, given.accounts, round(given.months * 4.35)))
                for name, found in risks.items():
                    evaluated, signals = evaluated + 1, signals + bool(found["signal"])
                    leads += bool(found["lead"] and found["lead"]["shown"])  # type: ignore[index]
                    print(
                        _line(world, f"{kind}: {name}", seed, found),
                        f"({time.perf_counter() - begun:.0f} s)",
                        flush=True,
                    )
    print(f"{evaluated} evaluations: {signals} with a signal, {leads} with a lead over every baseline.")


def _line(world: str, risk: str, seed: int, found: dict[str, object]) -> str:
    verdict, overall = found["verdict"]["parameters"], found["overall"]  # type: ignore[index]
    auc, events = verdict["auc"], overall["events"]  # type: ignore[index]
    text = "SIGNAL" if found["signal"] else "no signal"
    p = verdict.get("p_value")
    interval = "–" if auc["low"] is None else f"{auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}]"
    return f"{world}, {risk}, {seed}: {text}, {found['kind']}, {events} events, AUC {interval}, p = {p or 1:.3f}"


if __name__ == "__main__":
    main()
