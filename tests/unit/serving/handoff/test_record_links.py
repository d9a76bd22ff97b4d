"""Links to the records of other systems: web addresses only."""

import pytest

from serving.handoff.record_links import RecordLink, web_address
from serving.handoff.render import address


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
