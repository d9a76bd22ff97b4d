"""From scores to what the night will write: the decision, its reasons, and one frozen hand-off a case.

Exact reasons take long, so only accounts that the policy may raise are explained, and counterfactuals are computed only
for accounts that it does raise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.monitoring.feed_freshness import newest_known
from pipelines.night.candidate_table import build_candidates
from pipelines.night.gather_facts import HandoffContext, gather_facts
from pipelines.night.known_rows import FactTables, account_contacts
from pipelines.night.uplift_scores import NO_UPLIFT, UpliftModels, score_uplift
from serving.contracts import Lane
from serving.handoff.build_package import build_package
from serving.handoff.facts import HorizonPoint, RiskPoint
from serving.handoff.package import Handoff
from serving.night_report.report_schema import (
    DecisionReport,
    NightReport,
    RiskWithoutRules,
    UnknownPolicyName,
    UpliftNotUsed,
)
from serving.nights.account_risks import CURVES, curve_texts
from serving.nights.case_updates import Package
from serving.nights.record_night import NightRecord
from serving.policy.decision.decide import decide_with_reasons, scored_risks
from serving.policy.definition.default_rules import find_risks_without_rules
from serving.policy.definition.unknown_names import find_unknown_names
from serving.store.queries import night_queries

if TYPE_CHECKING:
    from features.history.history import History
    from models.contracts import Change, Reason
    from models.learners.risk_model import RiskModel
    from models.registry.registry import Champion
    from pipelines.night.scoring import NightScores
    from serving.contracts import Flag
    from serving.policy.decision.decide import Policy
    from serving.policy.state.case_status import LiveFigures
    from serving.policy.state.queue_state import Decision, QueueState
    from serving.store import Store

_T = TypeVar("_T")
Reasons = Mapping[tuple[str, str], "tuple[Reason, ...]"]
Changes = Mapping[tuple[str, str], "tuple[Change, ...]"]
MOST_CURVES = 20_000
"""So many accounts of each risk get a curve by horizon, those with the highest probability."""
CAUSE = ("contract_notice",)
"""How the features begin that say again what the case of an account that leaves is about."""
PAST_NIGHTS = 60
"""So many earlier nights of a risk go into a hand-off."""


@dataclass(frozen=True)
class NightDecision:
    """The decision with reasons in its flags, and everything that is to be recorded with it."""

    decision: Decision
    policy: Policy
    scores: pa.Table
    candidates: pa.Table
    packages: Mapping[tuple[str, str], Package]
    channels: tuple[str, ...]
    uplift: UpliftModels = NO_UPLIFT
    curves: Callable[[], pa.Table] | None = None
    contacts: pa.Table | None = None

    @property
    def warnings(self) -> tuple[UnknownPolicyName | RiskWithoutRules | UpliftNotUsed, ...]:
        """Segments and regions of the policy that no account has, scored risks that it has no rules for, and risks that
        are ranked by plain risk although it asks for the uplift.
        """
        columns = (self.candidates.column(name).to_pylist() for name in ("segment", "region"))
        without_rules = find_risks_without_rules(self.policy.rules, scored_risks(self.candidates))
        return (*find_unknown_names(self.policy.rules, *columns), *without_rules, *self.uplift.warnings)

    def report(self) -> DecisionReport:
        """The part of the night's report about the decision."""
        counts = self.decision.counts
        return DecisionReport(
            accounts=counts.accounts,
            flagged=counts.flagged,
            raised_again=counts.raised_again,
            waiting=counts.waiting,
            held_out=counts.held_out,
            exempted=counts.exempted,
            suppressed=dict(counts.suppressed_by_code),
            detected=dict(counts.detected),
            enter={risk: rule.enter for risk, rule in self.policy.rules.risks.items()},
            triggers=dict(counts.triggers),
            cancellations=counts.cancellations,
            partial_losses=counts.partial_losses,
            excluded=dict(counts.excluded),
        )

    def record(self, report: NightReport) -> NightRecord:
        """What the night's one transaction writes."""
        return NightRecord(
            decision=self.decision,
            rules=self.policy.rules,
            scores=self.scores,
            accounts=self.candidates,
            handoffs=self.packages,
            channels=self.channels,
            report=report,
            curves=self.curves,
            contacts=self.contacts,
        )


@dataclass(frozen=True)
class DecisionContext:
    """What a decision needs beside the scores: the data, the policy, the queue, and the models that scored."""

    history: History
    as_of: date
    policy: Policy
    store: Store
    champions: Mapping[str, Champion]
    channels: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    competitors: tuple[str, ...] = ()
    uplift: UpliftModels = NO_UPLIFT


