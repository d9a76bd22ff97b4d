"""Subjects and bodies of tickets, assembled from the grammar in whole columns.

Each ticket carries one random number; its digits in a mixed base choose the sentences, so a text depends on nothing
else.
"""

from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.simulator.activity import phrases
from pipelines.simulator.activity.vocabulary import CATEGORIES
from pipelines.simulator.clock import Ints

TONES = len(phrases.IMPACTS)


class _Dice:
    """Successive choices out of one random number a ticket."""

    def __init__(self, words: Ints) -> None:
        self._left = words.copy()

    def roll(self, sides: int) -> Ints:
        value = self._left % sides
        self._left //= sides
        return value


def subjects(words: Ints, category: Ints) -> pa.Array:
    """One subject a ticket."""
    dice = _Dice(words)
    thing, choice = dice.roll(len(phrases.THINGS)), dice.roll(5)
    return _subject_lines().take(pa.array((category * 5 + choice) * len(phrases.THINGS) + thing))


def bodies(words: Ints, category: Ints, tone: Ints) -> pa.Array:
    """One body per ticket: greeting, problem, impact, request, sign-off."""
    dice = _Dice(words)
    thing, _, greeting, signoff = (dice.roll(sides) for sides in (len(phrases.THINGS), 5, 8, 8))
    problem, impact, plea = dice.roll(30), dice.roll(5), dice.roll(60)
    parts = [
        pa.array(phrases.GREETINGS).take(pa.array(greeting)),
        _problems().take(pa.array((category * 30 + problem) * len(phrases.THINGS) + thing)),
        pa.array([sentence for tone_ in phrases.IMPACTS for sentence in tone_]).take(pa.array(tone * 5 + impact)),
        _pleas().take(pa.array(tone * 60 + plea)),
        pa.array(phrases.SIGNOFFS).take(pa.array(signoff)),
    ]
    joined = pc.binary_join_element_wise(*parts, " ")
    return pc.utf8_trim_whitespace(pc.replace_substring(joined, "  ", " "))


@cache
def _subject_lines() -> pa.Array:
    lines = [
        line.format(thing) for category in CATEGORIES for line in phrases.SUBJECTS[category] for thing in phrases.THINGS
    ]
    return pa.array([line[0].upper() + line[1:] for line in lines])


@cache
def _problems() -> pa.Array:
    """Category × 30 × thing; shorter lists of sentences repeat."""
    chosen = [(phrases.PROBLEMS[category], k) for category in CATEGORIES for k in range(30)]
    return pa.array([lines[k % len(lines)].format(thing) for lines, k in chosen for thing in phrases.THINGS])


@cache
def _pleas() -> pa.Array:
    """Tone × 60: every plea with every rival."""
    rivals = phrases.RIVALS
    return pa.array(
        [pleas[k % len(pleas)].format(rival=rivals[k // 12 % 5]) for pleas in phrases.PLEAS for k in range(60)]
    )
