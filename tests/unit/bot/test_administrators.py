"""Who administers a group: asked of Telegram, believed for a minute; every doubt is a no."""

from typing import Any, cast

import pytest
from telegram import Bot, ChatMember, ChatMemberAdministrator, ChatMemberLeft, ChatMemberMember, ChatMemberOwner, User
from telegram.error import BadRequest, Forbidden, TelegramError, TimedOut

from bot.telegram.administrators import FRESH_S, Administrators
from tests.fakes import FakeClock

GROUP, PERSON = -100123, 4711
WANG = User(PERSON, "老王", is_bot=False)
RIGHTS: dict[str, Any] = dict.fromkeys(
    (
        "can_be_edited",
        "is_anonymous",
        "can_manage_chat",
        "can_delete_messages",
        "can_manage_video_chats",
        "can_restrict_members",
        "can_promote_members",
        "can_change_info",
        "can_invite_users",
        "can_post_stories",
        "can_edit_stories",
        "can_delete_stories",
    ),
    False,
)


class FakeBot:
    """Answers getChatMember with what it is given; counts how often it is asked."""

    def __init__(self, answer: ChatMember | TelegramError) -> None:
        self.answer, self.asked = answer, 0

    async def get_chat_member(self, chat_id: int, user_id: int) -> ChatMember:
        self.asked += 1
        if isinstance(self.answer, TelegramError):
            raise self.answer
        return self.answer


def asking(answer: ChatMember | TelegramError) -> tuple[FakeBot, FakeClock, Administrators]:
    bot, clock = FakeBot(answer), FakeClock()
    return bot, clock, Administrators(cast(Bot, bot), clock)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (ChatMemberOwner(WANG, is_anonymous=False), True),
        (ChatMemberAdministrator(WANG, **RIGHTS), True),
        (ChatMemberMember(WANG), False),
        (ChatMemberLeft(WANG), False),
        (BadRequest("chat not found"), False),
        (Forbidden("bot was kicked from the group chat"), False),
        (TimedOut(), False),
    ],
)
async def test_only_owners_and_administrators_are(answer: ChatMember | TelegramError, expected: bool) -> None:
    _, _, administrators = asking(answer)
    assert await administrators.include(GROUP, PERSON) is expected


async def test_telegram_is_asked_once_a_minute() -> None:
    bot, clock, administrators = asking(ChatMemberMember(WANG))
    for _ in range(3):
        assert not await administrators.include(GROUP, PERSON)
    assert bot.asked == 1
    bot.answer = ChatMemberOwner(WANG, is_anonymous=False)
    clock.now += FRESH_S
    assert await administrators.include(GROUP, PERSON)
    assert bot.asked == 2


async def test_lost_rights_are_noticed_and_an_error_is_not_remembered() -> None:
    bot, clock, administrators = asking(ChatMemberOwner(WANG, is_anonymous=False))
    assert await administrators.include(GROUP, PERSON)
    clock.now += FRESH_S
    bot.answer = TimedOut()
    assert not await administrators.include(GROUP, PERSON)
    bot.answer = ChatMemberOwner(WANG, is_anonymous=False)
    assert await administrators.include(GROUP, PERSON)


async def test_an_anonymous_administrator_speaks_as_the_group_and_nobody_else_does() -> None:
    bot, _, administrators = asking(ChatMemberMember(WANG))
    assert await administrators.include(GROUP, GROUP)
    assert not await administrators.include(GROUP, GROUP - 1)
    assert not await administrators.include(PERSON + 1, PERSON)
    assert bot.asked == 1
