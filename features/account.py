"""What kind of customer it is."""

from features.feature import Feature
from features.measures import Siblings, Stream

ACCOUNT = Stream("accounts", "accounts", "created_at").latest()

FEATURES = (
    Feature("segment", ACCOUNT.text("segment"), "customer segment", "text", "{segment:text} customer", kind="category"),
    Feature("industry", ACCOUNT.text("industry"), "industry", "text", "in {industry:text}", kind="category"),
    Feature("region", ACCOUNT.text("region"), "region", "text", "in {region:text}", kind="category"),
    Feature("account_age_days", ACCOUNT.since(), "age of the account", "days", "customer since {account_age_days:ago}"),
    Feature(
        "group_accounts",
        Siblings(),
        "accounts of the same group",
        "accounts",
        "one of {group_accounts:n account} in its group",
    ),
)
