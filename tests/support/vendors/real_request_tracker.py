"""A real Request Tracker of Debian (`request-tracker5`), on SQLite, with users and tokens of its own."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = Path("/usr/share/request-tracker5")
INSTALLED = (HOME / "libexec/rt-server").is_file() and shutil.which("rt-setup-database-5", path="/usr/sbin") is not None
USERS = {
    "rescue": "rescue@desk.example",
    "zoe": "zoe@desk.example",
    "cid": "cid@desk.example",
    "ann": "ann@desk.example",
}

SITE = """
Set($rtname, 'rescue-test');
Set($Organization, 'example.org');
Set($WebDomain, 'localhost');
Set($WebPort, {port});
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '{folder}/rtdb');
Set($LogToSTDERR, 'error');
Set($LogToSyslog, undef);
Set($MailCommand, 'testfile');
Set($Timezone, 'UTC');
1;
"""
SEED = """
use strict; use warnings;
use lib '/usr/share/request-tracker5/lib';
use RT -init;
use RT::AuthToken;
for my $entry (@ARGV) {
    my ($name, $mail) = split /=/, $entry;
    my $user = RT::User->new(RT->SystemUser);
    my ($id, $problem) = $user->Create(Name => $name, EmailAddress => $mail, RealName => $name, Privileged => 1);
    die $problem unless $id;
    $user->PrincipalObj->GrantRight(Right => $_, Object => RT->System)
        for qw(SeeQueue ShowTicket CreateTicket ModifyTicket CommentOnTicket ShowTicketComments OwnTicket
               ReassignTicket ReplyToTicket DeleteTicket Privileged);
    my $token = RT::AuthToken->new(RT->SystemUser);
    my ($made, $reason, $string) = $token->Create(Owner => $id, Description => 'test');
    die $reason unless $made;
    print "$name $string\\n";
}
"""


@dataclass(frozen=True)
class RequestTracker:
    """The address of the server, and a token of each user."""

    url: str
    tokens: dict[str, str]

    def call(self, method: str, path: str, body: Any = None, by: str = "zoe") -> Any:
        """A request as a person there makes it."""
        content = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"token {self.tokens[by]}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/REST/2.0{path}", content, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@contextmanager
def request_tracker(folder: Path) -> Iterator[RequestTracker]:
    """A server with an empty database, until the end of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "site.d").mkdir()
    (folder / "site.pm").write_text(SITE.replace("{port}", str(port)).replace("{folder}", str(folder)))
    (folder / "seed.pl").write_text(SEED)
    environment = {
        **os.environ,
        "RT_SITE_CONFIG": str(folder / "site.pm"),
        "RT_SITE_CONFIG_DIR": str(folder / "site.d"),
    }
    setup = ["--action", "init", "--skip-create"]
    subprocess.run(["/usr/sbin/rt-setup-database-5", *setup], env=environment, check=True, capture_output=True)
    people = [f"{name}={mail}" for name, mail in USERS.items()]
    seeded = subprocess.run(
        ["perl", str(folder / "seed.pl"), *people], env=environment, check=True, capture_output=True, text=True
    )
    tokens = dict(line.split() for line in seeded.stdout.splitlines())
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [str(HOME / "libexec/rt-server"), "--port", str(port)], env=environment, stdout=log, stderr=log
        )
    tracker = RequestTracker(f"http://127.0.0.1:{port}", tokens)
    try:
        _wait(tracker)
        yield tracker
    finally:
        server.terminate()
        server.wait(20)


def _wait(tracker: RequestTracker) -> None:
    """Until the server answers."""
    deadline = time.monotonic() + 120
    while True:
        try:
            tracker.call("GET", "/rt")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)
        else:
            return
