"""What tickets ask for, planted in their texts and written to the truth.

Dissatisfied accounts ask to cancel, to export data or for a manager more often; an account that has given notice asks
for its data. Some sentences only sound alike: they are negated, or quoted from an earlier mail. Everything planted is
in ``truth_intents``, and no other text says such a thing. A quoted answer replaces the text.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from pipelines.simulator.activity.phrases import PLEAS, RIVALS
from pipelines.simulator.situations.intent_phrases import (
    ASKS,
    INTENTS,
    NEGATED,
    QUOTED,
    TRANSLATED_PROBLEMS,
    TRANSLATED_SUBJECTS,
)
from pipelines.simulator.situations.traits import USUAL
from pipelines.simulator.situations.truth_log import SourceRow

INTENT_RATES: Final = np.array([0.006, 0.005, 0.008, 0.008, 0.004, 0.008])
"""The share of the tickets of a neutral account with each intent."""

INTENT_SLOPES: Final = np.array([-1.3, -0.9, -1.0, -1.0, -1.3, -0.6])
"""The change of the log of each rate with the account's satisfaction."""

AFTER_NOTICE: Final = np.array([3.0, 12.0, 1.0, 1.0, 0.3, 1.0])
"""The factor of each rate where the account has given notice."""

SOUNDS_ALIKE: Final = 0.012
"""The share of tickets with a sentence that is negated, and the share with one that is quoted."""

TRUTH_INTENTS = pa.schema(
    [
        ("ticket_id", pa.string()),
        ("known_at", pa.timestamp("us")),
        ("intent", pa.string()),
        ("language", pa.string()),
        ("negated", pa.bool_()),
        ("quoted", pa.bool_()),
    ]
)

_NEGATED, _QUOTED = len(INTENTS), len(INTENTS) + 1
"""The kinds of sentences that only sound like an intent, after the intents themselves."""

_SAID_ALREADY: Final = re.compile(
    " ?(?:"
    + "|".join(
        re.escape(plea).replace(re.escape("{rival}"), f"(?:{'|'.join(RIVALS)})")
        for plea in sorted({*PLEAS[2], *PLEAS[3]} - {"", "We need a date."})
    )
    + ")"
)
"""Sentences of the plain world's grammar with an intent: they are taken out, so that the truth is complete."""


_BLOCKED_ALREADY: Final = re.compile(
    "none of our users can reach|has been unavailable since|is down for us|does not load at all|nobody can sign in to"
)
"""Sentences of the plain world's grammar that report being blocked: they stay, and are written to the truth."""


class TicketIntents:
    """Plants intents into the tickets of a month and collects the truth."""

    def __init__(self, language: Sequence[str], generator: np.random.Generator) -> None:
        self._language, self._random = language, generator

    def plant(
        self, rows: list[SourceRow], number: Sequence[int], mood: Sequence[float], noticed: Sequence[bool]
    ) -> pa.Table:
        """Change subjects and bodies of the rows in place; return ``truth_intents``.

        ``number`` is the account of each row, ``mood`` its satisfaction then, ``noticed`` whether notice was given.
        """
        rates = INTENT_RATES * np.exp(np.outer(np.clip(mood, -3, 3), INTENT_SLOPES))
        rates *= np.where(np.asarray(noticed, dtype=np.bool_)[:, None], AFTER_NOTICE, 1.0)
        rates = rates / np.maximum(rates.sum(axis=1, keepdims=True) / 0.5, 1.0)
        bounds = np.cumsum(np.column_stack([rates, np.full((len(rows), 2), SOUNDS_ALIKE)]), axis=1)
        rolls = self._random.random(len(rows))
        kinds = (rolls[:, None] >= bounds).sum(axis=1).tolist()
        words = self._random.integers(0, 2**31, len(rows)).tolist()
        truth = []
        for row, account, kind, word in zip(rows, number, kinds, words, strict=True):
            language = self._language[account]
            language = "en" if language == USUAL else language
            if language == "en":
                row["body"] = _SAID_ALREADY.sub("", row["body"])
                if _BLOCKED_ALREADY.search(row["body"]) and kind not in (INTENTS.index("blocked"), _QUOTED):
                    truth.append(_truth(row, "blocked", language))
            else:
                place = word % len(TRANSLATED_PROBLEMS[language])
                row["subject"], row["body"] = TRANSLATED_SUBJECTS[language][place], TRANSLATED_PROBLEMS[language][place]
            if kind <= _QUOTED:
                truth.append(_planted(row, language, kind, word // 8))
        return pa.Table.from_pylist(truth, schema=TRUTH_INTENTS)


def _planted(row: SourceRow, language: str, kind: int, word: int) -> SourceRow:
    """Add the sentence to the body; the row of the truth."""
    negated, quoted = kind == _NEGATED, kind == _QUOTED
    choices = list(NEGATED[language]) if negated else INTENTS
    intent = choices[word % len(choices)] if negated or quoted else INTENTS[kind]
    sentences = (NEGATED if negated else ASKS)[language][intent]
    sentence = sentences[(word // 8) % len(sentences)].format(rival=RIVALS[(word // 64) % len(RIVALS)])
    row["body"] = QUOTED[language].format(sentence=sentence) if quoted else f"{row['body']}\n\n{sentence}"
    return _truth(row, intent, language, negated=negated, quoted=quoted)


def _truth(row: SourceRow, intent: str, language: str, *, negated: bool = False, quoted: bool = False) -> SourceRow:
    return {
        "ticket_id": row["ticket_id"],
        "known_at": row["known_at"],
        "intent": intent,
        "language": language,
        "negated": negated,
        "quoted": quoted,
    }
