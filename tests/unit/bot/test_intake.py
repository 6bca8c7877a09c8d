"""What of a message is a question to the bot; everything else is silence."""

from datetime import UTC, datetime
from typing import Any

import pytest
from telegram import (
    Chat,
    ForumTopicCreated,
    Message,
    MessageEntity,
    MessageOriginChannel,
    MessageOriginHiddenUser,
    TextQuote,
    User,
)

from bot.telegram.intake import (
    Bot,
    Question,
    is_foreign,
    looks_like_question,
    take_argument,
    take_asked,
    take_question,
    take_stray,
    words_of,
)
from tests.factories import BOT, PERSON, entity_over, make_message

ME = Bot(BOT.id, "wanggui_bot")
OTHER = User(888, "别的机器人", is_bot=True, username="other_bot")
MENTION = "@wanggui_bot"


def question(message: Message) -> str | None:
    taken = take_question(message, ME)
    return taken.text if taken else None


def mentioning(text: str, words: str = MENTION, **fields: Any) -> Message:
    """A group message with a mention over some words of it."""
    return make_message(text, group=True, entities=[entity_over(text, words)], **fields)


def test_a_private_message_is_a_question() -> None:
    assert take_question(make_message("能翻墙吗"), ME) == Question("能翻墙吗")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  能翻墙吗 \n", "能翻墙吗"),
        ("第一行\n第二行", "第一行\n第二行"),
        ("<b>&amp;", "<b>&amp;"),
        ("a@wanggui_bot.com", "a@wanggui_bot.com"),
        ("😀", "😀"),
    ],
)
def test_a_private_message_is_taken_as_it_was_written(text: str, expected: str) -> None:
    assert question(make_message(text)) == expected


def test_a_caption_in_private_is_a_question() -> None:
    assert question(make_message(caption="这张图能发吗")) == "这张图能发吗"


def test_a_mention_in_private_is_left_out() -> None:
    text = "@wanggui_bot 能翻墙吗"
    assert question(make_message(text, entities=[entity_over(text, MENTION)])) == "能翻墙吗"


@pytest.mark.parametrize("text", [None, "", "   ", "\n"])
def test_a_private_message_without_words_is_none(text: str | None) -> None:
    assert take_question(make_message(text), ME) is None


def test_a_group_message_to_nobody_is_silence() -> None:
    assert take_question(make_message("能翻墙吗", group=True), ME) is None
    assert take_question(make_message(caption="能翻墙吗", group=True), ME) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@wanggui_bot 能翻墙吗", "能翻墙吗"),
        ("能翻墙吗 @wanggui_bot", "能翻墙吗"),
        ("😀👨‍👩‍👧🇨🇳 @wanggui_bot 能翻墙吗", "😀👨‍👩‍👧🇨🇳 能翻墙吗"),
        ("@wanggui_bot 😀能翻墙吗😀", "😀能翻墙吗😀"),
        ("请问 @wanggui_bot 能翻墙吗", "请问 能翻墙吗"),
        ("@wanggui_bot，能翻墙吗", "，能翻墙吗"),
        ("@wanggui_bot\n能翻墙吗\n真的吗", "能翻墙吗\n真的吗"),
    ],
)
def test_a_mention_in_a_group_asks_what_stands_beside_it(text: str, expected: str) -> None:
    assert question(mentioning(text)) == expected


@pytest.mark.parametrize("words", ["@WangGui_Bot", "@WANGGUI_BOT"])
def test_a_mention_is_the_same_in_capitals(words: str) -> None:
    assert question(mentioning(f"{words} 能翻墙吗", words)) == "能翻墙吗"


def test_two_mentions_are_both_left_out() -> None:
    text = "@wanggui_bot 能翻墙吗 @WANGGUI_BOT"
    entities = [entity_over(text, "@WANGGUI_BOT"), entity_over(text, MENTION)]
    assert question(make_message(text, group=True, entities=entities)) == "能翻墙吗"


def test_a_mention_by_name_asks_too() -> None:
    text = "😀 网规助手 能翻墙吗"
    entity = entity_over(text, "网规助手", MessageEntity.TEXT_MENTION, BOT)
    assert question(make_message(text, group=True, entities=[entity])) == "😀 能翻墙吗"


