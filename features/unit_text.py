"""Sizes, durations and periods in messages: one form for all commands and pages."""

_SIZES = ((10**9, "GB"), (10**6, "MB"), (10**3, "KB"))


def size_text(size: float) -> str:
    """A number of bytes in the decimal units of disks: "12 KB", "1.4 MB", "48 GB"."""
    for unit, name in _SIZES:
        if size >= unit:
            digits = 1 if size < 9.95 * unit else 0
            return f"{f'{size / unit:,.{digits}f}'.removesuffix('.0')} {name}"
    return f"{size:.0f} bytes"


def duration_text(seconds: float) -> str:
    """A rough duration: "40 s", "3 min", "2 h 10 min"."""
    if seconds < 55:
        return f"{max(5, round(seconds / 5) * 5)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(round(minutes / 10) * 10, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def window_text(lead: int, days: int) -> str:
    """So many days from the end of a lead on, in words; days are counted from the night."""
    return f"between {lead} and {lead + days} days after the night" if lead else f"within {days} days"
