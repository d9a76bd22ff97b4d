"""Evidence in ticket texts: precision before recall, the customer's own words only, and work that stays linear."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.worlds.ticket_sentences import labelled_sentences

from models.contracts import EvidenceKind
from models.explain.customer_text import MAX_CHARS, customer_sentences, plain_text
from models.explain.ticket_evidence import QUOTE_CHARS, TicketText, evidence_gate, find_evidence, find_kinds, quote
from pipelines.simulator.situations.intent_phrases import ASKS, NEGATED, QUOTED

DAY = date(2026, 3, 1)


def kinds(text: str, *competitors: str, by: str | None = "customer") -> set[str]:
    return {item.kind.value for item in find_evidence([TicketText("T1", DAY, text, by)], competitors)}


def test_precision_and_recall_on_the_labelled_sentences() -> None:
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    rows = labelled_sentences()
    for language, sentence, expected in rows:
        evidence = {item.kind for item in find_evidence([TicketText("T", DAY, sentence)])}
        for group in (language, "all"):
            right[group] += len(evidence & expected)
            wrong[group] += len(evidence - expected)
            missed[group] += len(expected - evidence)
    assert len(rows) >= 150
    assert {language for language, _, _ in rows} == {"en", "de", "fr", "es"}
    for group, count in right.items():
        assert count / (count + wrong[group]) >= 0.95, group
        assert count / (count + missed[group]) >= 0.85, group


@pytest.mark.parametrize(("language", "sentence", "expected"), labelled_sentences())
def test_a_sentence_is_evidence_or_not_and_in_its_own_language(
    language: str, sentence: str, expected: frozenset[EvidenceKind]
) -> None:
    evidence = find_evidence([TicketText("T", DAY, sentence)])
    assert bool(evidence) == bool(expected)
    assert {item.language for item in evidence} <= {language}


OURS = "Tell us if you want to cancel the contract. Our lawyers say production is down."


@pytest.mark.parametrize(
    "text",
    [
        f"Thanks.\n\n> {OURS}",
        f"Thanks.\n\nOn Mon, 3 Feb 2026 at 10:14, Ann Agent <ann@rescue.example> wrote:\n{OURS}",
        f"Thanks.\n\nOn Mon, 3 Feb 2026 at 10:14, Ann Agent\n<ann@rescue.example> wrote:\n{OURS}",
        f"Danke.\n\nAm 03.02.2026 um 10:14 schrieb Ann Agent:\n{OURS}",
        f"Merci.\n\nLe lun. 3 févr. 2026 à 10:14, Ann Agent a écrit :\n{OURS}",
        f"Gracias.\n\nEl lun, 3 feb 2026 a las 10:14, Ann Agent escribió:\n{OURS}",
        f"Thanks.\n\n-----Original Message-----\nFrom: Ann\n{OURS}",
        f"Danke.\n\n-----Ursprüngliche Nachricht-----\nVon: Ann\n{OURS}",
        f"Thanks.\n\nFrom: Ann Agent\nSent: Monday\nTo: us\nSubject: Contract\n\n{OURS}",
        f"Danke.\n\nVon: Ann Agent\nGesendet: Montag\nAn: uns\nBetreff: Vertrag\n\n{OURS}",
        f"See below.\n\n---------- Forwarded message ---------\nFrom: Bo\n{OURS}",
        f"Thanks.\n-- \nAnn\nHead of Legal, we take legal action for you\n{OURS}",
        f"<p>Thanks.</p><blockquote type='cite'><p>{OURS}</p></blockquote>",
        f"Thanks.<style>{OURS}</style><script>{OURS}</script>",
    ],
)
def test_quoted_mail_and_signatures_are_not_the_customers_words(text: str) -> None:
    assert kinds(text) == set()


def test_an_answer_below_a_quoted_mail_is_the_customers() -> None:
    text = "On Mon, Ann wrote:\n> Do you want to stay?\n\nWe want to cancel our contract."
    assert kinds(text) == {"asks_to_cancel"}


def test_the_words_of_agents_and_systems_are_no_evidence() -> None:
    assert kinds("We want to cancel our contract.", by="agent") == set()
    assert kinds("We want to cancel our contract.", by="system") == set()
    assert kinds("We want to cancel our contract.", by=None) == {"asks_to_cancel"}


@pytest.mark.parametrize(
    "text",
    [
        "We want to can\u200bcel our con\u00adtract.",
        "\u202eWe want to cancel our contract.\u202c",
        "We want to <b>cancel</b> our <i>contract</i>.",
        "We want to&nbsp;cancel our contract&#46;",
        "We want to cancel\nour contract, as we said\nlast week.",
        "WE WANT TO CANCEL OUR CONTRACT!!!",
        "Ｗｅ ｗａｎｔ ｔｏ ｃａｎｃｅｌ our contract",
    ],
)
def test_markup_line_breaks_and_invisible_characters_hide_nothing(text: str) -> None:
    (evidence,) = find_evidence([TicketText("T1", DAY, text)])
    assert evidence.kind is EvidenceKind.ASKS_TO_CANCEL
    assert not set(evidence.quote) & set("<>\u202e\u200b\u00ad")


def test_competitors_of_the_settings_are_whole_words() -> None:
    assert kinds("Corvex shows this on one page.", "Corvex", "Flow Barn") == {"names_competitor"}
    assert kinds("flow barn is cheaper.", "Corvex", "Flow Barn") == {"names_competitor"}
    assert kinds("The corvexity is wrong.", "Corvex", " ") == set()
    (evidence,) = find_evidence([TicketText("T1", DAY, "Bei Corvex ist das besser und einfacher für uns.")], ["Corvex"])
    assert evidence.language == "de"


def test_each_kind_is_quoted_once_a_text_and_the_newest_comes_first() -> None:
    old, new = date(2026, 1, 5), date(2026, 2, 5)
    text = "We want to cancel our contract. Tell us how to cancel the contract."
    evidence = find_evidence([TicketText("T1", old, text), TicketText("T2", new, text)])
    assert [(item.ticket_id, item.written_on, item.quote) for item in evidence] == [
        ("T2", new, "We want to cancel our contract."),
        ("T1", old, "We want to cancel our contract."),
    ]


def test_a_quote_has_whole_words_and_contains_the_phrase() -> None:
    sentence = f"{'before ' * 60}we want to cancel our contract {'after ' * 60}".strip()
    (evidence,) = find_evidence([TicketText("T1", DAY, sentence)])
    assert len(evidence.quote) <= QUOTE_CHARS
    assert evidence.quote.startswith("…")
    assert evidence.quote.endswith("…")
    assert "cancel our contract" in evidence.quote
    assert set(evidence.quote.strip("…").split()) <= set(sentence.split())


@given(st.text(max_size=600), st.integers(0, 600), st.integers(1, 300))
def test_no_quote_is_too_long(sentence: str, first: int, length: int) -> None:
    assert len(quote(sentence, (min(first, len(sentence)), min(first + length, len(sentence))))) <= QUOTE_CHARS


@settings(max_examples=300)
@given(st.text(max_size=2000))
def test_any_text_can_be_searched(text: str) -> None:
    find_evidence([TicketText("T1", DAY, text)], ["Corvex"])
    assert all("\n" not in sentence for sentence in customer_sentences(text))


@pytest.mark.parametrize(
    "piece", ["cancel ", "if we ", "<", "<a ", "&", "wir ", ">", "a", "not ", "On ", "- ", "(", "our "]
)
def test_a_long_text_is_searched_to_its_limit(piece: str) -> None:
    """A search that goes back and forth would not end on these."""
    text = piece * 100_000
    assert len(plain_text(text)) <= MAX_CHARS
    assert find_evidence([TicketText("T1", DAY, text)], ["Corvex"]) == find_evidence(
        [TicketText("T1", DAY, text[:MAX_CHARS])], ["Corvex"]
    )


def simulated_requests() -> list[str]:
    asks = (sentences for by_kind in ASKS.values() for sentences in by_kind.values())
    return [sentence.format(rival="Corvex") for sentences in asks for sentence in sentences]


def not_selected(texts: Sequence[str]) -> list[str]:
    """The texts that a database leaves out."""
    with duckdb.connect() as connection:
        connection.register("rows", pa.table({"text": pa.array(texts, pa.string())}))
        sql = "SELECT text FROM rows WHERE NOT regexp_matches(lower(text), ?)"
        return [text for (text,) in connection.execute(sql, [evidence_gate(["Corvex", "İş Tek"])]).fetchall()]


DISGUISES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "capital letters": str.upper,
    "one word a line": lambda text: text.replace(" ", "\n"),
    "windows lines": lambda text: text.replace(" ", "\r\n"),
    "quoted mail between the lines": lambda text: text.replace(" ", "\n> you wrote\n"),
    "typographic": lambda text: text.replace("'", "’").replace(" ", "\u00a0"),
    "decomposed accents": lambda text: unicodedata.normalize("NFD", text),
    "soft hyphens": "\u00ad".join,
    "control characters": "\x07".join,
    "wide letters": lambda text: "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text),
    "a tag in each word": lambda text: re.sub(r"(\w)(\w)", r"\1<b></b>\2", text),
    "entities": lambda text: "".join(f"&#{ord(char)};" for char in text),
}
"""Ways to write a sentence that are the same to a reader."""

SEPARATORS = (
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "\u00a0",
    "\n> you wrote\n",
    "\nSent from my phone\n",
    "<br>",
    "\u2028",
    "\x0b",
)
"""What may be between two words of a sentence."""


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_database_selects_every_text_with_evidence(disguise: str) -> None:
    texts = [sentence for _, sentence, expected in labelled_sentences() if expected]
    texts += [*simulated_requests(), "Corvex shows this.", "İş Tek shows this.", "We want to can\u200bcel"]
    texts.append("We want to <b>can</b>cel")
    assert not_selected([DISGUISES[disguise](text) for text in texts]) == []


def test_a_database_leaves_out_other_texts() -> None:
    other = "Thanks for the help, it's fine.\r\nÜbrigens: très bien – señor…"
    assert not_selected([other]) == [other]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([sentence for _, sentence, expected in labelled_sentences() if expected]),
    st.lists(st.sampled_from(SEPARATORS), min_size=1, max_size=8),
    st.text(max_size=20),
)
def test_no_text_with_evidence_is_left_out(sentence: str, separators: list[str], other: str) -> None:
    words = sentence.split(" ")
    text = "".join(word + separators[place % len(separators)] for place, word in enumerate(words)) + other
    if kinds(text, "Corvex"):
        assert not_selected([text]) == []


def test_kinds_are_those_of_the_evidence() -> None:
    texts = [sentence for _, sentence, _ in labelled_sentences()] + ["", "Corvex shows this."]
    assert [{kind.value for kind in kinds_of} for kinds_of in find_kinds(texts, ["Corvex"])] == [
        kinds(text, "Corvex") for text in texts
    ]


def test_the_intents_of_the_simulator_are_recognised() -> None:
    right = wrong = missed = 0
    for language, asks in ASKS.items():
        for kind, sentences in asks.items():
            for sentence in sentences:
                evidence = kinds(sentence.format(rival="Corvex"), "Corvex")
                right += kind in evidence
                missed += kind not in evidence
                wrong += len(evidence - {kind})
        for sentence in (sentence for sentences in NEGATED[language].values() for sentence in sentences):
            wrong += len(kinds(sentence))
        for sentence in asks["asks_to_cancel"]:
            wrong += len(kinds(QUOTED[language].format(sentence=sentence)))
    assert right / (right + wrong) >= 0.95
    assert right / (right + missed) >= 0.85
