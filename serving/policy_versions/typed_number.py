"""Numbers as people type them, in America or in Europe."""

import re

_NUMBER = re.compile(
    r"(?P<sign>-?)(?P<whole>[0-9]{1,3}(?:(?P<mark>[.,\u2019' ])[0-9]{3}(?:(?P=mark)[0-9]{3})*)?|[0-9]+)"
    r"(?:(?P<point>[.,])(?P<part>[0-9]+))?"
)
_WITHOUT_THOUSANDS = re.compile(r"(?P<sign>-?)(?P<whole>[0-9]+)(?:[.,](?P<part>[0-9]+))?")


def typed_number(text: str, *, thousands: bool = True) -> float | None:
    """The number of a text; None where it is no number.

    ``1,200.50``, ``1.200,50``, ``1 200,50`` and ``1200.5`` are the same. Three digits after the only point or comma are
    thousands, except without ``thousands``: a share of ``12.345`` percent is less than thirteen.
    """
    plain = " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())
    found = (_NUMBER if thousands else _WITHOUT_THOUSANDS).fullmatch(plain)
    if found is None or (thousands and found["point"] == found["mark"] is not None):
        return None
    return float(f"{found['sign']}{re.sub('[^0-9]', '', found['whole'])}.{found['part'] or 0}")
