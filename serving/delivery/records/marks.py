"""The marks on what Rescue writes into other systems, by which it is recognised when it is read again.

A ticket that Rescue opened is not a ticket of the customer, and a note that Rescue wrote is not a comment of somebody
there. Both have to be recognised in whatever form they come back: from the system's interface, in a warehouse, in an
export. So the mark is part of the text that every form has, the subject and the last line of a note. The mappings of
``pipelines/sources/mappings/vendors`` look for the same marks.
"""

import re

NOTE_MARK = re.compile(r"\(Rescue ([a-z2-7]{13}), entry (\d+)\)[\s{}a-z]*$")
"""The end of a note; a system may put its own markup, such as ``{noformat}``, after it."""


LONGEST_SUBJECT = 255

RECORD_KEY_PREFIX = "rescue-"
"""The beginning of the key of a record."""


def record_key(case_id: str) -> str:
    """The key of a case's record in a field for keys of other systems.

    >>> record_key("abcdefghijklm")
    'rescue-abcdefghijklm'
    """
    return f"{RECORD_KEY_PREFIX}{case_id}"


def marked_subject(text: str, case_id: str) -> str:
    """A subject line with the mark of its case at the end, cut so that the mark is never lost.

    >>> marked_subject("Acme may leave", "abcdefghijklm")
    'Acme may leave [Rescue abcdefghijklm]'
    """
    mark = f" [Rescue {case_id}]"
    line = " ".join(text.split())
    room = LONGEST_SUBJECT - len(mark)
    return (line if len(line) <= room else line[: room - 1].rstrip() + "…") + mark


def note_mark(case_id: str, entry: int) -> str:
    """The last line of the note about an entry of a case's history."""
    return f"(Rescue {case_id}, entry {entry})"


def is_marked_note(text: str) -> bool:
    r"""Whether Rescue wrote a note: its mark is the end of the text, and not quoted within it.

    >>> is_marked_note("bob wrote: yes\n\n(Rescue abcdefghijklm, entry 7)")
    True
    >>> is_marked_note("> (Rescue abcdefghijklm, entry 7)\nWe agree.")
    False
    """
    return NOTE_MARK.search(text) is not None


def marked_entry(text: str, case_id: str) -> int | None:
    """The entry of the case that a note is about; None where Rescue did not write it."""
    found = NOTE_MARK.search(text)
    return int(found[2]) if found and found[1] == case_id else None
