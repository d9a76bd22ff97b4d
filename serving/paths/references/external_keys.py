"""The keys under which other systems know a case or an incident of ours, and how one of these is recognised.

What we write elsewhere may come back: a paging service sends a webhook about an alert that we have opened. Read as a
signal, it would open an incident, which would open the next alert. So our keys have a form that nobody else uses.
"""

import re

KEY_PREFIX = "rescue-"
_OWN = re.compile(r"rescue-(case|incident|msg)[-_]\S")


def external_key(kind: str, subject_id: str) -> str:
    """The key of a case or an incident: the same whenever and by whichever process it is computed."""
    return f"{KEY_PREFIX}{kind}-{subject_id}"


def is_own_key(key: str | None) -> bool:
    """Whether a key is one of ours."""
    return bool(key) and _OWN.match(key or "") is not None
