"""A flow cannot leave the address that the administrator wrote."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from ivr.backends.addresses import Refused, address, is_public, redirected
from ivr.backends.answers import Lying

BASE = "https://shop.example/api"


def test_a_path_goes_below_the_address() -> None:
    assert str(address(BASE, "/orders/12", {})) == f"{BASE}/orders/12"
    assert str(address(BASE + "/", "/orders", {"q": "a b&c"})) == f"{BASE}/orders?q=a+b%26c"
    assert str(address(BASE, "", {})) == BASE


@pytest.mark.parametrize(
    "path",
    [
        "/../admin",
        "/a/../../admin",
        "/..",
        "/./a",
        "/%2e%2e/admin",
        "/%2E%2e%2fadmin",
        "/..%2fadmin",
        "/..%5cadmin",
        "/%252e%252e/admin",
        "/%25252e%25252e/admin",
        "/..;/admin",
        "/%2e%2e;x=1/admin",
        "/a%00b",
        "/a%0d%0ab",
        "/a%250d%250ab",
        "/%" + "25" * 9 + "41",
        "//evil.example/../x",
        "/a?b=1",
        "/a#b",
        "/a b",
        "/a\r\nb",
        "/a\\b",
        "/%zz",
        "/%",
        "/é",
        "admin",
        "@evil.example/",
        ".evil.example/",
        ":8080/",
        "/" + "a" * 3000,
    ],
)
def test_a_path_that_could_lead_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(Refused):
        address(BASE, path, {})


@given(st.text(max_size=40))
def test_no_value_in_a_path_leaves_the_address(value: str) -> None:
    path = "/orders/" + quote(value, safe="", errors="replace") + "/lines"
    try:
        found = address(BASE, path, {"q": value.encode("utf-8", "replace").decode()})
    except Refused:
        return
    assert found.origin() == URL(BASE).origin()
    assert found.raw_path.startswith("/api/orders/")
    assert found.raw_path.endswith("/lines")
    assert ".." not in found.path.split("/")


@given(st.text(alphabet="/.%2eEfF5c;\\?#@:ax", max_size=30))
def test_no_path_leaves_the_address_however_it_is_written(path: str) -> None:
    try:
        found = address(BASE, path, {})
    except Refused:
        return
    assert found.origin() == URL(BASE).origin()
    assert (found.raw_path + "/").startswith("/api/")
    assert not {".", ".."} & set(found.path.replace("\\", "/").split("/"))


def test_a_service_without_an_address_is_refused() -> None:
    with pytest.raises(Refused):
        address("", "/x", {})


def test_a_redirect_stays_where_it_is() -> None:
    assert str(redirected(URL(BASE), "/login?next=1")) == "https://shop.example/login?next=1"
    assert str(redirected(URL(BASE), "https://shop.example:443/x")).endswith("/x")
    for elsewhere in ("http://shop.example/", "https://shop.example:8443/", "//shop.example.evil/"):
        with pytest.raises(Lying):
            redirected(URL(BASE), elsewhere)


@pytest.mark.parametrize(
    ("found", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:127.0.0.1", False),
        ("fd00::1", False),
        ("64:ff9b::5db8:d822", True),
        ("64:ff9b::10.1.2.3", False),
        ("64:ff9b:1::1", False),
        ("2002:7f00:1::", False),
        ("::127.0.0.1", False),
        ("::ffff:0:127.0.0.1", False),
        ("fec0::1", False),
    ],
)
def test_which_addresses_belong_to_the_internet(found: str, public: bool) -> None:
    assert is_public(found) is public