def test_a_mention_of_somebody_else_by_name_is_silence() -> None:
    text = "网规助手 能翻墙吗"
    entity = entity_over(text, "网规助手", MessageEntity.TEXT_MENTION, PERSON)
    assert take_question(make_message(text, group=True, entities=[entity]), ME) is None


def test_a_mention_in_a_caption_asks() -> None:
    caption = "🖼 @wanggui_bot 这张图能发吗"
    message = make_message(caption=caption, group=True, entities=[entity_over(caption, MENTION)])
    assert question(message) == "🖼 这张图能发吗"


@pytest.mark.parametrize("words", ["@other_bot", "@wanggui_bot2", "@wanggui", "@xwanggui_bot"])
def test_a_mention_of_another_is_silence(words: str) -> None:
    assert take_question(mentioning(f"{words} 能翻墙吗", words), ME) is None


def test_another_mention_beside_ours_stays_in_the_question() -> None:
    text = "@other_bot @wanggui_bot 谁说得对"
    entities = [entity_over(text, "@other_bot"), entity_over(text, MENTION)]
    assert question(make_message(text, group=True, entities=entities)) == "@other_bot 谁说得对"


@pytest.mark.parametrize("kind", [MessageEntity.CODE, MessageEntity.URL, MessageEntity.HASHTAG, MessageEntity.BOLD])
def test_the_name_in_another_entity_is_no_mention(kind: str) -> None:
    text = "@wanggui_bot 能翻墙吗"
    assert take_question(make_message(text, group=True, entities=[entity_over(text, MENTION, kind)]), ME) is None


def test_the_name_without_an_entity_is_no_mention() -> None:
    assert take_question(make_message("请问@wanggui_bot能翻墙吗", group=True), ME) is None


def test_an_entity_beyond_the_text_harms_nothing() -> None:
    entities = [MessageEntity(MessageEntity.MENTION, 90, 12), MessageEntity(MessageEntity.MENTION, 0, 900)]
    assert take_question(make_message("能翻墙吗", group=True, entities=entities), ME) is None


def test_a_lone_surrogate_harms_nothing() -> None:
    text = "@wanggui_bot 能\ud83d翻墙吗"
    taken = question(make_message(text, group=True, entities=[MessageEntity(MessageEntity.MENTION, 0, 12)]))
    assert taken is not None
    assert (taken[0], taken[-3:]) == ("能", "翻墙吗")


def test_a_mention_alone_asks_what_the_message_replied_to_says() -> None:
    asked = make_message("能翻墙吗", group=True, sender=User(5, "小李", is_bot=False))
    assert question(mentioning("@wanggui_bot", reply_to=asked)) == "能翻墙吗"
    captioned = make_message(caption="这张图能发吗", group=True)
    assert question(mentioning("@wanggui_bot ", reply_to=captioned)) == "这张图能发吗"


def test_a_mention_with_words_asks_those_and_not_the_message_replied_to() -> None:
    asked = make_message("能翻墙吗", group=True)
    assert question(mentioning("@wanggui_bot 那直播带货呢", reply_to=asked)) == "那直播带货呢"


def test_a_mention_alone_asks_for_help() -> None:
    assert question(mentioning("@wanggui_bot")) == ""
    assert question(mentioning("@wanggui_bot", reply_to=make_message(group=True))) == ""


def test_a_mention_alone_does_not_ask_the_bot_its_own_words() -> None:
    own = make_message("第十四条（第三章 网络行为管理）写的是“不得”", group=True, sender=BOT)
    assert question(mentioning("@wanggui_bot", reply_to=own)) == ""


def test_a_reply_to_the_bot_asks() -> None:
    own = make_message("您好", group=True, sender=BOT)
    assert question(make_message("能翻墙吗", group=True, reply_to=own)) == "能翻墙吗"
    assert question(make_message(caption="这张图能发吗", group=True, reply_to=own)) == "这张图能发吗"


@pytest.mark.parametrize("text", [None, "", "  "])
def test_a_reply_to_the_bot_without_words_is_silence(text: str | None) -> None:
    own = make_message("您好", group=True, sender=BOT)
    assert take_question(make_message(text, group=True, reply_to=own), ME) is None


