"""What buttons carry: it comes back as it was packed, within 64 bytes, and garbage is None."""

import string

from hypothesis import given
from hypothesis import strategies as st

from bot.telegram.callbacks import MAX_BYTES, Callback, pack, pattern, size, unpack
from bot.telegram.keyboards import place, read_place
from bot.telegram.trails import MAX_TRAIL, Bold, Found, Trail

actions = st.text(string.ascii_lowercase, min_size=1, max_size=4)
values = st.one_of(
    st.integers(-(10**9), 10**9), st.text(st.characters(codec="utf-8", exclude_characters=":"), max_size=30)
)
keys = st.sampled_from(["", "a", "k3f9a", "zzzzz"])
bolds = st.one_of(st.none(), st.builds(Bold, st.integers(0, 36**3), st.integers(0, 36**3)))
found = st.builds(Found, keys, st.integers(1, 9999), bolds)
trails = st.builds(
    Trail, st.sampled_from(["zh", "en"]), st.lists(found, min_size=1, max_size=12).map(tuple), st.booleans()
)


@given(actions, st.lists(values, max_size=4))
def test_what_fits_comes_back_and_what_does_not_is_refused(action: str, given_values: list[int | str]) -> None:
    try:
        data = pack(action, *given_values)
    except ValueError:
        assert size(":".join(["1" + action, *map(str, given_values)])) > MAX_BYTES
        return
    assert size(data) <= MAX_BYTES
    assert unpack(data) == Callback(action, tuple(map(str, given_values)))
    assert pattern(action[0]).match(data)


@given(st.text(max_size=80))
def test_garbage_is_never_an_error(data: str) -> None:
    callback = unpack(data)
    if callback is not None:
        callback.number(0)
        Trail.decode(callback.text(0))
        read_place(callback.text(0))


@given(trails)
def test_a_trail_comes_back(trail: Trail) -> None:
    assert Trail.decode(trail.encode()) == trail


@given(trails, st.sampled_from(["aa", "vu"]))
def test_a_trail_that_is_cut_fits_every_button_and_keeps_its_leading_article(trail: Trail, action: str) -> None:
    cut = trail.cut()
    assert cut.leading == trail.leading
    assert len(cut.encode()) <= MAX_TRAIL
    assert size(pack(action, place(Found("zzzzz", 9999)), cut.encode())) <= MAX_BYTES
    assert trail.found[: len(cut.found)] == cut.found


@given(found)
def test_a_place_comes_back(one: Found) -> None:
    assert read_place(place(one)) == Found(one.key, one.number)
