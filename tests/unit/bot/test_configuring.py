"""The settings panel: every button sets what it says, and nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.storage.chats import ChatSettings
from bot.telegram.callbacks import Callback, pack, unpack
from bot.telegram.configuring import MINUTES, changes_of, panel
from prompts import LANGUAGES, Language, load_replies

SETTINGS = st.builds(
    ChatSettings,
    trigger=st.sampled_from(["addressed", "unanswered"]),
    unanswered_after_min=st.sampled_from([*MINUTES, 7]),
    language=st.sampled_from(["auto", "zh", "en"]),
    length=st.sampled_from(["brief", "full"]),
    quiz_anonymous=st.booleans(),
    language_model=st.booleans(),
    quiet_from=st.none() | st.integers(0, 23),
    quiet_until=st.none() | st.integers(0, 23),
)


def buttons(settings: ChatSettings, *, private: bool, language: Language = "zh") -> list[tuple[str, Callback]]:
    keyboard = panel(settings, load_replies()[language], private=private).keyboard
    found = []
    for row in keyboard.inline_keyboard:  # type: ignore[union-attr]
        for button in row:
            callback = unpack(str(button.callback_data))
            assert callback is not None
            found.append((button.text, callback))
    return found


@given(SETTINGS, st.booleans(), st.sampled_from(LANGUAGES))
def test_a_marked_button_sets_what_is_set_already(settings: ChatSettings, private: bool, language: Language) -> None:
    marked = 0
    for words, callback in buttons(settings, private=private, language=language):
        for field, value in changes_of(callback, private=private).items():
            if words.startswith("✓"):
                assert getattr(settings, field) == value or field.startswith("quiet")
                marked += 1
            elif field not in ("quiet_from", "quiet_until"):
                assert getattr(settings, field) != value
    assert marked >= 2


@given(
    st.text(max_size=6).filter(lambda text: ":" not in text), st.text(max_size=6).filter(lambda text: ":" not in text)
)
def test_whatever_a_forged_button_holds_only_valid_settings_come_of_it(first: str, second: str) -> None:
    for action in ("st", "sl", "sa", "sq", "sm", "sn", "sh", "sx"):
        for field, value in changes_of(Callback(action, (first, second)), private=False).items():
            assert field in ChatSettings.__dataclass_fields__
            if field.startswith("quiet"):
                assert value is None or 0 <= value <= 23


@pytest.mark.parametrize("action", ["st", "sq", "sm", "sn", "sh"])
def test_in_private_a_groups_settings_cannot_be_set(action: str) -> None:
    assert changes_of(Callback(action, ("0", "1")), private=True) == {}


def test_hours_are_whole_and_differ() -> None:
    def hours(*values: int | str) -> dict[str, object]:
        callback = unpack(pack("sh", *values))
        assert callback is not None
        return changes_of(callback, private=False)

    assert hours(22, 7) == {"quiet_from": 22, "quiet_until": 7}
    assert hours("x") == {"quiet_from": None, "quiet_until": None}
    assert hours(7, 7) == hours(24, 7) == hours(-1, 7) == hours(7) == {}
