"""Invented names of companies, account managers and ticket teams. Nobody here exists."""

from typing import Final

import numpy as np

from pipelines.simulator.clock import Ints

SEGMENTS: Final = ("smb", "mid", "enterprise")
INDUSTRIES: Final = ("software", "manufacturing", "retail", "logistics", "healthcare", "finance", "education", "media")
REGIONS: Final = ("emea", "amer", "apac")


def _words(text: str) -> list[str]:
    return text.split()


_FIRST = _words(
    """
    Alder Amber Arden Astra Basalt Beacon Birch Bright Calder Cedar Cobalt Copper Coral Delta Dover
    Ember Fable Fern Field Flint Forge Garnet Glen Granite Harbor Hazel Heron Indigo Iris Juniper
    Kestrel Lark Linden Lumen Maple Marlow Meridian Mill Noble North Oak Onyx Orchard Osprey Pine
    Quill Raven Ridge River Rowan Sable Sage Sierra Silver Slate Sparrow Stone Summit Tamar Thistle
    Tide Vale Verdant Wharf Willow Winter Wren
    """
)
_SECOND = _words(
    """
    bank beck bridge brook burn dale field ford gate grove ham haven hill holm hurst lake land ley
    mere mont more port rock side stead stone ton vale view ward water way well wick wood worth
    """
)
_TRADE = {
    "software": ("Software", "Systems", "Labs", "Digital"),
    "manufacturing": ("Works", "Industries", "Components", "Tooling"),
    "retail": ("Stores", "Trading", "Market", "Goods"),
    "logistics": ("Freight", "Logistics", "Lines", "Haulage"),
    "healthcare": ("Health", "Clinics", "Care", "Diagnostics"),
    "finance": ("Capital", "Finance", "Mutual", "Partners"),
    "education": ("Learning", "Academy", "Schools", "Press"),
    "media": ("Media", "Studios", "Publishing", "Pictures"),
}
_GIVEN = _words(
    """
    ada amir anouk bela carla chen dario dilek elif emil farah finn greta hana idris ines jonas juno
    kaito lea linnea luca maya milan nadia nils noor olga omar paula priya rafael rosa sami selma
    tarik tess uma viktor wanda
    """
)
_FAMILY = _words(
    """
    abel adler baran berg costa dahl diaz ekman ferro fox gray haas ito jansen kaya keller kovac
    lang lind lopez marin moreau nagy novak okafor orsini park patel quist rao reyes roth sato silva
    stein tan toth udo vega wolf yilmaz
    """
)


def companies(generator: np.random.Generator, industries: Ints) -> list[str]:
    """A company's name for each industry code; two companies may share one, as they do in life."""
    picks = generator.integers(0, 2**31, (len(industries), 3))
    return [
        f"{_FIRST[a % len(_FIRST)]}{_SECOND[b % len(_SECOND)]} {_TRADE[INDUSTRIES[industry]][c % 4]}"
        for industry, (a, b, c) in zip(industries.tolist(), picks.tolist(), strict=True)
    ]


def managers(codes: Ints) -> list[str]:
    """The account manager with each code, as a sign-in name."""
    given, family = len(_GIVEN), len(_FAMILY)
    step = codes * 389 % (given * family)
    return [f"{_GIVEN[code // family]}.{_FAMILY[code % family]}" for code in step.tolist()]
