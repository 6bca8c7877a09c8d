"""Links to the wall: who may make one, what it allows, and for how long."""

import string
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest

from bot.web.links import LIFE, Links, Pass, Role

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
LINKS = Links(b"a key")


@pytest.mark.parametrize("role", ["view", "control"])
def test_a_link_says_which_session_which_role_and_until_when(role: Role) -> None:
    token = LINKS.sign(7, role, NOON)
    assert LINKS.read(token, NOON) == Pass(7, role, NOON + LIFE)
    assert LINKS.read(token, NOON + timedelta(hours=11)) == Pass(7, role, NOON + LIFE)


def test_a_link_is_no_good_once_it_has_expired() -> None:
    token = LINKS.sign(7, "view", NOON)
    assert LINKS.read(token, NOON + LIFE - timedelta(seconds=1))
    assert LINKS.read(token, NOON + LIFE) is None


def test_another_key_makes_another_link() -> None:
    assert LINKS.read(Links(b"another key").sign(7, "view", NOON), NOON) is None


def test_no_bit_of_a_link_can_be_turned() -> None:
    content = urlsafe_b64decode(LINKS.sign(7, "view", NOON))
    turned = 0
    for place in range(len(content) * 8):
        other = bytearray(content)
        other[place // 8] ^= 1 << place % 8
        assert LINKS.read(urlsafe_b64encode(bytes(other)).decode(), NOON) is None
        turned += 1
    assert turned == 264


def test_the_view_link_of_a_session_tells_nothing_of_its_control_link() -> None:
    view, control = (LINKS.sign(7, role, NOON) for role in ("view", "control"))
    assert view != control
    assert view[-27:] != control[-27:]


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 44, "A" * 45, "第" * 44, "A" * 43 + "=", "A" * 43 + "\n"])
def test_anything_else_is_no_link(token: str) -> None:
    assert LINKS.read(token, NOON) is None


def test_a_link_is_one_spelling_alone() -> None:
    token = LINKS.sign(7, "view", NOON)
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")
    for other in (token + "=", token + "A", " " + token, token[:20] + "." + token[20:]):
        assert LINKS.read(other, NOON) is None
