"""Finding a message of which nobody knows whether it arrived."""

import pytest
from telegram.error import BadRequest, NetworkError

from bot.telegram.seeking import REACH, Traces, seek

GROUP, PRIVATE = -1_000_000_000_123, 7


class Wall:
    """A chat as a bot finds it by editing: `ours` say something, `theirs` cannot be edited, the rest is not there."""

    def __init__(self, ours: dict[int, str], theirs: tuple[int, ...] = ()) -> None:
        self.ours, self.theirs, self.tried = ours, theirs, list[int]()

    async def change(self, candidate: int) -> None:
        self.tried.append(candidate)
        if candidate in self.theirs:
            raise BadRequest("Message can't be edited")
        if candidate not in self.ours:
            raise BadRequest("Message to edit not found")
        if self.ours[candidate] == "answer":
            raise BadRequest("Message is not modified: specified new message content ... are exactly the same")
        self.ours[candidate] = "answer"


@pytest.mark.parametrize("place", range(1, REACH + 1))
async def test_it_is_found_wherever_it_stands_within_reach(place: int) -> None:
    wall = Wall({10 + place: "answer"}, tuple(range(11, 11 + REACH)))
    wall.theirs = tuple(number for number in wall.theirs if number != 10 + place)
    assert await seek(PRIVATE, 10, (), wall.change) == 10 + place


async def test_known_messages_are_left_alone() -> None:
    wall = Wall({11: "another answer", 12: "answer"})
    assert await seek(PRIVATE, 10, (11,), wall.change) == 12
    assert wall.ours[11] == "another answer"


async def test_a_half_written_answer_is_completed() -> None:
    wall = Wall({12: "an ans"}, (11,))
    assert await seek(PRIVATE, 10, (), wall.change) == 12
    assert wall.ours == {12: "answer"}


async def test_in_a_supergroup_two_gaps_are_the_end_and_in_private_they_are_not() -> None:
    wall = Wall({14: "answer"}, (11,))
    assert await seek(GROUP, 10, (), wall.change) is None
    assert wall.tried == [11, 12, 13]
    assert await seek(PRIVATE, 10, (), wall.change) == 14


async def test_an_outage_decides_nothing() -> None:
    async def change(candidate: int) -> None:
        raise NetworkError("gone")

    with pytest.raises(NetworkError):
        await seek(PRIVATE, 10, (), change)


async def test_what_is_refused_as_such_is_not_looked_for() -> None:
    async def change(candidate: int) -> None:
        raise BadRequest("can't parse entities")

    assert await seek(PRIVATE, 10, (), change) is None


def test_suspicion_ends_with_the_first_question_that_was_not_answered() -> None:
    traces = Traces()
    traces.suspect(PRIVATE, 10, (8, 9))
    traces.suspect(PRIVATE, 12, ())
    assert traces.is_suspect(PRIVATE, 12)
    assert set(traces.ours(PRIVATE)) == {8, 9}
    traces.not_found(PRIVATE)
    assert not traces.is_suspect(PRIVATE, 12)


def test_what_was_sent_is_told_once() -> None:
    traces = Traces()
    traces.sent(PRIVATE, 11)
    traces.sent(PRIVATE, 12)
    assert (traces.collect(PRIVATE), traces.collect(PRIVATE)) == ([11, 12], [])
    assert set(traces.ours(PRIVATE)) == {11, 12}
