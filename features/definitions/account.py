"""The kind of account: type, segment, industry, region, age and group."""

from features.definitions.feature import Feature
from features.definitions.measures import Siblings, Stream

ACCOUNT = Stream("accounts", "accounts", "created_at").latest()

ACCOUNT_FEATURES = (
    Feature("account_type", ACCOUNT.text("type"), "kind of account", "text", "A {account_type:text}", kind="category"),
    Feature("segment", ACCOUNT.text("segment"), "customer segment", "text", "Segment {segment:text}", kind="category"),
    Feature("industry", ACCOUNT.text("industry"), "industry", "text", "Industry {industry:text}", kind="category"),
    Feature("region", ACCOUNT.text("region"), "region", "text", "Region {region:text}", kind="category"),
    Feature(
        "account_age_days",
        ACCOUNT.since(),
        "days since the account was created",
        "days",
        "Account since {account_age_days:ago}",
    ),
    Feature(
        "account_has_owner",
        ACCOUNT.count(where="owner IS NOT NULL"),
        "a person on our side owns the account",
        "0 or 1",
        "Has an owner on our side: {account_has_owner:yes}",
        -1,
    ),
    Feature(
        "group_accounts",
        Siblings(),
        "accounts of the same group, this one included",
        "accounts",
        "Group of {group_accounts:n account}",
    ),
)
