"""What fails in a launch, as a report, and its proposals as sections of a policy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipelines.path_design.launches.launch_map import LaunchCluster, LaunchMap
from pipelines.path_design.proposed_policy import PolicyProposal, name_key, toml_list, toml_text
from pipelines.path_design.report_blocks import CodeBlock, Heading, Paragraph, ReportBlock, TextTable
from serving.night_report.report_text import plural

if TYPE_CHECKING:
    from serving.policy.definition.policy_schema import PolicyFile

LAUNCH_TICKET_DAYS = 14


def propose_launch(found: LaunchMap, rules: PolicyFile) -> PolicyProposal:
    """An issue type and a trigger for each cluster with terms, and an incident for the signals of a failure."""
    proposal, launch = PolicyProposal(rules), rules.launches[found.name]
    for cluster in found.clusters:
        if not cluster.terms:
            continue
        own = launch.technical if cluster.technical else launch.specialist
        kind = "failure" if cluster.technical else "question of use"
        caught = cluster.caught
        comment = (
            f"{plural(cluster.tickets, 'ticket')}: {cluster.name}. The terms find {caught.of_cluster} of them and "
            f"{caught.of_others} others about the launch; {caught.later} of {caught.later_total} later ones."
        )
        proposal.add_trigger(
            f"{found.name} {cluster.name.split(',')[0]}",
            f"{found.name.replace('_', ' ').capitalize()}: a {kind} ({cluster.name})",
            skill=own or launch.skill,
            days=LAUNCH_TICKET_DAYS,
            keys={"launch": toml_text(found.name), "terms": toml_list(cluster.terms)},
            comment=comment,
        )
    _add_incidents(found, proposal, rules)
    return proposal


def _add_incidents(found: LaunchMap, proposal: PolicyProposal, rules: PolicyFile) -> None:
    launch, names = rules.launches[found.name], [*rules.incidents]
    skill = launch.technical or launch.skill
    squad = next((name for name, it in rules.squads.items() if skill in it.skills), rules.routing.fallback)
    for group in found.signals:
        if group.cluster is None:
            continue
        name = name_key(f"{found.name} {group.code}", names)
        names.append(name)
        product = f" AND product = '{launch.product}'" if launch.product else ""
        when = f"code = '{group.code.replace(chr(39), chr(39) * 2)}'{product}"
        proposal.sections.append(
            f"# {plural(group.signals, 'signal')} of {plural(group.accounts, 'account')}, at most {group.busiest} "
            f"within 15 minutes.\n[incidents.{name}]\nwhen = {toml_text(when)}\ncount = {group.count}\n"
            f'within = "15 minutes"\nseverity = {toml_text(launch.severity or rules.severities[0].name)}\n'
            f"squad = {toml_text(squad)}"
        )


def launch_blocks(found: LaunchMap, proposal: PolicyProposal) -> list[ReportBlock]:
    """The report."""
    return [
        Heading(f"Launch {found.name}", 1),
        Paragraph(_scope(found)),
        *_broad_path(found),
        *_clusters(found),
        *_signals(found),
        Heading("Proposed sections of the policy"),
        *_sections(proposal),
    ]


def launch_json(found: LaunchMap) -> dict[str, Any]:
    """The figures as plain values."""
    return {
        "launch": found.name,
        "start": found.start.isoformat(),
        "until": found.until.isoformat(),
        "tickets": found.tickets,
        "unresolved": found.unresolved,
        "in_no_cluster": found.outside,
        "adopted": list(found.adopted),
        "clusters": [
            {
                "name": it.name,
                "technical": it.technical,
                "tickets": it.tickets,
                "unresolved": it.unresolved,
                "accounts": it.accounts,
                "terms": list(it.terms),
                "signals": list(it.signals),
                "caught": it.caught.of_cluster,
                "caught_of_others": it.caught.of_others,
                "caught_later": it.caught.later,
                "later": it.caught.later_total,
            }
            for it in found.clusters
        ],
        "signals": [
            {
                "code": it.code,
                "signals": it.signals,
                "accounts": it.accounts,
                "busiest_15_minutes": it.busiest,
                "cluster": found.clusters[it.cluster].name if it.cluster is not None else None,
            }
            for it in found.signals
        ],
    }


def _scope(found: LaunchMap) -> str:
    return (
        f"{plural(found.tickets, 'ticket')} about the launch from {_instant(found.start)} to {_instant(found.until)}, "
        f"{found.unresolved:,} of them unresolved."
    )


def _broad_path(found: LaunchMap) -> Iterator[ReportBlock]:
    if found.adopted:
        names = ", ".join(found.adopted)
        yield Paragraph(f"Adopted: {names}. The broad path ends at {_instant(found.ends)}.")
    else:
        yield Paragraph(
            "No trigger is adopted yet: every unresolved ticket goes to the response squad, after "
            f"{_instant(found.ends)} too. The broad path ends when a proposed trigger is in the policy and that time "
            "is over."
        )


def _clusters(found: LaunchMap) -> Iterator[ReportBlock]:
    yield Heading("Clusters of tickets")
    if found.too_few:
        yield Paragraph(
            "There are too few tickets about the launch to look for clusters; the broad path takes them all."
        )
        return
    if not found.clusters:
        yield Paragraph("No tickets resemble each other enough to be a cluster; the broad path takes them all.")
        return
    yield TextTable(
        (
            "cluster",
            "kind",
            "signals",
            "tickets",
            "unresolved",
            "accounts",
            "terms find",
            "others found",
            "later found",
        ),
        tuple(_cluster_row(it) for it in found.clusters),
        texts=3,
    )
    yield Paragraph(
        f"{plural(found.outside, 'ticket')} in no cluster. Later found: tickets about the launch after "
        f"{_instant(found.until)} that the terms find, of all of them."
    )


def _cluster_row(it: LaunchCluster) -> tuple[str, ...]:
    caught = it.caught
    return (
        it.name,
        "technical" if it.technical else "use",
        ", ".join(it.signals) or "–",
        f"{it.tickets:,}",
        f"{it.unresolved:,}",
        f"{it.accounts:,}",
        f"{caught.of_cluster} of {it.tickets}",
        f"{caught.of_others}",
        f"{caught.later} of {caught.later_total}",
    )


def _signals(found: LaunchMap) -> Iterator[ReportBlock]:
    yield Heading("Signals")
    if not found.signals:
        yield Paragraph("None with a code during this time.")
        return
    rows = tuple(
        (
            it.code,
            found.clusters[it.cluster].name if it.cluster is not None else "–",
            f"{it.signals:,}",
            f"{it.accounts:,}",
            f"{it.busiest:,}",
            f"{it.share:.0%}" if it.cluster is not None else "–",
        )
        for it in found.signals
    )
    header = ("code", "cluster", "signals", "accounts", "most in 15 minutes", "tickets of the cluster with one")
    yield TextTable(header, rows, texts=2)


def _sections(proposal: PolicyProposal) -> Iterator[ReportBlock]:
    if not proposal.sections:
        yield Paragraph("None.")
        return
    yield Paragraph(
        "Each trigger takes its tickets from the broad path as soon as it is in the policy. The whole file is beside "
        "this report."
    )
    yield CodeBlock(proposal.text)


def _instant(at: datetime) -> str:
    return f"{at.day} {at:%b %Y, %H:%M} UTC"
