"""The people at the customer: who of them has left, and whether that was the champion or sponsor of the product."""

from functools import partial

from features.definitions.feature import Feature
from features.definitions.measures import Stream

LEFT = Stream("contacts", "contacts", "left_at")
CHAMPIONS_LEFT = LEFT.where("lower(role) SIMILAR TO '.*(champion|sponsor|decision|key contact|power user).*'")

_number = partial(Feature, group="adoption")

CONTACT_FEATURES = (
    _number(
        "contacts_left_90d",
        LEFT.count(90),
        "contacts who left the customer in 90 days",
        "people",
        "{contacts_left_90d:n contact} left the company in the last 90 days",
        1,
    ),
    _number(
        "contacts_champions_left_90d",
        CHAMPIONS_LEFT.count(90),
        "champions, sponsors and decision makers who left the customer in 90 days",
        "people",
        "{contacts_champions_left_90d:n champion or sponsor|champions or sponsors} left the company "
        "in the last 90 days",
        1,
    ),
    _number(
        "contacts_champion_left_days",
        CHAMPIONS_LEFT.since(),
        "days since a champion, sponsor or decision maker last left the customer",
        "days",
        "A champion or sponsor left the company {contacts_champion_left_days:ago}",
        -1,
    ),
)
