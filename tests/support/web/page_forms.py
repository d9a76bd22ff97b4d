"""Send the forms of pages as a browser without script does, and read the cases that a page lists."""

import html
import re

import httpx

CASE = "case000000000"
"""The case at the top of the queue."""

_ROW = re.compile(r'<tr role="row" data-case="(\w+)">')
_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


def token_in(page: str) -> str:
    """The token against forged requests in the forms of a page."""
    token = _TOKEN.search(page)
    assert token, page
    return token[1]


def send_form(browser: httpx.Client, path: str, **fields: str | list[str]) -> httpx.Response:
    """Send a form with the token of the session."""
    return browser.post(path, data={"csrf": token_in(browser.get("/queue").text), **fields})


def send_move(
    browser: httpx.Client, move: str, version: int | None = 1, case: str = CASE, **fields: str
) -> httpx.Response:
    """Send a form of a case's page, which was read at a version."""
    seen = {} if version is None else {"version": str(version)}
    return send_form(browser, f"/case/{case}/{move}", **seen, **fields)


def fields_of(page: str, action: str) -> dict[str, str]:
    """What a browser would send of the form that goes to an address."""
    form = re.search(rf'<form method="post" action="{action}".*?</form>', page, re.DOTALL)
    assert form, page
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0])
    shown = re.findall(r'<textarea name="([^"]+)"[^>]*>(.*?)</textarea>', form[0], re.DOTALL)
    return {name: html.unescape(value) for name, value in [*hidden, *shown]}


def listed_cases(page: httpx.Response) -> list[str]:
    """The cases of a list, in its order."""
    assert page.status_code < 500, page.text
    return _ROW.findall(page.text)
