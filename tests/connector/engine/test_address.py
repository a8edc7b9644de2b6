"""Proves where a connection may lead, and where it may not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from clientary_connector.call.address import Target, is_label, is_loopback, is_public, target_of
from clientary_connector.call.linepool import goes_to

pytestmark = pytest.mark.requirement("transport.target")

PATTERN = "{subdomain}.books.example"
HOSTILE = [
    "evil.com#", "evil.com/", "evil.com?", "x@evil.com:443/", "evil.com\\", "evil\u3002com/",
    "evil\uff0ecom/", "a.b", "-a", "a-", "a" * 64, "", "acme.", "acme ", " acme", "acme\n",
    "127.0.0.1:80/", "[::1]/", "xn--80ak6aa92e", "ACME", "\uff41cme", "acme%2e", "..", "a\x00",
]  # fmt: skip


@pytest.mark.parametrize("subdomain", HOSTILE)
def test_a_subdomain_that_is_no_plain_label_leads_nowhere(subdomain: str) -> None:
    """Everything but one ASCII label is refused, whatever a URL parser would make of it."""
    assert target_of(PATTERN, subdomain=subdomain) is None


@pytest.mark.parametrize("subdomain", ["acme", "a", "a-1", "9", "a" * 63])
def test_a_plain_label_leads_to_the_host_of_the_pattern(subdomain: str) -> None:
    """The host is the pattern with the label in it, over https, at the usual port."""
    target = target_of(PATTERN, subdomain=subdomain)
    assert target is not None
    assert target == Target("https", f"{subdomain}.books.example", None, loopback=False)
    assert target.origin == f"https://{subdomain}.books.example"


@given(st.text(max_size=70))
def test_whatever_is_taken_for_a_label_stays_the_first_part_of_the_host(text: str) -> None:
    """No text that passes changes what a URL parser takes for the host."""
    target = target_of(PATTERN, subdomain=text)
    if target is not None:
        assert re.fullmatch(r"[a-z0-9-]{1,63}", text, re.ASCII)
        assert URL(f"{target.origin}/x").host == f"{text}.books.example"


def test_a_host_without_a_subdomain_takes_none() -> None:
    """A service with one host for all refuses a subdomain, and does without."""
    assert target_of("api.books.example", subdomain="acme") is None
    target = target_of("api.books.example")
    assert target is not None
    assert target.host == "api.books.example"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.9.9.9:1/", "http://127.9.9.9:1"),
        ("http://localhost:65535", "http://localhost:65535"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_a_simulated_account_lives_on_loopback(url: str, origin: str) -> None:
    """Loopback by number or by name, over http, with its port."""
    target = target_of(PATTERN, sandbox=url)
    assert target is not None
    assert (target.origin, target.loopback) == (origin, True)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1:80", "https://127.0.0.1:80", "http://127.0.0.1", "http://127.0.0.1:0",
        "http://127.0.0.1:65536", "http://127.0.0.1:80/x", "http://a@127.0.0.1:80",
        "http://localhost.evil.example:80", "http://127.0.0.1:80\n", "http://127.1:80",
        "http://127.0.0.999:80", "http://[::2]:80", "http://0.0.0.0:80", "",
    ],
)  # fmt: skip
def test_a_simulated_account_lives_nowhere_else(url: str) -> None:
    """Any other address is refused before anything is sent."""
    assert target_of(PATTERN, sandbox=url) is None


def test_a_connection_is_real_or_simulated_and_never_both() -> None:
    """A subdomain beside the address of a simulated account is refused."""
    assert target_of(PATTERN, subdomain="acme", sandbox="http://127.0.0.1:80") is None
    assert target_of(PATTERN) is None


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "169.254.169.254", "0.0.0.0",  # noqa: S104
        "100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808",
        "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::", "not an address",
    ],
)  # fmt: skip
def test_an_address_inside_or_behind_a_tunnel_is_not_public(address: str) -> None:
    """Private, local, shared, multicast and tunnelled addresses are refused."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::1111", "::ffff:93.184.215.14"])
def test_an_address_on_the_open_internet_is_public(address: str) -> None:
    """Global unicast addresses are let through."""
    assert is_public(address)


def test_loopback_is_known_by_its_number_alone() -> None:
    """A name is no address."""
    assert is_loopback("127.0.0.53")
    assert is_loopback("::1%lo")
    assert not is_loopback("localhost")
    assert not is_loopback("8.8.8.8")


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.books.example/", "https://acme.books.example:444/", "https://evil.example/",
        "https://u:p@acme.books.example/",
    ],
)  # fmt: skip
def test_a_built_request_that_leads_elsewhere_is_told_apart(url: str) -> None:
    """Scheme, host, port and user part are compared, each on its own."""
    target = Target("https", "acme.books.example", None, loopback=False)
    assert not goes_to(URL(url), target)
    assert goes_to(URL("https://acme.books.example/x?y"), target)


def test_a_label_is_matched_whole() -> None:
    """A line break at the end does not slip through."""
    assert is_label("acme")
    assert not is_label("acme\n")
