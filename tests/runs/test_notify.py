"""`check --notify` tells a webhook and a command what came out otherwise than the last time, and never fails for it."""

from __future__ import annotations

import base64
import json
import re
import socket
import stat
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from architect_migrate.core.errors import NotifyError
from architect_migrate.runs import notify
from support.cli import archmig, build, executable, execute, primed
from support.json_schemas import validator
from support.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENT = PROJECT / "docs" / "json.md"
SECRETS = ("hunter2", "t0ken", "T000", "s3cret")


@dataclass
class Posted:
    """What a webhook got; `answer` is the status that it gives, `pause` how long it thinks."""

    address: str
    bodies: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    answer: int = 200
    pause: float = 0


@contextmanager
def server() -> Iterator[Posted]:
    released = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            released.wait(got.pause)
            got.paths.append(self.path)
            got.headers.append(dict(self.headers))
            got.bodies.append(json.loads(body))
            self.send_response(got.answer)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        got = Posted(f"127.0.0.1:{listening.server_port}")
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield got
        finally:
            released.set()
            listening.shutdown()
            thread.join()


@pytest.fixture
def hook() -> Iterator[Posted]:
    with server() as got:
        yield got
    assert [error.message for body in got.bodies for error in validator("notify").iter_errors(body)] == []


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(build(tmp_path))
    monkeypatch.delenv("ARCHMIG_CONFIG", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def configure(place: Path, *lines: str) -> None:
    file = place / "environments.toml"
    before = file.read_text().partition("[notify]")[0]
    file.write_text("\n".join([before, "[notify]", *lines]) + "\n")


def memory(place: Path) -> Path:
    return place / ".archmig" / "notified.json"


def changes(body: Any) -> dict[str, tuple[str | None, str]]:
    return {
        one["name"]: (one["from"]["verdict"] if one["from"] else None, one["to"]["verdict"])
        for one in body["environments"]
    }


def test_the_first_check_tells_how_everything_is_and_the_next_tells_nothing(place: Path, hook: Posted) -> None:
    configure(place, f'webhook = "http://{hook.address}/hook"')
    plain = archmig("check", "--all")
    assert not memory(place).parent.exists()
    first = archmig("check", "--all", "--notify")
    assert (first.code, first.out) == (plain.code, plain.out) == (1, plain.out)
    assert first.err == f"notified http://{hook.address} of home, behind, lost, empty, gone\n"
    (body,) = hook.bodies
    assert changes(body) == {
        "home": (None, "clean"),
        "behind": (None, "differs"),
        "lost": (None, "differs"),
        "empty": (None, "clean"),
        "gone": (None, "clean"),
    }
    again = archmig("check", "--all", "--notify")
    assert (again.code, again.err, len(hook.bodies)) == (1, "", 1)


def test_what_changed_is_told_from_what_to_what(place: Path, hook: Posted) -> None:
    configure(place, f'webhook = "http://{hook.address}/hook"')
    archmig("check", "--all", "--notify")
    execute(place / "home.db", "DROP INDEX ix_notes_due")
    assert archmig("upgrade", "-e", "behind", "--yes").code == 0
    done = archmig("check", "--all", "--notify", "--json")
    assert (done.code, done.err) == (1, "")
    body = hook.bodies[1]
    assert body["text"] == (
        "archmig check: home differs (1 behavioural difference from the chain; was clean before), "
        "behind is clean (differed before)"
    )
    assert changes(body) == {"home": ("clean", "differs"), "behind": ("differs", "clean")}
    assert (body["version"], body["event"], body["exit_code"]) == (2, "check", 1)
    assert body["config"] == str(place / "environments.toml")
    home = body["environments"][0]
    assert home["to"] == {
        "verdict": "differs",
        "state": "drifted",
        "heads": ["003_due"],
        "pending": [],
        "breaking": 0,
        "behavioural": 1,
        "why": "1 behavioural difference from the chain",
        "error": None,
    }
    found = {"level": "repair", "code": "behavioural-missing", "count": 1, "first": "index ix_notes_due on notes"}
    assert found in home["findings"]


def test_more_pending_than_before_is_news_though_the_verdict_is_the_same(place: Path, hook: Posted) -> None:
    configure(place, f'webhook = "http://{hook.address}/"')
    archmig("check", "-e", "behind", "--notify")
    assert archmig("downgrade", "001", "-e", "behind", "--yes").code == 0
    archmig("check", "-e", "behind", "--notify")
    assert [body["environments"][0]["to"]["pending"] for body in hook.bodies] == [["003_due"], ["002_tags", "003_due"]]


def test_only_what_was_checked_is_told_and_the_rest_stays_known(place: Path, hook: Posted) -> None:
    configure(place, f'webhook = "http://{hook.address}/"')
    for names in (["home"], ["lost"], ["home", "lost"]):
        archmig("check", *(word for name in names for word in ("-e", name)), "--notify")
    assert [[*changes(body)] for body in hook.bodies] == [["home"], ["lost"]]


def test_every_key_that_is_posted_is_described(place: Path, hook: Posted) -> None:
    configure(place, f'webhook = "http://{hook.address}/"')
    archmig("check", "--notify")
    execute(place / "lost.db", "DROP TABLE notes")
    archmig("check", "--notify")
    section = DOCUMENT.read_text(encoding="utf-8").partition("## check --notify")[2].partition("\n## ")[0]

    def keys(value: Any) -> set[str]:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return {*(value if isinstance(value, dict) else ())}.union(*map(keys, inner))

    assert keys(hook.bodies) <= set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`", section))))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (500, "it answered 500"),
        (404, "it answered 404"),
        (302, "it answered 302, a redirect, which is not followed: use the URL that it leads to"),
        (307, "it answered 307, a redirect, which is not followed: use the URL that it leads to"),
    ],
)
def test_a_webhook_that_does_not_take_it_fails_no_check_and_is_told_again(
    place: Path, hook: Posted, answer: int, said: str
) -> None:
    configure(place, f'webhook = "http://me:hunter2@{hook.address}/T000/s3cret?token=t0ken"')
    hook.answer = answer
    done = archmig("check", "-e", "home", "--notify")
    assert done.code == 0
    again = "(the check's result is not affected; the next check with --notify notifies again)"
    assert done.err == f"archmig: http://{hook.address} was not notified: {said} {again}\n"
    assert not memory(place).exists()
    hook.answer = 204
    assert archmig("check", "-e", "home", "--notify").err == f"notified http://{hook.address} of home\n"
    assert changes(hook.bodies[-1]) == {"home": (None, "clean")}
    assert archmig("check", "-e", "home", "--notify").err == ""
    assert len(hook.bodies) == 2


def test_a_webhook_that_hangs_is_not_waited_for(place: Path, hook: Posted, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(place, f'webhook = "http://{hook.address}/"')
    monkeypatch.setattr(notify, "WEBHOOK_PATIENCE", 0.3)
    hook.pause = 60
    start = time.monotonic()
    done = archmig("check", "-e", "home", "--notify")
    assert time.monotonic() - start < 20
    assert done.code == 0
    assert "no answer within 0.3 s" in done.err
    assert not memory(place).exists()


def test_an_answer_that_comes_byte_by_byte_is_not_waited_for_either(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "WEBHOOK_PATIENCE", 0.4)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        configure(place, f'webhook = "http://127.0.0.1:{listening.getsockname()[1]}/"')

        def drip() -> None:
            client, _ = listening.accept()
            with client, suppress(OSError):
                for letter in b"HTTP/1.0 200 " + b"y" * 40:
                    client.sendall(bytes([letter]))
                    time.sleep(0.1)

        thread = threading.Thread(target=drip)
        thread.start()
        done = archmig("check", "-e", "home", "--notify")
        assert thread.is_alive()
        thread.join()
    assert "no answer within 0.4 s" in done.err


@pytest.mark.parametrize(
    ("webhook", "said"),
    [
        ("http://127.0.0.1:1/hunter2", "http://127.0.0.1:1 was not notified: Connection refused"),
        ("http://127.0.0.1:99999999/hunter2", "the webhook was not notified: "),
        ("http://127.0.0.1:1/hunter2 x", "http://127.0.0.1:1 was not notified: "),
        ("http:///hunter2", "was not notified: "),
        ("https://{address}/hunter2", "https://{address} was not notified: "),
        ("http://[::1/hunter2", "the webhook was not notified: "),
    ],
)
def test_a_webhook_that_is_not_there_or_is_no_url_is_one_line(
    place: Path, hook: Posted, webhook: str, said: str
) -> None:
    configure(place, f'webhook = "{webhook.format(address=hook.address)}"')
    done = archmig("check", "-e", "home", "--notify", "--debug")
    assert done.code == 0
    assert said.format(address=hook.address) in done.err
    assert len(done.err.splitlines()) == 1
    assert "hunter2" not in done.err + done.out


def test_a_login_in_the_url_is_sent_as_one_and_no_secret_is_told_or_kept(place: Path, hook: Posted) -> None:
    configure(place, f'webhook = "http://me:hunt%40er2@{hook.address}/T000/s3cret?token=t0ken"')
    done = archmig("check", "--all", "--notify", "--debug")
    assert hook.paths == ["/T000/s3cret?token=t0ken"]
    login = base64.b64encode(b"me:hunt@er2").decode()
    assert hook.headers[0]["Authorization"] == f"Basic {login}"
    assert hook.headers[0]["Content-Type"].startswith("application/json")
    seen = done.out + done.err + memory(place).read_text() + json.dumps(hook.bodies)
    assert not any(one in seen for one in (*SECRETS, "hunt@er2", "hunt%40er2", login))


def test_the_variable_of_a_webhook_is_its_secret(place: Path, hook: Posted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", f"http://{hook.address}/T000/s3cret")
    configure(place, 'webhook = "${HOOK}"')
    assert archmig("check", "-e", "home", "--notify").err == f"notified http://{hook.address} of home\n"


def test_only_http_is_spoken(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("secret")
    for url in (f"file://{tmp_path}/x", "ftp://127.0.0.1/x", "data:,x"):
        with pytest.raises(NotifyError):
            notify.post(url, "{}")


def test_a_command_gets_it_on_its_stdin_in_the_folder_of_the_file(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "tell").write_text("#!/bin/sh\ncat > told.json; echo said; echo $1 > word\n")
    (place / "tell").chmod(0o755)
    configure(place, 'command = ["./tell", "$HOME; touch pwned"]')
    (place / "deep").mkdir()
    monkeypatch.chdir(place / "deep")
    done = archmig("check", "-e", "lost", "--notify")
    assert (done.code, done.err) == (1, "notified ./tell of lost\n")
    assert "said" not in done.out
    assert changes(json.loads((place / "told.json").read_text())) == {"lost": (None, "differs")}
    assert (place / "word").read_text() == "$HOME; touch pwned\n"
    assert not list(place.rglob("pwned"))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["sh", "-c", "echo one >&2; echo 'cannot reach http://me:hunter2@host/'; exit 3"], "it ended with code 3: "),
        (["no-such-program"], "no-such-program was not notified: No such file or directory"),
        (["sh", "-c", "kill -9 $$"], "it ended with code -9"),
        (["sleep", "60"], "it took longer than 0.3 s, and was stopped"),
        (["sh", "-c", "sleep 60 & wait"], "it took longer than 0.3 s, and was stopped"),
    ],
)
def test_a_command_that_fails_or_hangs_fails_no_check_and_is_told_again(
    place: Path, command: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(place, f"command = {json.dumps(command)}")
    monkeypatch.setattr(notify, "COMMAND_PATIENCE", 0.3)
    for _ in range(2):
        done = archmig("check", "-e", "home", "--notify")
        assert done.code == 0
        assert said in done.err
        assert len(done.err.splitlines()) == 1
        assert "hunter2" not in done.err
    assert not memory(place).exists()


def test_what_a_command_leaves_running_is_not_waited_for(place: Path) -> None:
    configure(place, 'command = ["sh", "-c", "sleep 20 &"]')
    start = time.monotonic()
    assert archmig("check", "-e", "home", "--notify").err == "notified sh of home\n"
    assert time.monotonic() - start < 15


def test_of_two_that_are_told_the_one_that_failed_is_told_again(place: Path, hook: Posted) -> None:
    script = "cat > /dev/null; echo >> told; exit $(cat code)"
    configure(place, f'webhook = "http://{hook.address}/"', f"command = {json.dumps(['sh', '-c', script])}")
    for code in (1, 0, 0):
        (place / "code").write_text(str(code))
        archmig("check", "-e", "home", "--notify")
    assert len(hook.bodies) == 1
    assert (place / "told").read_text() == "\n\n"


def test_the_memory_is_its_owners_and_replaced_as_a_whole(place: Path, hook: Posted) -> None:
    configure(place, f'webhook = "http://{hook.address}/"')
    archmig("check", "-e", "home", "--notify")
    assert stat.S_IMODE(memory(place).stat().st_mode) == 0o600
    assert stat.S_IMODE(memory(place).parent.stat().st_mode) == 0o700
    number = memory(place).stat().st_ino
    archmig("check", "-e", "lost", "--notify")
    assert memory(place).stat().st_ino != number
    assert [path.name for path in memory(place).parent.iterdir()] == ["notified.json"]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 2}', '{"version": 1, "told": {"webhook": {"home": 5}}}', "\xff"]
)
def test_a_memory_that_nobody_can_read_is_none(place: Path, hook: Posted, text: str) -> None:
    configure(place, f'webhook = "http://{hook.address}/"')
    memory(place).parent.mkdir()
    memory(place).write_text(text, encoding="latin-1")
    for _ in range(2):
        assert archmig("check", "-e", "home", "--notify").code == 0
    assert [changes(body) for body in hook.bodies] == [{"home": (None, "clean")}]


def test_a_memory_that_cannot_be_written_is_said_and_nothing_else(place: Path, hook: Posted) -> None:
    configure(place, f'webhook = "http://{hook.address}/"')
    (place / ".archmig").write_text("in the way")
    done = archmig("check", "-e", "home", "--notify")
    assert done.code == 0
    assert "cannot be written (File exists): the same notification is sent again the next time" in done.err


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_to_tell_nobody_is_a_mistake_that_says_what_to_write(place: Path, words: list[str]) -> None:
    done = archmig("check", "--all", "--notify", *words)
    assert done.code == 2
    assert done.err == (
        f"archmig: --notify needs [notify], and {place}/environments.toml has none (add [notify] to it, with "
        'webhook = "https://..." or command = ["program", "argument"])\n'
    )


def test_what_cannot_be_told_is_news_once_whatever_the_words(place: Path, hook: Posted) -> None:
    configure(place, f'webhook = "http://{hook.address}/"')
    (place / "home.db").write_bytes(b"no database, but a text\n" * 99)
    assert [archmig("check", "-e", "home", "--notify").code for _ in range(2)] == [2, 2]
    (change,) = hook.bodies[0]["environments"]
    assert (change["to"]["verdict"], change["to"]["error"]) == ("cannot_tell", "NotADatabaseError")
    assert "not an SQLite database" in change["to"]["why"]
    assert len(hook.bodies) == 1


def test_a_chain_that_does_not_run_any_more_is_news_of_every_environment(place: Path, hook: Posted) -> None:
    configure(place, f'webhook = "http://{hook.address}/"')
    archmig("check", "--all", "--notify")
    (place / "chain" / "versions" / "003_due.py").write_text("def upgrade(:\n")
    done = [archmig("check", "--all", "--notify") for _ in range(2)]
    assert [one.code for one in done] == [2, 2]
    assert len(hook.bodies) == 2
    assert {body["to"]["error"] for body in hook.bodies[1]["environments"]} == {"ReplayError"}
    assert [*changes(hook.bodies[1])] == ["home", "behind", "lost", "empty", "gone"]


def test_checks_of_different_environments_at_once_lose_nothing(place: Path, hook: Posted) -> None:
    configure(place, f'webhook = "http://{hook.address}/"')
    names = ("home", "behind", "lost", "empty")
    primed(place)
    threads = [
        threading.Thread(target=executable, args=("check", "-e", name, "--notify"), kwargs={"cwd": place})
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(json.loads(memory(place).read_text())["told"]["webhook"]) == sorted(names)
