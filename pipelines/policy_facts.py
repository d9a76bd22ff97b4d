"""What drawings of a policy need besides the policy: the settings, and the versions that nights have used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from features.errors import UsageError
from pipelines import assembly

if TYPE_CHECKING:
    from pipelines.settings import Settings
    from serving.drawings.policy_cycle import PolicyVersion
    from serving.drawings.service_blueprint import BlueprintFacts
    from serving.policy.definition.policy_file import Policy
    from serving.store import Store


def blueprint_facts(settings: Settings) -> BlueprintFacts:
    """The sources, the night, the queue and the channels that the settings name; no password or token."""
    from serving.drawings.service_blueprint import BlueprintFacts

    sources = settings.source_places or {"": settings.data}
    return BlueprintFacts(
        sources=tuple(f"{name}: {_source(data)}" if name else _source(data) for name, data in sources.items()),
        timezone=settings.timezone,
        channels={name: str(channel.get("kind", name)) for name, channel in settings.channels.items()},
        queue="PostgreSQL" if settings.database_url.startswith("postgresql") else "SQLite in the home folder",
        sign_in={"local": "password", "oidc": "single sign-on", "proxy": "the proxy"}.get(
            settings.review.auth, settings.review.auth
        ),
    )


def _source(data: str) -> str:
    """A source without what may be secret: of a URL only its kind and its database's name."""
    scheme, separator, rest = data.partition("://")
    if not separator:
        return data
    return f"{scheme.partition('+')[0]} database {rest.rpartition('/')[2].partition('?')[0]}".rstrip()


def read_versions(settings: Settings, policy: Policy) -> list[PolicyVersion]:
    """The versions that nights of this home have used, in order, and the policy itself where none has used it."""
    from serving.drawings.policy_cycle import PolicyVersion

    try:
        store = assembly.open_queue(settings)
    except UsageError:  # no queue yet: only the policy itself
        versions: list[PolicyVersion] = []
    else:
        with store:
            versions = _stored(store)
    rules = policy.rules
    if policy.version not in {version.version for version in versions}:
        versions.append(PolicyVersion(policy.version, rules.hypothesis, rules.model_dump(mode="json")))
    return versions


def _stored(store: Store) -> list[PolicyVersion]:
    from serving.drawings.policy_cycle import PolicyVersion, StoredReplay
    from serving.store.database import utcnow
    from serving.store.queries import policy_queries
    from serving.store.queries.path_queries import path_report

    with store.reading() as session:
        rows = policy_queries.policy_versions(session)
        replays = policy_queries.policy_replays(session)
        nights, cases = policy_queries.count_by_version(session)
        report = path_report(session, utcnow(), None)
    groups = {group.name: group for group in report.of("policy_version")}
    comparisons = {pair.after.name: pair for pair in report.comparisons}
    return [
        PolicyVersion(
            version=row.version,
            hypothesis=row.hypothesis,
            rules=row.rules,
            first_night=row.first_night,
            last_night=row.last_night,
            nights=nights.get(row.version, 0),
            cases=cases.get(row.version, 0),
            replays=[StoredReplay(it.first, it.last, it.figures) for it in replays.get(row.version, ())],
            group=groups.get(row.version),
            comparison=comparisons.get(row.version),
        )
        for row in rows
    ]