def decide_night(context: DecisionContext, frame: pa.Table, scored: NightScores) -> NightDecision:
    """Decide the night, explain the accounts that it raises, and freeze a hand-off for each."""
    from models.explain.counterfactuals import counterfactuals
    from models.explain.event_rarity import EventRarity
    from models.explain.reasons import explain, leading_groups

    rarity = scored.rarity or EventRarity.of(frame)
    conditions = context.policy.conditions
    with ThreadPoolExecutor(2) as others:  # the decision is made by one thread; the rest uses the other cores
        reading = others.submit(_queue_before, context)
        rows = build_candidates(
            context.history,
            frame,
            scored.scores,
            context.competitors,
            needed=conditions.columns,
            tickets=conditions.tickets,
        )
        rows, uplift = score_uplift(rows, scored, context.uplift)
        context = replace(context, uplift=uplift)

        def explain_night(model: RiskModel, accounts: pa.Table, **needed: Any) -> list[tuple[Reason, ...]]:
            return explain(model, _with_currency(accounts, rows), rarity, **needed)

        def first_groups(accounts: Sequence[str]) -> dict[tuple[str, str], str | None]:
            return _by_account(context, scored, accounts, partial(leading_groups, rarity=rarity))

        decision = decide_with_reasons(rows, reading.result(), context.policy, context.as_of, first_groups)
        raised = [*decision.flags, *(again.flag for again in decision.raised_again)]
        accounts = sorted({flag.account_id for flag in raised})
        facts = others.submit(FactTables.read, context.history.as_of(context.as_of), accounts) if accounts else None
        reasons = _by_account(context, scored, accounts, explain_night)
        live = _reasons_of_live(context, scored, decision.live, explain_night)
        at_risk = [flag.account_id for flag in raised if flag.lane is not Lane.LEAVING]  # a notice has no "what if"
        what_if = _by_account(context, scored, at_risk, counterfactuals)
        decision = _explained(decision, {**live, **reasons}, what_if)
        packages = _packages(context, decision, scored, facts) if facts else {}
        contacts = account_contacts(context.history, context.as_of)
    return NightDecision(
        decision,
        context.policy,
        scored.scores,
        rows,
        packages,
        context.channels,
        context.uplift,
        partial(account_curves, context.champions, scored),
        contacts,
    )


def _queue_before(context: DecisionContext) -> QueueState:
    with context.store.reading() as session:
        return night_queries.queue_state(session, context.as_of)


def account_curves(champions: Mapping[str, Champion], scored: NightScores, most: int = MOST_CURVES) -> pa.Table:
    """The risk by horizon of the scored accounts (``CURVES``); of each risk that of the ``most`` with the highest.

    A curve takes thirteen predictions, and nobody looks at that of an account far below all thresholds of a large
    customer base.
    """
    tables = [CURVES.empty_table()]
    for risk, champion in champions.items():
        if champion.model.hazard is None:
            continue
        of_risk = scored.scores.filter(pc.equal(scored.scores["risk"], risk))
        highest = pc.select_k_unstable(of_risk, most, [("probability", "descending")]) if len(of_risk) > most else None
        chosen = of_risk if highest is None else of_risk.take(highest)
        rows = scored.rows_of(risk, _ids(chosen))
        days, values = champion.model.curve_values(rows)
        if days:
            ids = rows["account_id"].combine_chunks().cast(pa.string())
            columns = [ids, pa.repeat(risk, len(ids)), curve_texts(days, values, champion.model.risk.label.lead)]
            tables.append(pa.Table.from_arrays(columns, schema=CURVES))
    return pa.concat_tables(tables)


def _reasons_of_live(
    context: DecisionContext,
    scored: NightScores,
    live: Sequence[LiveFigures],
    explain_rows: Callable[..., Sequence[tuple[Reason, ...]]],
) -> dict[tuple[str, str], tuple[Reason, ...]]:
    """The first reason of each open case's account tonight, for the risk that is its highest: all that is shown."""
    wanted: dict[tuple[str, Lane], list[str]] = defaultdict(list)
    for figures in live:
        if figures.probabilities:
            wanted[_highest_risk(figures), figures.lane].append(figures.account_id)
    reasons = {}
    for (risk, lane), accounts in wanted.items():
        rows = scored.rows_of(risk, accounts)
        without = CAUSE if lane is Lane.LEAVING else ()
        found = explain_rows(context.champions[risk].model, rows, mark_weak=False, most=1, without=without)
        reasons.update({(account, risk): why for account, why in zip(_ids(rows), found, strict=True)})
    return reasons


def _highest_risk(figures: LiveFigures) -> str:
    return max(figures.probabilities, key=lambda risk: figures.probabilities[risk], default="")


def _by_account(
    context: DecisionContext,
    scored: NightScores,
    accounts: Sequence[str],
    explain: Callable[[RiskModel, pa.Table], Sequence[_T]],
) -> dict[tuple[str, str], _T]:
    """The results of ``explain`` by account and risk; accounts that were not scored are left out."""
    results = {}
    for risk, champion in context.champions.items():
        rows = scored.rows_of(risk, accounts)
        explained = explain(champion.model, rows)
        results.update({(account, risk): part for account, part in zip(_ids(rows), explained, strict=True)})
    return results


