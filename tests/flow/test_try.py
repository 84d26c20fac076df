"""`tieline try`: what can be pretended, what is shown, and what can be typed."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.flow.test_text import run
from tests.rehearsal.shop import FOLDER

SHOP = str(FOLDER / "shop.yaml")
ORDER = ("--keys", "1,1234", "--from", "07700900123")


def shown(*options: str, typed: str | None = None) -> str:
    code, told = run("try", SHOP, "--at", "2026-03-02 10:00", *options, typed=typed)
    assert code == 0, told
    return told


def test_a_service_answers_as_it_is_told_and_the_text_message_is_shown() -> None:
    told = shown(*ORDER, "--answer", 'orders={"status": "packed"}')
    assert "Your order is packed." in told
    assert "SMS to 07700900123: Order 1234: packed" in told


def test_several_answers_come_one_after_another() -> None:
    answers = ("--answer", "orders=404", "--answer", 'orders={"status": "packed"}')
    told = shown("--keys", "1,1111,1234", *answers)
    assert told.index("We do not know that order") < told.index("Your order is packed")


@pytest.mark.parametrize("trouble", ["--down", "--slow", "--lying"])
def test_a_service_in_trouble_leads_to_a_person(trouble: str) -> None:
    told = shown(*ORDER, trouble, "orders", "--queue", "nobody")
    assert "queue shop" in told
    assert "callback: queue shop, number 07700900123" in told


def test_a_chat_is_shown_message_by_message_and_takes_words() -> None:
    told = shown("--channel", "chat", "--keys", "our shops,2", "--answer", "branches=404")
    assert "┌ The Shop. How can we help?\n  │ 1 your order\n" in told
    assert "> our shops\n" in told


def test_an_sms_that_says_stop_ends_the_thread() -> None:
    told = shown("--channel", "sms", "--keys", "stop")
    assert "The Shop: you will get no more messages." in told
    assert told.endswith("the call ends\n")


def test_a_calendar_can_be_held_closed() -> None:
    assert "a person, press 5" not in shown("--switch", "desk=closed", "--keys", "0")


def test_who_could_take_the_call_is_told() -> None:
    assert "who could take it: Ana Ruiz (1001)" in shown("--keys", "0", "--queue", "answered")


def test_a_code_is_shown_in_its_message_and_a_pin_nowhere() -> None:
    told = shown("--keys", "4,123456,9876,123456", "--answer", 'people={"ok": true}')
    assert "Your code is 123456." in told
    assert "9876" not in told
    assert "pin = •••" in told


def test_commands_help_and_change_nothing() -> None:
    told = shown(typed="/help\n/fields\n/silence\n1\n/hangup\n")
    assert "/fields what is known" in told
    assert "level unknown" in told
    assert "Please press a key." in told
    assert told.endswith("the caller hangs up\n")


def test_the_end_of_the_input_is_the_end_of_the_call_wherever_it_comes() -> None:
    for typed in ("", "1\n", "6\n", "7\n"):
        assert "the call" in shown(typed=typed)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (("--answer", "orders=often"), "pretends nothing"),
        (("--switch", "desk"), "write it as desk=closed"),
        (("--channel", "fax"), "it is one of voice, chat, sms"),
    ],
)
def test_what_cannot_be_pretended_is_refused(wrong: tuple[str, str], told: str) -> None:
    code, shown = run("try", SHOP, *wrong)
    assert code == 2
    assert told in shown


class Orders(BaseHTTPRequestHandler):
    """A real service."""

    def do_GET(self) -> None:
        body = json.dumps({"status": f"found at {self.path}"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Silence."""


@pytest.fixture
def orders() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Orders)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_real_services_are_asked_only_when_that_is_wanted(tmp_path: Path, orders: str) -> None:
    shutil.copytree(FOLDER, tmp_path / "shop")
    (tmp_path / "shop" / "services.yaml").write_text(
        f'region: GB\nservices: {{orders: {{url: "{orders}"}}}}\n'
    )
    flow = str(tmp_path / "shop" / "shop.yaml")
    code, told = run("try", flow, *ORDER, "--real")
    assert code == 0
    assert "Your order is found at /orders/1234." in told
    code, told = run("try", flow, *ORDER)
    assert "found at" not in told
