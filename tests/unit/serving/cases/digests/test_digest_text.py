"""The text of a digest: only what there is, in its order, safe in plain text and as a page."""

from datetime import date

from serving.cases.digests.digest_text import LONGEST_SECTION, Digest, DigestItem, DigestSection, compose_digest

DAY = date(2026, 3, 2)


def item(number: int, title: str = "Acme", text: str = "call them") -> DigestItem:
    return DigestItem(f"c{number}", title, text, f"https://rescue.example/case/c{number}")


def test_the_text_reads_well() -> None:
    sections = {
        DigestSection.MENTIONS: (item(3, text="@ann can you call?"),),
        DigestSection.OVERDUE: (item(1, text="contact the customer: it was due Fri 27 Feb 2026, 17:00 (UTC)"), item(2)),
    }
    text = compose_digest(Digest("Ann Abel", DAY, sections, "https://rescue.example/my-day"))
    assert text.subject == "Your cases on Mon 2 Mar 2026: 2 overdue, 1 mention"
    assert text.text == (
        "Hello Ann Abel,\n\n"
        "this morning: 2 overdue, 1 mention.\n\n"
        "Overdue (2)\n-----------\n"
        "* Acme: contact the customer: it was due Fri 27 Feb 2026, 17:00 (UTC)\n  https://rescue.example/case/c1\n"
        "* Acme: call them\n  https://rescue.example/case/c2\n\n"
        "Comments that mention you (1)\n-----------------------------\n"
        "* Acme: @ann can you call?\n  https://rescue.example/case/c3\n\n"
        "All of it: https://rescue.example/my-day\n"
    )


def test_a_long_section_ends_with_the_number_of_further_entries() -> None:
    items = tuple(item(number) for number in range(LONGEST_SECTION + 4))
    text = compose_digest(Digest("Ann", DAY, {DigestSection.NEW: items}))
    assert "* and 4 more\n" in text.text
    assert text.text.count("/case/") == LONGEST_SECTION == text.html.count("/case/")
    assert text.subject.endswith(": 14 new cases")


def test_hostile_texts_stay_one_line_and_are_no_markup() -> None:
    hostile = item(1, title="<script>x</script>\r\nBcc: all", text='"quoted" & \u202eturned\n\nOverdue (9)')
    text = compose_digest(Digest("Ann\r\nX: y", DAY, {DigestSection.NEW: (hostile,)}))
    assert "\r" not in text.subject + text.text
    assert "\u202e" not in text.text + text.html
    assert '* <script>x</script> Bcc: all: "quoted" & turned Overdue (9)\n' in text.text
    assert "<script>" not in text.html
    assert "&lt;script&gt;x&lt;/script&gt; Bcc: all</a>" in text.html


def test_messages_alone_are_not_called_cases_of_the_reader() -> None:
    text = compose_digest(Digest("Ann", DAY, {DigestSection.MESSAGES: (item(1),)}))
    assert text.subject == "Your morning on Mon 2 Mar 2026: 1 for your information"
    assert text.text.endswith("You find all of it in the review app.\n")