@pytest.mark.parametrize("sender", [PERSON, OTHER, None])
def test_a_reply_to_somebody_else_is_silence(sender: User | None) -> None:
    other = make_message("您好", group=True, sender=sender)
    assert take_question(make_message("能翻墙吗", group=True, reply_to=other), ME) is None


def test_a_message_of_the_bot_itself_is_silence() -> None:
    assert take_question(make_message("能翻墙吗", sender=BOT), ME) is None
    assert take_question(mentioning("@wanggui_bot 能翻墙吗", sender=BOT), ME) is None


def test_a_message_sent_through_a_bot_is_silence() -> None:
    assert take_question(make_message("能翻墙吗", via_bot=OTHER), ME) is None
    assert take_question(mentioning("@wanggui_bot 能翻墙吗", via_bot=BOT), ME) is None


@pytest.mark.parametrize("text", ["/ask 能翻墙吗", "/ask@other_bot @wanggui_bot 能翻墙吗", "/start", "/"])
def test_a_command_is_no_question(text: str) -> None:
    entities = [entity_over(text, MENTION)] if MENTION in text else []
    own = make_message("您好", group=True, sender=BOT)
    assert take_question(make_message(text), ME) is None
    assert take_question(make_message(text, group=True, entities=entities, reply_to=own), ME) is None


@pytest.mark.parametrize(
    ("text", "asked"),
    [("/rules", ""), ("/rules@wanggui_bot", ""), ("/vpn 能翻墙吗", "能翻墙吗"), ("/能翻墙吗", "能翻墙吗"), ("/", "")],
)
def test_a_command_that_is_none_asks_what_stands_behind_it_in_private(text: str, asked: str) -> None:
    assert take_stray(make_message(text), ME) == Question(asked)
    assert take_stray(make_message(text, group=True), ME) is None


@pytest.mark.parametrize("text", ["/rules@other_bot", "/ask@other_bot 能翻墙吗", "能翻墙吗", None])
def test_another_bots_command_is_silence_in_private_too(text: str | None) -> None:
    assert take_stray(make_message(text), ME) is None
    assert take_stray(make_message("/rules", via_bot=OTHER), ME) is None


def test_a_message_without_a_sender_can_ask() -> None:
    assert question(mentioning("@wanggui_bot 能翻墙吗", sender=None)) == "能翻墙吗"


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("/ask 能翻墙吗", "能翻墙吗"),
        ("/ask@wanggui_bot 能翻墙吗", "能翻墙吗"),
        ("/ASK@WANGGUI_BOT 能翻墙吗", "能翻墙吗"),
        ("/ask", ""),
        ("/ask@wanggui_bot", ""),
        ("/ask  \n 能翻墙吗 \n真的吗 ", "能翻墙吗 \n真的吗"),
        ("/article\u300014", "14"),
        ("/article 14", "14"),
        ("/ask /help", "/help"),
    ],
)
def test_what_stands_behind_a_command_is_its_argument(text: str, argument: str) -> None:
    assert take_argument(make_message(text, group=True), ME) == argument
    assert take_argument(make_message(caption=text), ME) == argument


@pytest.mark.parametrize(
    "text",
    [
        "/weather 北京",
        "/ask@other_bot 能翻墙吗",
        "/ask@wanggui_bot2 x",
        "能翻墙吗",
        " /ask x",
        "/",
        "/问 x",
        "",
        None,
        "x /ask y",
    ],
)
def test_another_bots_command_or_none_is_silence(text: str | None) -> None:
    assert take_argument(make_message(text, group=True), ME) is None


CHANNEL = Chat(-1009, Chat.CHANNEL, title="频道")
ANONYMOUS = User(1087968824, "Group", is_bot=True, username="GroupAnonymousBot")
LONG_AGO = datetime(2024, 1, 14, tzinfo=UTC)


