"""Sentences from tickets with what they are evidence of, in four languages: ``kinds | sentence``, ``-`` for nothing."""

from pathlib import Path

from models.contracts import EvidenceKind

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "ticket_sentences"
LANGUAGES = ("en", "de", "fr", "es")
_KINDS = dict(zip("CENMTB", EvidenceKind, strict=True))


def labelled_sentences() -> list[tuple[str, str, frozenset[EvidenceKind]]]:
    """Language, sentence, and the kinds that it is evidence of."""
    rows = []
    for language in LANGUAGES:
        for line in (FOLDER / f"{language}.txt").read_text(encoding="utf-8").splitlines():
            codes, sentence = line.split(" | ", 1)
            kinds = frozenset(_KINDS[code] for code in codes.split(",") if code != "-")
            rows.append((language, sentence, kinds))
    return rows
