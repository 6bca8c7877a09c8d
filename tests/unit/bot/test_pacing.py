"""How often a chat may be written to, with a clock that the test moves."""

from bot.telegram.pacing import GROUP, MARGIN_S, PRIVATE, ChatPacing, Rate
from tests.fakes import FakeClock

PERSON, GROUP_ID, OTHER = 1001, -100200, -100300


def spend(pacing: ChatPacing, chat_id: int, times: int) -> None:
    for _ in range(times):
        assert pacing.delay_s(chat_id) == 0
        pacing.spend(chat_id)


def test_a_private_chat_takes_a_short_burst_and_then_waits() -> None:
    clock = FakeClock()
    pacing = ChatPacing(private=Rate(3, 3.0), clock=clock)
    spend(pacing, PERSON, 3)
    assert pacing.delay_s(PERSON) == 3.0
    clock.now += 2.5
    assert pacing.delay_s(PERSON) == 0.5
    clock.now += 0.5
    spend(pacing, PERSON, 3)


def test_no_minute_of_a_group_holds_more_than_twenty_calls() -> None:
    clock = FakeClock()
    pacing = ChatPacing(clock=clock)
    times: list[float] = []
    while len(times) < 100:
        clock.now += pacing.delay_s(GROUP_ID) or 0.7
        if pacing.delay_s(GROUP_ID) == 0:
            pacing.spend(GROUP_ID)
            times.append(clock.now)
    assert (GROUP.calls, GROUP.seconds) == (20, 60.0)
    assert all(later - earlier > 59.999 for earlier, later in zip(times, times[20:], strict=False))


def test_a_private_chat_takes_about_one_message_a_second() -> None:
    assert PRIVATE.calls / PRIVATE.seconds == 1


def test_a_chat_that_telegram_asks_to_leave_alone_rests_and_no_other() -> None:
    clock = FakeClock()
    pacing = ChatPacing(clock=clock)
    pacing.rest(GROUP_ID, 7)
    assert pacing.delay_s(GROUP_ID) == 7 + MARGIN_S
    assert pacing.delay_s(OTHER) == pacing.delay_s(PERSON) == 0
    pacing.rest(GROUP_ID, 1)
    assert pacing.delay_s(GROUP_ID) == 7 + MARGIN_S, "a shorter wait does not undo a longer one"
    clock.now += 7 + MARGIN_S
    assert pacing.delay_s(GROUP_ID) == 0


def test_quiet_chats_are_forgotten_and_busy_ones_are_not() -> None:
    clock = FakeClock()
    pacing = ChatPacing(clock=clock)
    pacing.rest(OTHER, 10_000)
    for chat_id in range(1, 3000):
        clock.now += 1
        pacing.spend(chat_id)
    assert len(pacing) < 1100
    assert pacing.delay_s(OTHER) > 0


def test_presses_in_a_group_use_half_of_its_calls_at_most() -> None:
    clock = FakeClock()
    pacing = ChatPacing(clock=clock)
    assert [pacing.take_press(GROUP_ID) for _ in range(11)] == [True] * 10 + [False]
    assert pacing.take_press(OTHER)
    assert all(pacing.take_press(PERSON) for _ in range(15))
    clock.now += 60
    assert pacing.take_press(GROUP_ID)
    pacing.rest(GROUP_ID, 5)
    assert not pacing.take_press(GROUP_ID)
