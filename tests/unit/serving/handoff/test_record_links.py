"""Links to the records of other systems: web addresses only."""

import pytest
from support.nights.handoff_factory import FLAG, facts

from serving.handoff.build_package import build_package
from serving.handoff.package import Handoff
from serving.handoff.record_links import RecordLink, web_address
from serving.handoff.render import address, html, markdown


@pytest.mark.parametrize(
    "text",
    ["https://acme.zendesk.com/agent/tickets/7", "http://crm.local:8080/a?b=c#d", "HTTPS://EXAMPLE.COM/x"],
)
def test_a_web_address_is_a_link(text: str) -> None:
    assert web_address(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//example.com/x",
        "file:///etc/passwd",
        "https://",
        "https://user:secret@example.com/",
        'https://example.com/"onclick="x',
        "https://example.com/<script>",
        "https://example.com/a b",
        "https://example.com/a\nb",
        "java\tscript:alert(1)",
        "https://[broken",
        "https://example.com/" + "x" * 2_000,
        "",
        None,
        7,
    ],
)
def test_anything_else_is_no_link(text: object) -> None:
    assert web_address(text) is None
    assert RecordLink(system="zendesk", url=text).url is None  # type: ignore[arg-type]


def test_brackets_do_not_end_a_link_in_markdown() -> None:
    assert address("https://example.com/a_(b)?q=[c]") == "https://example.com/a_%28b%29?q=%5Bc%5D"


def test_a_hand_off_links_to_its_records_and_to_nothing_else() -> None:
    given = facts()
    url = "https://x.zendesk.com/tickets/1?b=1&c=2"
    ticket = given.tickets[0].model_dump() | {"url": url, "source": "desk"}
    hostile = given.tickets[1].model_dump() | {"url": "javascript:alert(1)"} if len(given.tickets) > 1 else None
    links = (RecordLink(system="stripe", external_id="cus_1", url="https://dashboard.stripe.com/customers/cus_1"),)
    tickets = tuple(type(given.tickets[0]).model_validate(it) for it in (ticket, hostile) if it is not None)
    package = build_package(FLAG, given.model_copy(update={"tickets": tickets, "links": links}))

    page, text = html(package), markdown(package)

    assert 'href="https://x.zendesk.com/tickets/1?b=1&amp;c=2" rel="noopener noreferrer"' in page
    assert 'href="https://dashboard.stripe.com/customers/cus_1" rel="noopener noreferrer"' in page
    assert 'href="javascript' not in page
    assert "[open](https://x.zendesk.com/tickets/1?b=1&c=2)" in text
    assert Handoff.model_validate_json(package.to_json()) == package
