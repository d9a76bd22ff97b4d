"""Which table of the contract a table of a source may be: what its name means, and what it would need to be one."""

from collections.abc import Container, Mapping

from features.contract import TABLES
from pipelines.onboarding.choose_columns import ColumnChoice, choose_columns
from pipelines.onboarding.column_words import MARKS, NEEDED_COLUMNS, WORDS, normal_name
from pipelines.onboarding.profile_tables import TableProfile

TARGETS = tuple(WORDS)


def named_targets(table: str) -> set[str]:
    """The tables of the contract that a table's name means, such as ``sf_accounts_export``."""
    plain = normal_name(table)
    words = {plain, *plain.split("_")}
    forms = {form for word in words for form in (word, f"{word}s", f"{word}es", f"{word.removesuffix('y')}ies")}
    return {name for name in TARGETS if forms & {name, *TABLES[name].other_names}}


def missing_columns(target: str, profile: TableProfile, choices: Mapping[str, ColumnChoice]) -> list[str]:
    """The columns without which a table is not this one of the contract, and that were not found in it."""
    if target == "accounts":
        return [] if "account_id" in choices or _has_unique_name(profile, choices) else ["account_id"]
    needed = NEEDED_COLUMNS.get(
        target, [it for it in TABLES[target].required if it not in ("account_id", "created_at")]
    )
    return [it for it in needed if it not in choices]


def _has_unique_name(profile: TableProfile, choices: Mapping[str, ColumnChoice]) -> bool:
    name = choices.get("name")
    return name is not None and profile.columns[name.column].distinct == profile.rows


def explain_unused(profile: TableProfile, taken: Container[str]) -> str:
    """Why no query reads a table: the nearest table of the contract, and what was not found for it.

    ``taken`` are the tables of the contract that another table of the source gives.
    """
    if not profile.rows:
        return "it has no rows"
    meant = named_targets(profile.name)
    options = {target: choose_columns(target, profile) for target in TARGETS}
    nearest = max(TARGETS, key=lambda it: (it in meant, len(options[it][0]), len(options[it][1])))
    choices, rejected = options[nearest]
    if not choices and not rejected and nearest not in meant:
        columns = ", ".join(profile.columns)
        return f"none of its columns ({columns}) was recognised as one of a table of the contract"
    missing = missing_columns(nearest, profile, choices)
    near = f"it is nearest to {nearest}"
    if missing:
        found = ", ".join(f"{it.target} = {it.column}" for it in choices.values())
        why = "".join(f"; {it.column} is not {it.target}: {it.reason}" for it in rejected if it.target in missing)
        return f"{near}, but no column was found for {' and '.join(missing)}{why} (found: {found or 'none'})"
    if nearest in taken:
        return f"{near}, which another table gives already"
    marks = ", ".join(sorted(MARKS[nearest] - choices.keys()))
    return f"{near}, but too few of its columns say so: none was found for {marks}"
