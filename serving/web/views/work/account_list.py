"""The list of accounts: which part of it an address selects, and its lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from serving.policy.definition.policy_schema import PolicyFile
from serving.store.queries.account_queries import ACCOUNT_SORTS
from serving.store.queries.decision_queries import NightDecisions
from serving.store.tables import Account, AccountRisk, Case
from serving.web.views.work.queue_status import AccountStatus, StatusContext, StatusLine, status_lines
from serving.web.views.work.queue_view import MAX_FILTER_LENGTH, whole_number


@dataclass(frozen=True)
class AccountListView:
    """The part of the list that an address selects; an invalid value is replaced by the default."""

    q: str = ""
    segment: str = ""
    owner: str = ""
    sort: str = ""
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str], risks: Sequence[str], first: str = "name") -> "AccountListView":
        """Read an address; ``risks`` are those that can be sorted by, ``first`` is the order without a choice."""
        texts = {name: query.get(name, "").strip()[:MAX_FILTER_LENGTH] for name in cls.__dataclass_fields__}
        return cls(
            q=texts["q"],
            segment=texts["segment"],
            owner=texts["owner"],
            sort=texts["sort"] if texts["sort"] in (*ACCOUNT_SORTS, *risks) else first,
            page=whole_number(texts["page"]) or 1,
        )

    def url(self, **changes: object) -> str:
        """The address of this view with some fields changed; without ``page`` it leads to the first page."""
        view = replace(self, **({"page": 1} | changes))  # type: ignore[arg-type]  # templates name the fields
        default = AccountListView()
        parameters = {name: value for name, value in vars(view).items() if value != getattr(default, name)}
        return "/accounts" + (f"?{urlencode(parameters)}" if parameters else "")

    @property
    def narrowed(self) -> bool:
        """Whether a filter is set."""
        return replace(self, sort="", page=1) != AccountListView()


def first_risk(rules: PolicyFile | None, risks: Sequence[str]) -> str:
    """The order of the list without a choice: by the risk of the contract, the highest first; else by name."""
    if not risks:
        return "name"
    return rules.contract_risk if rules is not None and rules.contract_risk in risks else risks[0]


@dataclass(frozen=True)
class AccountRow:
    """A line of the list: the newest probabilities by risk, and where the account stands."""

    account: Account
    name: str
    probabilities: Mapping[str, float]
    status: StatusLine


def account_rows(
    accounts: Sequence[Account],
    cases: Mapping[str, Sequence[Case]],
    risks: Mapping[str, Sequence[AccountRisk]],
    decisions: NightDecisions,
    context: StatusContext,
) -> list[AccountRow]:
    """The lines of these accounts; cases, risks and decisions are by account."""
    rows = []
    for account in accounts:
        key = account.account_id
        status = AccountStatus(
            account,
            cases.get(key, ()),
            risks.get(key, ()),
            decisions.waiting.get(key, ()),
            decisions.set_aside.get(key, ()),
            decisions.held_out.get(key, ()),
        )
        probabilities = {row.risk: row.probability for row in status.risks}
        rows.append(AccountRow(account, account.name or key, probabilities, status_lines(status, context)[0]))
    return rows
