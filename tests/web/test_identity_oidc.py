"""Signing in at a real provider over loopback: the whole code flow, and every answer that must not open the door."""

import hashlib
import hmac
import json
import shutil
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import select
from support.web.oidc_provider import CLIENT, SECRET, Provider, running
from support.web.web_people import People, TestClient, opened, settled

from serving.store.people_tables import SignIn

ANN = {"preferred_username": "ann", "groups": ["cs-leads", "everybody"]}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as found:
        found.claims = dict(ANN)
        yield found


@pytest.fixture
def people(provider: Provider, migrated_sqlite: Path, tmp_path: Path) -> Iterator[People]:
    path = tmp_path / "rescue.db"
    shutil.copy(migrated_sqlite, path)
    oidc = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    found = opened(path, auth="oidc", roles={"cs-leads": "lead"}, **oidc)
    yield found
    found.close()


def sign_in(browser: TestClient, to: str = "/queue?mine=1") -> httpx.Response:
    """Go to the provider and come back."""
    leaving = browser.get("/sign-in/oidc", params={"next": to})
    assert leaving.status_code == 302
    coming = httpx.get(leaving.headers["location"], trust_env=False).headers["location"]
    return browser.get(urlsplit(coming).path + "?" + urlsplit(coming).query)


def session_of(answer: httpx.Response) -> str | None:
    """The session that the answer sets."""
    for line in answer.headers.get_list("set-cookie"):
        cookie = SimpleCookie(line)
        if "__Host-rescue" in cookie:
            return cookie["__Host-rescue"].value
    return None


def test_the_provider_says_who_it_is_and_groups_give_the_roles(people: People, provider: Provider) -> None:
    settled(people.store, 1)  # whose policy has ann in the squad north
    browser = people.browser()
    answer = sign_in(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue?mine=1")
    me = browser.get("/api/v1/me").json()
    assert me == {"name": "ann", "roles": ["lead"], "squads": ["north"]}
    asked = provider.asked[0]
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) > 20
    assert len(asked["nonce"]) > 16
    assert parse_qs(urlsplit(asked["redirect_uri"]).query) == {}


def test_a_claim_of_squads_wins_over_the_policy(people: People, provider: Provider) -> None:
    provider.claims["squads"] = ["south"]
    browser = people.browser()
    sign_in(browser)
    assert browser.get("/api/v1/me").json()["squads"] == ["south"]


def test_signing_in_again_makes_a_new_session(people: People) -> None:
    browser = people.browser()
    first, second = session_of(sign_in(browser)), session_of(sign_in(browser))
    assert first and second and first != second
    assert people.identity.sessions.find(first) is None


def unsigned(claims: dict[str, Any], _key: RSAKey) -> str:
    """A token of the algorithm "none": its header says that there is no signature to check."""
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def signed_with(secret: Callable[[RSAKey], bytes]) -> Callable[[dict[str, Any], RSAKey], str]:
    """Makes a token that is signed symmetrically, with something that an attacker may know."""

    def forge(claims: dict[str, Any], key: RSAKey) -> str:
        header, body = (
            urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
            for part in ({"alg": "HS256", "typ": "JWT", "kid": "one"}, claims)
        )
        signature = hmac.new(secret(key), header + b"." + body, hashlib.sha256).digest()
        return b".".join((header, body, urlsafe_b64encode(signature).rstrip(b"="))).decode()

    return forge


OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one"})


@pytest.mark.parametrize(
    "spoil",
    [
        {"key": OTHER_KEY},
        {"claims": {"nonce": "another"}},
        {"claims": {"aud": "another"}},
        {"claims": {"iss": "http://127.0.0.1:1"}},
        {"claims": {"exp": 1, "iat": 0}},
        {"claims": {"iat": 4102444800, "nbf": 4102444800, "exp": 4102444900}},
        {"without": ("nonce",)},
        {"without": ("exp",)},
        {"forge": unsigned},
        {"forge": signed_with(lambda key: key.as_pem(private=False))},
        {"forge": signed_with(lambda key: json.dumps(key.as_dict(private=False)).encode())},
        {"forge": lambda claims, key: "no token"},
        {"state": "another"},
        {"claims": {"groups": ["everybody"]}},
        {"claims": {"groups": ["system"]}},
        {"claims": {"preferred_username": "rescue"}},
        {"claims": {"preferred_username": "Ann\u202e"}},
        {"claims": {"preferred_username": None}},
    ],
    ids=[
        "key",
        "nonce",
        "audience",
        "issuer",
        "expired",
        "not yet",
        "no nonce",
        "no end",
        "unsigned",
        "public key",
        "key set",
        "no token",
        "state",
        "no role",
        "system",
        "our name",
        "bidi",
        "no name",
    ],
)
def test_an_answer_that_does_not_hold_lets_nobody_in(people: People, provider: Provider, spoil: dict[str, Any]) -> None:
    provider.spoil = spoil
    browser = people.browser()
    answer = sign_in(browser)
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text
    assert session_of(answer) is None
    assert browser.get("/api/v1/me").status_code == 401
    with people.store.reading() as session:
        assert [(row.kind, row.how) for row in session.scalars(select(SignIn))] == [("refused", "oidc")]


def test_a_provider_that_changes_its_keys_is_still_trusted_and_the_old_key_is_not(
    people: People, provider: Provider
) -> None:
    assert sign_in(people.browser()).status_code == 303
    old = provider.key
    provider.key = RSAKey.generate_key(2048, {"kid": "two", "alg": "RS256"})
    assert sign_in(people.browser()).status_code == 303
    provider.spoil = {"key": old}
    assert sign_in(people.browser()).status_code == 401


def test_the_way_back_without_the_way_there_lets_nobody_in(people: People, provider: Provider) -> None:
    victim = people.browser()
    leaving = people.browser().get("/sign-in/oidc")
    coming = urlsplit(httpx.get(leaving.headers["location"], trust_env=False).headers["location"])
    answer = victim.get(f"{coming.path}?{coming.query}")
    assert (answer.status_code, session_of(answer)) == (401, None)


def test_a_code_works_once(people: People, provider: Provider) -> None:
    browser = people.browser()
    leaving = browser.get("/sign-in/oidc")
    coming = urlsplit(httpx.get(leaving.headers["location"], trust_env=False).headers["location"])
    assert browser.get(f"{coming.path}?{coming.query}").status_code == 303
    assert browser.get(f"{coming.path}?{coming.query}").status_code == 401


def test_a_provider_that_is_away_is_told(people: People, provider: Provider) -> None:
    people.app.state.provider._server_metadata_url = "http://127.0.0.1:9/.well-known/openid-configuration"
    answer = people.browser().get("/sign-in/oidc")
    assert answer.status_code == 503
    assert "try again" in answer.text
