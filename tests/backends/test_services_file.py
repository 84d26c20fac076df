"""services.yaml: every mistake at its place, no secret in it, nothing missing in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.backends.services import (
    CodeRules,
    Database,
    Gateway,
    Lockout,
    Service,
    Services,
    parse_services,
    read_services,
)
from ivr.flow.actions import Failed
from ivr.flow.errands import Http, Lookup
from ivr.flow.loading.yaml import Problems
from tests.backends.house import house, says, wire

WHOLE = """
region: CN
services:
  orders:
    url: "https://shop.example/api"
    timeout: 3s
    headers: {Authorization: {env: ORDERS_TOKEN, prefix: "Bearer "}, Accept-Language: en}
  people: {url: "http://10.0.0.5/identify", kind: identity}
  gateway: {url: {env: GATEWAY_URL}, private: true, limit: 30s, at_once: 4}
databases:
  branches:
    url: "sqlite+aiosqlite:///b.sqlite"
    query: "select address from branches where city = :city and kind = :kind"
sms: {service: gateway, from: "1000", to: ["+86*"]}
outside: ["+8610*", "0800*", "112"]
lockout: {failures: 3, within: 10m, lasts: 1h}
codes: {checks: 2, per_hour: 4}
"""
ENV = {"ORDERS_TOKEN": "t0ken", "GATEWAY_URL": "http://sms.lan/send"}


def told(source: str, env: dict[str, str] | None = None) -> list[str]:
    problems = Problems()
    parse_services(source, "services.yaml", problems, ENV if env is None else env)
    return [str(problem).removeprefix("services.yaml:") for problem in problems.all()]


def test_all_that_can_be_said() -> None:
    problems = Problems()
    found = parse_services(WHOLE, "services.yaml", problems, ENV)
    assert problems.all() == []
    headers = {"Authorization": "Bearer t0ken", "Accept-Language": "en"}
    assert found == Services(
        services={
            "orders": Service("orders", "https://shop.example/api", timeout=3.0, headers=headers),
            "people": Service("people", "http://10.0.0.5/identify", "identity"),
            "gateway": Service(
                "gateway", "http://sms.lan/send", private=True, limit=30.0, at_once=4
            ),
        },
        databases={
            "branches": Database(
                "branches",
                "sqlite+aiosqlite:///b.sqlite",
                "select address from branches where city = :city and kind = :kind",
                frozenset({"city", "kind"}),
            )
        },
        gateway=Gateway("gateway", "1000", ("+86*",)),
        outside=("+8610*", "0800*", "112"),
        region="CN",
        lockout=Lockout(3, 600.0, 3600.0),
        codes=CodeRules(2, 4),
    )
    assert "t0ken" not in repr(found)


def test_what_flows_are_checked_against() -> None:
    names = parse_services(WHOLE, "services.yaml", Problems(), ENV).names()
    assert names.services == {"orders": "http", "people": "identity", "gateway": "http"}
    assert names.of_kind("identity") == ("people",)
    assert names.databases == {"branches": frozenset({"city", "kind"})}
    assert (names.outside[0], names.region, names.sms) == ("+8610*", "CN", True)


def test_without_the_file_nothing_may_be_reached(tmp_path: Path) -> None:
    problems = Problems()
    assert read_services(tmp_path / "services.yaml", problems, {}) == Services()
    assert problems.all() == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("services: {x: {url: 'ftp://a/b'}}", "1:21: this is no address of a service"),
        ("services: {x: {url: 'https://u:pw@a/b'}}", "1:21: a password stands in the address"),
        ("services: {x: {url: 'https://a/?key=1'}}", "1:21: the address has more than a path"),
        ("services: {x: {url: 'http://shop.example'}}", "1:21: shop.example would be asked in the"),
        ("services: {x: {url: 'https://a/b c'}}", "1:21: the address has a space"),
        ("services: {x: {url: 'https://bücher.example'}}", "1:21: the address has a space, or"),
        ("services: {x: {url: 'http://127.1'}}", "1:21: this is no address of a service"),
        ("services: {x: {kind: http}}", '1:15: the service "x" lacks "url"'),
        ("services: {x: {url: 'https://a', kind: odd}}", '1:40: "kind" cannot be "odd"'),
        ("services: {x: {url: 'https://a', retries: 3}}", "1:34: unknown key in the service"),
        ("services: {X y: {url: 'https://a'}}", '1:12: "X y" cannot be a name here'),
        (
            "services: {x: {url: 'https://a', headers: {Authorization: abc}}}",
            "1:59: the header Authorization is a secret and stands in the file",
        ),
        (
            "services: {x: {url: 'https://a', headers: {X-Api-Key: abc}}}",
            "1:55: the header X-Api-Key is a secret and stands in the file",
        ),
        (
            "services: {x: {url: 'https://a', headers: {Host: b}}}",
            "1:44: the header Host is set by Tieline",
        ),
        (
            'services: {x: {url: "https://a", headers: {"A\\nB": b}}}',
            '1:44: "A B" cannot be the name of a header',
        ),
        (
            'services: {x: {url: "https://a", headers: {A: "b\\r\\nEvil: 1"}}}',
            "1:47: the header A holds more than one line of text",
        ),
        (
            "services: {x: {url: 'https://a', headers: {A: é}}}",
            "1:47: the header A has letters beyond ASCII",
        ),
        ("services: {x: {url: {}}}", '1:21: "url" needs one source'),
        ("services: {x: {url: {env: A, file: b}}}", '1:21: "url" needs one source'),
        ("services: {x: {url: {secret: ../../b}}}", '1:30: "../../b" cannot be the name of a'),
        ("databases: {d: {url: sqlite:///x, query: 'select :a'}}", "1:22: its driver is not async"),
        ("databases: {d: {url: nonsense, query: 'select :a'}}", "1:22: this is no address of a d"),
        (
            "databases: {d: {url: 'mysql+aiomysql://u:pw@h/d', query: 'select :a'}}",
            "1:22: its driver is not installed: aiomysql",
        ),
        (
            "databases: {d: {url: 'sqlite+aiosqlite://u:pw@h/d', query: 'select :a'}}",
            "1:22: a password stands in the file",
        ),
        (
            "databases: {d: {url: 'sqlite+aiosqlite:///x', query: 'drop table :a'}}",
            '1:54: "query" may only read',
        ),
        (
            "databases: {d: {url: 'sqlite+aiosqlite:///x', query: 'select :a; drop table b'}}",
            '1:54: "query" may only read',
        ),
        (
            "databases: {d: {url: 'sqlite+aiosqlite:///x', query: 'select 1'}}",
            '1:54: "query" has no parameter',
        ),
        ("sms: {service: gatway}", '1:16: unknown service "gatway"'),
        ("outside: ['*']", '1:11: "*" is no pattern of numbers'),
        ("outside: ['+1*']", '1:11: "+1*" is no pattern of numbers'),
        ("outside: ['+49*', '8*6']", '1:19: "8*6" is no pattern of numbers'),
        ("region: China", '1:9: unknown region "China"'),
        ("lockout: {failures: 0}", '1:21: "failures" is 0'),
        ("secrets: {a: b}", "1:1: unknown key in the file"),
        ("- a", "1:1: the file must be a mapping"),
    ],
)
def test_every_mistake_has_its_place(source: str, problem: str) -> None:
    assert [each for each in told(source) if each.startswith(problem)], told(source)


def test_no_value_from_elsewhere_is_shown_in_a_message() -> None:
    source = "services: {x: {url: {env: A}, headers: {X-Token: {env: B}}}}"
    shown = told(source, {"A": "http://user:canary@host/", "B": "canary\nmore"})
    assert len(shown) == 2
    assert "canary" not in "".join(shown)


def test_what_is_not_there_is_told_with_its_cure_and_is_no_mistake_in_the_file(
    tmp_path: Path,
) -> None:
    (tmp_path / "empty").write_text("\n")
    source = (
        "services:\n"
        "  a: {url: {env: A_URL}}\n"
        "  b: {url: 'https://b', headers: {Authorization: {file: token}}}\n"
        "  c: {url: 'https://b', headers: {Authorization: {file: empty}}}\n"
        "  d: {url: 'https://b', headers: {Authorization: {secret: d}}}\n"
    )
    problems = Problems()
    env = {"CREDENTIALS_DIRECTORY": str(tmp_path / "creds")}
    found = parse_services(source, str(tmp_path / "services.yaml"), problems, env)
    assert problems.all() == []
    assert [str(each).replace(str(tmp_path), "") for each in found.missing] == [
        '/services.yaml:2:18: "url": the variable A_URL is not set (set A_URL)',
        "/services.yaml:3:57: the header Authorization: /token cannot be read: No such file or"
        " directory (put the value there)",
        "/services.yaml:4:57: the header Authorization: /empty is empty (put the value there)",
        "/services.yaml:5:59: the header Authorization: /creds/d cannot be read: No such file or"
        " directory (put the value there)",
    ]


def test_values_come_from_files_and_credentials(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")
    source = (
        "services:\n"
        "  b: {url: 'https://b', headers: {X-Token: {file: token, prefix: 'T '}}}\n"
        "  d: {url: 'https://b', headers: {X-Token: {secret: token}}}\n"
    )
    env = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    found = parse_services(source, str(tmp_path / "services.yaml"), Problems(), env)
    assert found.services["b"].headers == {"X-Token": "T abc"}
    assert found.services["d"].headers == {"X-Token": "abc"}


async def test_nothing_is_asked_while_its_secret_is_missing(tmp_path: Path) -> None:
    async with wire(says("200 OK", b"{}")) as there_is:
        source = (
            f"services: {{a: {{url: '{there_is.url}', headers: {{X-Token: {{env: T}}}}}}}}\n"
            "databases: {d: {url: {env: D}, query: 'select :a'}}\n"
        )
        services = parse_services(source, "services.yaml", Problems(), {})
        async with house(tmp_path, services) as there:
            missing = "services.yaml names a value for it that is not here"
            assert await there.run(Http("a", "get", "/")) == Failed(f"a: {missing}")
            assert await there.run(Lookup("d", {"a": "1"})) == Failed(f"d: {missing}")
    assert there_is.heard == []