def _with_currency(accounts: pa.Table, candidates: pa.Table) -> pa.Table:
    """The rows with the currency of each account, so that a reason says "54,342 EUR"."""
    if "currency" not in candidates.column_names:
        return accounts
    places = pc.index_in(accounts["account_id"], value_set=candidates["account_id"].combine_chunks())
    return accounts.append_column("currency", candidates["currency"].take(places))


def _ids(rows: pa.Table) -> list[str]:
    accounts: list[str] = rows.column("account_id").to_pylist()
    return accounts


def _explained(decision: Decision, reasons: Reasons, counterfactuals: Changes) -> Decision:
    def explained(flag: Flag) -> Flag:
        why = {
            risk: _beside_the_cause(flag.lane, reasons.get((flag.account_id, risk), ())) for risk in flag.probabilities
        }
        what = {risk: counterfactuals.get((flag.account_id, risk), ()) for risk in flag.probabilities}
        return replace(flag, reasons=why, changes=what)

    return replace(
        decision,
        flags=tuple(explained(flag) for flag in decision.flags),
        raised_again=tuple(again._replace(flag=explained(again.flag)) for again in decision.raised_again),
        waiting=tuple(explained(flag) for flag in decision.waiting),
        live=tuple(figures._replace(first_reason=_first_reason(figures, reasons)) for figures in decision.live),
    )


def _first_reason(figures: LiveFigures, reasons: Reasons) -> Reason | None:
    """The strongest reason of an open case tonight, of its risk with the highest probability."""
    of_account = reasons.get((figures.account_id, _highest_risk(figures)), ())
    return next(iter(_beside_the_cause(figures.lane, of_account)), None)


def _beside_the_cause(lane: Lane, reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """The reasons of a case; where it is about a received cancellation, "under notice" is no second reason."""
    if lane is not Lane.LEAVING:
        return reasons
    return tuple(reason for reason in reasons if not reason.feature.startswith(CAUSE))


def _packages(
    context: DecisionContext, decision: Decision, scored: NightScores, reading: Future[FactTables]
) -> dict[tuple[str, str], Package]:
    raised = [*decision.flags, *(again.flag for again in decision.raised_again)]
    of_account: dict[str, list[Flag]] = defaultdict(list)
    for flag in raised:
        of_account[flag.account_id].append(flag)
    handoff, packages = _handoff_context(context, scored, sorted(of_account)), {}
    read = reading.result()
    for rows in read.blocks():
        for account, facts in gather_facts(rows, handoff).items():
            for flag in of_account[account]:
                built = build_package(flag, facts)
                packages[account, flag.risk] = Package(built.to_json(), built.schema_version, built.headline)
    return {(flag.account_id, flag.risk): packages[flag.account_id, flag.risk] for flag in raised}


def _handoff_context(context: DecisionContext, scored: NightScores, accounts: Sequence[str]) -> HandoffContext:
    with context.store.reading() as session:
        past = night_queries.score_history(session, accounts, nights=PAST_NIGHTS)
        before = night_queries.last_handoffs(session, accounts)
    return HandoffContext(
        policy_version=context.policy.version,
        data_until=newest_known(context.history, context.as_of),
        models={risk: champion.version for risk, champion in context.champions.items()},
        titles={risk: champion.model.risk.title for risk, champion in context.champions.items()},
        base_rates=_base_rates(scored),
        quality=dict.fromkeys(context.champions, context.stale),
        account_quality=scored.quality(context.stale),
        score_history={key: [RiskPoint(as_of=day, probability=p) for day, p in points] for key, points in past.items()},
        previous={account: Handoff.model_validate_json(text).account_state for account, text in before.items()},
        trigger_messages={name: trigger.message for name, trigger in context.policy.rules.triggers.items()},
        stale=context.stale,
        curves=_by_account(context, scored, accounts, _curves),
        competitors=context.competitors,
        uplift_models=context.uplift.versions,
    )


def _curves(model: RiskModel, rows: pa.Table) -> list[tuple[HorizonPoint, ...]]:
    """The risk over time of each row, as the hand-off shows it; empty where the model has none."""
    lead = model.risk.label.lead
    return [
        tuple(HorizonPoint(days=point.day, probability=point.probability, after=lead) for point in curve)
        for curve in model.curves(rows)
    ]


def _base_rates(scored: NightScores) -> dict[str, float]:
    """The mean probability of tonight's scored accounts, by risk: for comparison with one account."""
    means = scored.scores.group_by("risk").aggregate([("probability", "mean")])
    return dict(zip(means["risk"].to_pylist(), means["probability_mean"].to_pylist(), strict=True))