def test_a_bare_mention_asks_the_words_quoted_rather_than_all_of_the_message() -> None:
    speech = make_message("昨天开会。能翻墙吗？散会。", group=True)
    taken = take_question(mentioning(MENTION, reply_to=speech, quote=TextQuote("能翻墙吗？", 5)), ME)
    assert taken == Question("能翻墙吗？", "mention", borrowed=True)
    elsewhere = take_question(mentioning(MENTION, quote=TextQuote("能翻墙吗？", 0)), ME)
    assert elsewhere == Question("能翻墙吗？", "mention", borrowed=True)


def test_a_mention_with_words_asks_those_and_not_the_quote() -> None:
    taken = take_question(mentioning(f"{MENTION} 那直播呢", quote=TextQuote("能翻墙吗？", 0)), ME)
    assert taken == Question("那直播呢", "mention")


def test_the_head_of_a_topic_that_the_bot_has_opened_is_no_reply_to_it() -> None:
    head = make_message(group=True, sender=BOT, forum_topic_created=ForumTopicCreated("学习", 1))
    assert take_question(make_message("能翻墙吗", group=True, reply_to=head), ME) is None


def test_anonymous_administrators_and_channels_ask_like_anybody() -> None:
    for sender, chat in ((ANONYMOUS, Chat(-100200, Chat.SUPERGROUP)), (User(777000, "Telegram", False), CHANNEL)):
        message = mentioning(f"{MENTION} 能翻墙吗", sender=sender, sender_chat=chat)
        assert not is_foreign(message, ME)
        assert question(message) == "能翻墙吗"


def test_another_bot_is_never_answered() -> None:
    assert question(mentioning(f"{MENTION} 能翻墙吗", sender=OTHER)) is None
    assert take_asked(make_message("/ask 能翻墙吗", group=True, sender=OTHER), ME) is None


def test_what_is_forwarded_into_a_group_was_addressed_elsewhere() -> None:
    origin = MessageOriginHiddenUser(LONG_AGO, "某人")
    assert question(mentioning(f"{MENTION} 能翻墙吗", forward_origin=origin)) is None
    assert question(make_message("能翻墙吗", forward_origin=origin)) == "能翻墙吗"
    post = MessageOriginChannel(LONG_AGO, CHANNEL, 3)
    assert question(mentioning(f"{MENTION} 能翻墙吗", forward_origin=post, is_automatic_forward=True)) == "能翻墙吗"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("/ask 能翻墙吗", "能翻墙吗"),
        ("/ASK@wanggui_bot 能翻墙吗", "能翻墙吗"),
        ("/ask", ""),
        ("/help", None),
        ("能翻墙吗", None),
    ],
)
def test_only_ask_asks(text: str, asked: str | None) -> None:
    taken = take_asked(make_message(text, group=True), ME)
    assert (taken.text if taken else None) == asked


def test_a_bare_ask_borrows_the_message_replied_to_unless_it_is_our_own() -> None:
    speech = make_message(f"{MENTION} 能翻墙吗", group=True, entities=[entity_over(f"{MENTION} 能翻墙吗", MENTION)])
    assert take_asked(make_message("/ask", group=True, reply_to=speech), ME) == Question("能翻墙吗", "mention", True)
    own = make_message("第十四条写的是", group=True, sender=BOT)
    assert take_asked(make_message("/ask", group=True, reply_to=own), ME) == Question("", "mention")


def test_the_words_of_a_known_question_need_no_address() -> None:
    assert words_of(make_message("能翻墙吗", group=True), ME) == "能翻墙吗"
    assert words_of(mentioning(f"{MENTION} 能翻墙吗"), ME) == "能翻墙吗"
    assert words_of(make_message("/ask 能翻墙吗", group=True), ME) == "能翻墙吗"
    assert words_of(make_message("/start pabc"), ME) == ""
    assert words_of(make_message(caption="这张图能发吗"), ME) == "这张图能发吗"


@pytest.mark.parametrize("text", ["党员能翻墙吗", "这个怎么办？", "谁负责解释", "can I use a VPN", "请问一下直播的事"])
def test_what_looks_like_a_question(text: str) -> None:
    assert looks_like_question(text)


@pytest.mark.parametrize("text", ["", "吗", "？？？", "我从来不翻墙。", "收到", "好的，谢谢" * 3, "为什么" * 100])
def test_what_does_not(text: str) -> None:
    assert not looks_like_question(text)
