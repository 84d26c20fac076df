"""Every route of the house, whoever brought it: denied by default, documented, written down."""

from __future__ import annotations

import re
from dataclasses import replace

from ivr.web.openapi import document
from ivr.web.roles import Role
from ivr.web.routes import Raw, Route
from tests.web.desk_house import DeskHouse
from tests.web.house import FakeDoor, serving
from tests.web.test_openapi import sound

PERSONAL = re.compile(r"/api/(customers|contacts|users|audit|tickets|chats|floor)\b")
"""Below these, answers tell of people."""
OPEN = {
    ("GET", "/"),
    ("GET", "/desk"),
    ("GET", "/desk/"),
    ("GET", "/desk/{file:.+}"),
    ("POST", "/api/session"),
    ("GET", "/api/session"),
    ("GET", "/api/sign-in"),
    ("GET", "/api/sign-in/oidc"),
    ("GET", "/api/sign-in/oidc/back"),
    ("GET", "/api/sign-in/oidc/out"),
}
"""What strangers may ask; whoever adds to this says why beside the route."""
OPEN_BELOW = ("/widget", "/api/visitors", "/hooks/", "/forms")
UNIMPORTANT = {"POST /api/me/language", "POST /api/chats/{chat}/typing"}


def filled(route: Route) -> str:
    return re.sub(r"\{\w+(?::[^{}]*)?\}", "1", route.path)


async def test_every_route_lets_in_its_roles_and_nobody_else(house: DeskHouse) -> None:
    door = FakeDoor()
    # The bounds on how often are of no interest here.
    routes = [
        replace(each, limit=replace(each.limit, burst=10_000)) for each in house.web.server.routes
    ]
    async with serving(routes, door) as browser:
        for route in routes:
            for name in ("", "plain", *Role):
                body = {} if route.takes is None or isinstance(route.takes, Raw) else {"json": {}}
                who = browser.as_(str(name))
                answer = await who.ask(route.method, filled(route), allow_redirects=False, **body)
                detail = (await answer.json())["detail"] if answer.status >= 400 else ""
                place = (
                    f"{route.method} {route.path} as {name or 'nobody'}: {answer.status} {detail}"
                )
                if route.is_public:
                    assert answer.status != 401, place
                    assert not detail.startswith("This is for"), place
                elif not name:
                    assert answer.status == 401, place
                elif name in route.roles:
                    assert answer.status != 401, place
                    assert not detail.startswith("This is for"), place
                else:
                    assert answer.status == 403, place
                    assert detail.startswith("This is for"), place
                assert answer.status != 500, place


def test_what_is_open_to_strangers_is_a_short_list(house: DeskHouse) -> None:
    opened = {(each.method, each.path) for each in house.web.server.routes if each.is_public}
    assert {each for each in opened if not each[1].startswith(OPEN_BELOW)} == OPEN


def test_reads_of_personal_data_and_every_change_are_written_down(house: DeskHouse) -> None:
    silent = {
        f"{route.method} {route.path}"
        for route in house.web.server.routes
        if not (route.is_public or route.audit)
        and (PERSONAL.match(route.path) or route.method != "GET")
    }
    assert silent == UNIMPORTANT


def test_the_document_has_every_route_and_is_sound(house: DeskHouse) -> None:
    told = document(house.web.server.routes, "1", "http://127.0.0.1")
    sound(told)
    written = {(method.upper(), path) for path, each in told["paths"].items() for method in each}
    served = {
        (each.method, re.sub(r"\{(\w+):[^{}]*\}", r"{\1}", each.path))
        for each in house.web.server.routes
    }
    assert written == served
