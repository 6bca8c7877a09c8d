"""The story of the group day, scene by scene; each scene has places of its own, so that all are played side by side.

`MORNING` is played, then the process is stopped with questions in hand, questions are asked while it is down, and
`EVENING` begins as it starts again: buttons, edits and settings of the morning must still hold.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from bot.storage.usage import CHINA
from tests.botapi.chats import Chat, Json, Message, User
from tests.e2e.stage import MENTION, PHOTO, Scene, an_hour_ago, anonymous, mention_in_code, replies_of_bot

WALL, GIFTS, SKINS, WHO = "能翻墙吗", "给主播刷礼物行不行", "领导收游戏皮肤行吗", "谁负责解释"
"""Questions with their answers in articles 14, 17, 18 and 30."""
FOUND: Final = {WALL: "第十四条", GIFTS: "第十七条", SKINS: "第十八条", WHO: "第三十条"}
RELATED: Final = "翻墙被查到了会怎么处理"
UNKNOWN: Final = "党费怎么交"
FIFTEEN: Final = "党员应当严格遵守党的保密纪律"
TOO_OLD: Final = "太旧"

ATTACKS: Final = (
    "<b>重要</b> & <script>alert(1)</script>",
    "</blockquote>&amp;<a href='tg://user?id=1'>点我</a>",
    "\u202e吗墙翻能\u202c",
    "😀" * 64,
    "\u200b\u200d\u2060零宽\ufeff",
    "&lt;i&gt;&#60;b&#62;&#0;",
    "}{0}{question}%s{{",
    "*_[粗](http://x.example)_*`~|",
)

# Being addressed, and not.


async def ways_of_asking(scene: Scene) -> None:
    """Every way of addressing the bot is answered, each once, while others talk."""
    group, bot = scene.group("东街支部"), scene.server.bot
    li, wang, ann = scene.person("小李"), scene.person("老王"), scene.person("阿安")
    first = await scene.ask(group, li, f"{MENTION} {WALL}", FOUND[WALL])
    await scene.chatter(group, 3)
    await scene.ask(group, wang, f"问一下 @WangGui_Bot {GIFTS}？", FOUND[GIFTS])
    await scene.ask(group, ann, f"网规助手，{SKINS}", FOUND[SKINS], mentioning=[bot])
    await scene.answer(group, await scene.show_photo(group, li, f"🖼 {MENTION} {WHO}"), FOUND[WHO])
    await scene.answer(group, await scene.show_photo(group, wang, "/ask 匿名举报领导行吗"))
    await scene.ask(group, ann, f"那{GIFTS}呢", FOUND[GIFTS], reply_to=first)
    await scene.chatter(group, 3)
    await scene.ask(group, li, "/ask 转发谣言怎么处理")
    await scene.ask(group, wang, f"/ask{MENTION} 泄露工作秘密怎么办", "第十五条")
    speech = await scene.tell(group, ann, f"昨天开会。{GIFTS}？还有别的事。", replies=0)
    quote = {"text": GIFTS, "position": 5}
    await scene.ask(group, li, MENTION, FOUND[GIFTS], reply_to=speech, quote=quote)
    question = await scene.tell(group, wang, "党员能不能在网上搞封建迷信", replies=0)
    await scene.ask(group, ann, MENTION, reply_to=question)
    shorter = await scene.tell(group, wang, "第二十条", replies=0)
    await scene.ask(group, li, "/ask", "第二十条", reply_to=shorter)
    await scene.ask(group, wang, MENTION)
    await scene.ask(group, ann, "/ask", "/ask 能翻墙吗")
    thanked = await scene.ask(group, li, f"{MENTION} 第三条", "第三条")
    await scene.tell(group, li, "谢谢", replies=0, reply_to=thanked)
    await scene.chatter(group, 3)


async def talk_of_bystanders(scene: Scene) -> None:
    """What is not for the bot gets silence, although Telegram delivers it."""
    group, li = scene.group("西街支部"), scene.person("小李")
    other = scene.person("别的机器人", is_bot=True, username="other_bot")
    forwarded = {"type": "hidden_user", "date": 1700000000, "sender_user_name": "某人"}
    sticker = {"file_id": "s", "file_unique_id": "s", "type": "regular", "width": 1, "height": 1}
    sticker |= {"is_animated": False, "is_video": False}
    in_code = f"发 {MENTION} 就行"
    talk: tuple[tuple[str | None, dict[str, Any]], ...] = (
        (WALL, {}),
        ("第十四条", {}),
        ("/ask@other_bot 能翻墙吗", {}),
        ("/article@other_bot 14", {}),
        ("@other_bot 能翻墙吗", {}),
        ("@wanggui_bot2 能翻墙吗", {}),
        ("写信给 x@wanggui_bot", {}),
        ("#wanggui_bot 能翻墙吗", {}),
        ("/unknown", {}),
        ("请 /ask 他", {}),
        (in_code, {"entities": mention_in_code(in_code)}),
        (f"{MENTION} {WALL}", {"forward_origin": forwarded}),
        (f"{MENTION} {WALL}", {"via_bot": other}),
        (f"/ask {WALL}", {"via_bot": scene.server.bot}),
        (None, {"sticker": sticker}),
        (None, {"new_chat_members": [li]}),
        (None, {"left_chat_member": li}),
        (None, {"photo": PHOTO, "caption": "能翻墙吗"}),
    )
    for text, fields in talk:
        await scene.tell(group, li, text, replies=0, **fields)
    await scene.chatter(group, 12)
    by_bot = group.compose(other, {"text": f"{MENTION} {WALL}"})
    scene.server.push("message", by_bot, f"chat{group.id}")
    private = scene.private(li)
    await scene.tell(private, li, f"〔第十四条〕{WALL}", replies=0, via_bot=scene.server.bot)


async def behind_privacy_mode(scene: Scene) -> None:
    """A group as most are: the bot is delivered only what is for it."""
    group, li, wang = scene.group("南街支部", hears_all=False), scene.person("小李"), scene.person("老王")
    await scene.chatter(group, 4)
    first = await scene.ask(group, li, f"{MENTION} {SKINS}", FOUND[SKINS])
    await scene.tell(group, wang, "就是就是，哈哈", replies=0, reply_to=first)  # to the bot, but it asks nothing
    await scene.chatter(group, 3)
    question = await scene.tell(group, wang, "在网上成立读书会要备案吗", replies=0)
    await scene.ask(group, li, MENTION, reply_to=question)


async def forum(scene: Scene) -> None:
    """Answers stay in the topic of their question."""
    boss, li = scene.person("版主"), scene.person("小李")
    board = scene.group("北街论坛", topics=True)
    for name, by, question in (("学习", boss, WALL), ("<b>闲聊</b>&", None, GIFTS), ("😀" * 32, boss, SKINS)):
        topic = await board.topic(name, by)
        await scene.chatter(board, 2, thread=topic)
        reply = await scene.ask(board, li, f"{MENTION} {question}", FOUND[question], thread=topic)
        assert reply["message_thread_id"] == topic
        await scene.press(board, boss, reply, "全文")
        aside = await scene.tell(board, boss, WHO, replies=0, thread=topic)
        pointed = await scene.ask(board, boss, MENTION, FOUND[WHO], reply_to=aside)
        assert pointed["message_thread_id"] == topic
    general = await scene.ask(board, li, f"/ask {WALL}", FOUND[WALL])
    assert "is_topic_message" not in general


async def linked_channel(scene: Scene) -> None:
    """The group behind a channel: posts that mention the bot are answered, comments as in any group."""
    group, li = scene.group("频道的讨论组"), scene.person("小李")
    channel = {"id": -1009999, "type": "channel", "title": "<i>频道</i> & 公告"}
    telegram = User(id=777000, is_bot=False, first_name="Telegram")
    by_channel = User(id=136817688, is_bot=True, first_name="Channel", username="Channel_Bot")
    forwarded: Json = {"sender_chat": channel, "is_automatic_forward": True}
    origin = {"type": "channel", "date": 1700000000, "chat": channel}
    post = await scene.tell(
        group, telegram, f"学习：{GIFTS}？", replies=0, forward_origin=origin | {"message_id": 3}, **forwarded
    )
    mentioned = await scene.tell(
        group, telegram, f"{MENTION} {WALL}", forward_origin=origin | {"message_id": 4}, **forwarded
    )
    await scene.answer(group, mentioned, FOUND[WALL])
    await scene.tell(group, li, "学习了", replies=0, reply_to=post)
    await scene.ask(group, li, MENTION, FOUND[GIFTS], reply_to=post)
    await scene.ask(group, by_channel, f"{MENTION} {SKINS}", FOUND[SKINS], sender_chat=channel)
    await scene.tell(group, by_channel, "本频道招人", replies=0, sender_chat=channel)


async def anonymous_administrator(scene: Scene) -> None:
    """Somebody who speaks as the group itself is answered, and may change its settings."""
    group = scene.group("匿名支部")
    nobody, as_group = anonymous(group)
    asked = await scene.tell(group, nobody, f"/ask {WALL}", sender_chat=as_group)
    await scene.answer(group, asked, FOUND[WALL])
    await scene.edited(group, asked, f"/ask {GIFTS}", FOUND[GIFTS])
    await scene.ask(group, nobody, f"{MENTION} {SKINS}", FOUND[SKINS], sender_chat=as_group)
    await scene.tell(group, nobody, "大家注意", replies=0, sender_chat=as_group)
    panel = await scene.ask(group, nobody, "/settings", "本群的设置", sender_chat=as_group)
    assert "完成" in scene.labels(group, panel)


# Edits.


async def edits(scene: Scene) -> None:
    """An edited question edits its answer, wherever the edit leads; it never gets a second one."""
    group, li, wang, ann = (scene.group("修改支部"), *(scene.person(name) for name in ("小李", "老王", "阿安")))
    asked = await scene.tell(group, li, f"{MENTION} {WALL}")
    await scene.answer(group, asked, FOUND[WALL])
    await scene.edited(group, asked, f"{MENTION} {GIFTS}", FOUND[GIFTS])
    await scene.edited(group, asked, SKINS, FOUND[SKINS])  # no longer addressed, still its question
    await scene.edit(group, asked, MENTION)  # nothing is asked any more: the answer stays
    aside = await scene.tell(group, wang, "会不会有人在网上泄密", replies=0)
    await scene.edit(group, aside, "会不会有人在网上泄密？？")
    await scene.edit(group, aside, f"{MENTION} 网上泄密怎么办", replies=1)
    await scene.answer(group, aside, "第十五条")
    command = await scene.tell(group, ann, "ask 谁解释", replies=0)
    await scene.edit(group, command, f"/ask {WHO}", replies=1)
    await scene.answer(group, command, FOUND[WHO])
    foreign = await scene.tell(group, ann, f"/ask@other_bot {WALL}", replies=0)
    await scene.edit(group, foreign, f"/ask@other_bot {GIFTS}")
    hasty = await scene.tell(group, wang, f"{MENTION} 第四条")
    await scene.edit(group, hasty, f"{MENTION} 第五条")
    await scene.edit(group, hasty, f"{MENTION} 第六条")
    await scene.until(lambda: any("第六条" in reply.text for reply in replies_of_bot(group, hasty)))
    captioned = await scene.show_photo(group, li, f"{MENTION} 第七条")
    await scene.answer(group, captioned, "第七条")
    await scene.chatter(group, 3)
    private = scene.private(ann)
    alone = await scene.tell(private, ann, WALL)
    await scene.answer(private, alone, FOUND[WALL])
    for question in (GIFTS, "/article 9", f"<b>{SKINS}</b> & 😀"):
        await scene.edit(private, alone, question)
    await scene.until(lambda: FOUND[SKINS] in replies_of_bot(private, alone)[0].text)
    scene.day.kept["edit"] = (group, hasty)


async def questions_that_vanish(scene: Scene) -> None:
    """A question that is deleted before its answer comes gets that answer all the same, on nothing."""
    group, li = scene.group("健忘支部"), scene.person("小李")
    gone = await scene.tell(group, li, f"{MENTION} {WALL}")
    group.remove(gone.id)
    scene.day.said[group.id, gone.id].replies = 0
    scene.day.unprompted[group.id] = 1
    await scene.until(lambda: group.bot_messages)
    answered = await scene.ask(group, li, f"{MENTION} {GIFTS}", FOUND[GIFTS])
    group.remove(answered.id)
    scene.day.said[group.id, group.messages[-1].id].replies = 0  # nor can an edit of the question edit it any more
    await scene.edit(group, group.messages[-1], f"{MENTION} {SKINS}")


# Buttons.


async def buttons_of_an_answer(scene: Scene) -> None:
    """全文 and its neighbours, 相关条款, and every way back."""
    group, li, wang = scene.group("按钮支部"), scene.person("小李"), scene.person("老王")
    reply = await scene.ask(group, li, f"{MENTION} {RELATED}", FOUND[WALL])
    before = scene.content(group, reply)
    await scene.press(group, wang, reply, "全文", "第十四条\u3000第三章")
    await scene.press(group, li, reply, "第十五条 →", FIFTEEN)
    await scene.press(group, wang, reply, "第十六条 →")
    await scene.press(group, li, reply, "← 第十五条", FIFTEEN)
    await scene.press(group, wang, reply, "返回答案")
    await scene.shows(group, reply, before)
    await scene.press(group, li, reply, "相关条款")
    await scene.press(group, wang, reply, "返回")
    await scene.shows(group, reply, before)
    await scene.press(group, li, reply, "相关条款")
    await scene.press(group, li, reply, "第二十八条", "依规依纪追究责任")
    scene.day.kept["answer"] = (group, reply, before)  # its buttons are pressed again after the restart
    scene.day.kept["asked"] = (group, group.find(reply.reply_to_id or 0))


async def votes(scene: Scene) -> None:
    """👍 and 👎 of several people; a 👎 is asked why; what was asked of a borrowed question is kept with it."""
    group, people = scene.group("投票支部"), [scene.person(name) for name in ("小李", "老王", "阿安")]
    boss = await scene.administrator(group)
    reply = await scene.ask(group, people[0], f"{MENTION} {GIFTS}", FOUND[GIFTS])
    for person in (*people, people[0]):
        assert "谢谢" in (await scene.press(group, person, reply, "👍"))["text"]
    for person, reason in zip(people, ("条文不对", "没答到点上", "应当说没写"), strict=True):
        assert "哪里不好" in (await scene.press(group, person, reply, "👎"))["text"]
        assert "不记是谁" in (await scene.press(group, person, reply, reason))["text"]
    speech = await scene.tell(group, people[0], "<b>领导</b>收游戏皮肤 & 点卡", replies=0)
    borrowed = await scene.ask(group, people[1], MENTION, reply_to=speech)
    await scene.press(group, people[2], borrowed, "👎")
    await scene.press(group, people[2], borrowed, "条文不对")
    picture = await scene.ask(group, boss, "/stats", "问了 2 次")
    assert picture["photo"]


async def on_in_private(scene: Scene) -> None:
    """私聊细说 takes the question along, whoever presses it; a link that nobody made leads nowhere."""
    group, li, wang = scene.group("细说支部"), scene.person("小李"), scene.person("<b>老王</b>&")
    reply = await scene.ask(group, li, f"{MENTION} {RELATED}")
    for person in (li, wang):
        opened = await scene.press(group, person, reply, "私聊细说")
        payload = opened["url"].partition("?start=")[2]
        private = scene.private(person)
        answer = await scene.ask(private, person, f"/start {payload}", f"您在群里看到的问题：{RELATED}")
        before = scene.content(private, answer)
        await scene.press(private, person, answer, "全文", "第十四条\u3000第三章")
        await scene.press(private, person, answer, "返回答案")
        await scene.shows(private, answer, before)
    await scene.ask(scene.private(li), li, "/start pAAAAAAAAAAAAAAAAAAAAAA", "过期")
    speech = await scene.tell(group, wang, ATTACKS[0] + GIFTS, replies=0)
    borrowed = await scene.ask(group, li, MENTION, reply_to=speech)
    opened = await scene.press(group, wang, borrowed, "私聊细说")
    await scene.ask(scene.private(wang), wang, f"/start {opened['url'].partition('?start=')[2]}")
    await scene.press(scene.private(li), li, await scene.ask(scene.private(li), li, WALL), "全文")
    scene.day.kept["link"] = payload


async def contents(scene: Scene) -> None:
    """/toc, /chapter and /article, and the buttons that lead from one to the other."""
    li = scene.person("小李")
    for chat in (scene.private(li), scene.group("目录支部")):
        contents = await scene.ask(chat, li, "/toc", "共5章31条")
        before = scene.content(chat, contents)
        await scene.press(chat, li, contents, "第三章", "第三章")
        await scene.press(chat, li, contents, "第二十一条", "举报")
        await scene.press(chat, li, contents, "第二十二条 →", "第二十二条")
        await scene.press(chat, li, contents, "返回本章", "第四章")
        await scene.press(chat, li, contents, "目录")
        await scene.shows(chat, contents, before)
        chapter = await scene.ask(chat, li, "/chapter 第五章", "第五章 附则")
        await scene.press(chat, li, chapter, "第三十条", "解释")
        article = await scene.ask(chat, li, "/article 第十四条", "第十四条\u3000第三章")
        await scene.press(chat, li, article, "← 第十三条", "第十三条")
        await scene.press(chat, li, article, "目录", "共5章31条")
        await scene.ask(chat, li, "/article 99", "没有第九十九条")


async def search(scene: Scene) -> None:
    """/search turns its pages, also where the words are too long for a button."""
    li, group = scene.person("小李"), scene.group("查找支部")
    for chat, words in ((scene.private(li), "党员"), (group, "党员 " * 8)):
        found = await scene.ask(chat, li, f"/search {words}", "见于")
        first = scene.content(chat, found)
        await scene.press(chat, li, found, "2/")
        await scene.press(chat, li, found, "3/")
        await scene.press(chat, li, found, "← 2/")
        await scene.press(chat, li, found, "← 1/")
        await scene.shows(chat, found, first)
    await scene.ask(group, li, "/search 举报", "见于 1 处")
    await scene.ask(group, li, "/search 区块链", "没有")
    await scene.ask(group, li, f"/search{MENTION}", "/search 举报")
    await scene.ask(group, li, "/search <b>党员</b> & \u202e", "没有")
    await scene.tell(group, li, "/search@other_bot 党员", replies=0)


async def settings(scene: Scene) -> None:
    """The panel is for administrators; what it sets holds at once."""
    group, li = scene.group("<u>设置</u>支部"), scene.person("小李")
    boss = await scene.administrator(group)
    await scene.ask(group, li, "/settings", "只有群管理员能改")
    panel = await scene.ask(group, boss, "/settings", "本群的设置")
    assert (await scene.press(group, li, panel, "英文"))["show_alert"]
    for label, shows in (("简短", "简短"), ("不用", "不用")):
        await scene.press(group, boss, panel, label, shows)
    await scene.until(lambda: {"✓ 简短", "✓ 不用"} <= set(scene.labels(group, panel)))
    hour = datetime.now(CHINA).hour
    await scene.press(group, boss, panel, "选安静时段", "从几点开始")
    await scene.press(group, boss, panel, str((hour - 1) % 24), "到几点")
    await scene.press(group, boss, panel, str((hour + 3) % 24), "只答命令")
    await scene.tell(group, li, f"{MENTION} {WALL}", replies=0)
    brief = await scene.ask(group, li, f"/ask {WALL}", FOUND[WALL])
    assert "〔" not in brief.text
    await scene.press(group, boss, panel, "没有", "安静时段：没有")
    await scene.press(group, boss, panel, "英文", "This group's settings")
    await scene.ask(group, li, f"{MENTION} {GIFTS}", "Article 17")
    scene.day.kept["panel"] = (group, boss, panel)


async def settings_in_private(scene: Scene) -> None:
    """In private there are language and length."""
    ann = scene.person("Anneliese", language_code="en-GB")
    private = scene.private(ann)
    panel = await scene.ask(private, ann, "/settings", "Your settings")
    await scene.press(private, ann, panel, "Chinese", "您的设置")
    await scene.ask(private, ann, WALL, FOUND[WALL])
    await scene.press(private, ann, panel, "随提问的人", "您的设置")
    await scene.ask(private, ann, "May party members use a VPN?", "Article 14")
    await scene.ask(private, ann, "/help", "/article 14")
    await scene.press(private, ann, panel, "完成", "/settings")


async def stale_and_garbage(scene: Scene) -> None:
    """Buttons of an older version, of nobody's, without a message: a polite word, and nothing else happens."""
    group, li, wang = scene.group("旧按钮支部"), scene.person("小李"), scene.person("老王")
    reply = await scene.ask(group, li, f"{MENTION} {WALL}")
    before = scene.content(group, reply)
    shown = scene.now(group, reply)
    for data in ("0xx:1", "1aa:14:rubbish", "1aa:999:z14.0.a", "1ap:", "1tc:nokey", "1tk::77:0", "1vr:9:z14.0.a",
                 "1tf:x:", "<b>&\u202e", "1", "1zz:::::", "1ab:z14.0.zz" + "," * 30, "😀" * 16):  # fmt: skip
        assert TOO_OLD in (await scene.press_raw(li, data, message=shown))["text"], data
    gone = {"chat": group.as_json(), "message_id": reply.id, "date": 0}
    for place in ({"message": gone}, {"inline_message_id": "AAAA"}):
        for data in (*shown.callback_data[:2], "1tc:", "1zz"):
            assert TOO_OLD in (await scene.press_raw(wang, data, **place))["text"], data
    await scene.press_raw(wang, None, message=shown, game_short_name="game")
    for data in ("1rd:999999:1", "1fg", "1st:9", "1sh:25:99"):  # of administrators
        await scene.press_raw(wang, data, message=shown)
    await scene.shows(group, reply, before)
    scene.server.push("callback_query", {"id": "1", "from": li, "chat_instance": "1", "data": "0", "message": shown})


# Inline and links.


async def inline(scene: Scene) -> None:
    """`@bot words` in any chat gives cards, in the person's language; posting one asks nothing."""
    li, ann = scene.person("小李"), scene.person("Anneliese", language_code="en")
    for words in ("直播打赏", "翻墙", "第十四条", "14", "举报", "", "保密", "网", "直播打赏"):
        cards = await scene.inline(li, words)
        assert cards, words
        assert all("〔" not in card["title"] for card in cards)
    assert (await scene.inline(li, "直播打赏"))[0]["id"] == "a17"
    assert "Article" in (await scene.inline(ann, "翻墙"))[0]["title"]
    assert await scene.inline(li, "翻墙", offset="20") == []
    for attack in ATTACKS:
        await scene.inline(ann, attack)
    await scene.inline(li, "党" * 256)
    await scene.tell(scene.group("卡片支部"), li, "第十七条\u3000第三章", replies=0, via_bot=scene.server.bot)


async def links(scene: Scene) -> None:
    """/start with and without a payload, and the other words to begin with."""
    li = scene.person("小李")
    private = scene.private(li)
    for text, expected in (
        ("/start", WALL),
        ("/start a14", "第十四条\u3000第三章"),
        ("/start c5", "第五章 附则"),
        ("/start toc", "共5章31条"),
        ("/start nonsense", WALL),
        ("/start a99", WALL),
        ("/start a<b>&", WALL),
        ("/start rAAAAAAAAAAAAAAAAAAAAAAAAAAA", "请在您管理的群里发 /review"),
        ("/help", "怎么问"),
        ("/privacy", "我只读发给我的话"),
        ("/review", "请在您管理的群里发 /review"),
        ("/stats", "统计只给群管理员看"),
        ("/chapter 9", "没有第九章"),
        ("一共几条", "31条"),
        ("/rules", "可以这样问"),
        (f"/{WALL}", FOUND[WALL]),
    ):
        await scene.ask(private, li, text, expected)
    await scene.tell(private, li, "/rules@other_bot", replies=0)
    group = scene.group("链接支部")
    await scene.ask(group, li, f"/start{MENTION} a14", "第十四条")
    await scene.ask(group, li, "/help", "怎么问")
    await scene.tell(group, li, "/help@other_bot", replies=0)


# Markup attacks.


def attacked(place: int) -> Callable[[Scene], Awaitable[None]]:
    """One attack in a name, a title, questions and arguments: nothing of it becomes markup."""
    attack = ATTACKS[place]

    async def scene_of_attack(scene: Scene) -> None:
        group, attacker = scene.group(attack), scene.person(attack, username=f"attacker{place}")
        texts = (f"{MENTION} {attack}", f"{MENTION} 《{attack[:30]}》第三条", f"/search {attack}", f"/article {attack}",
                 f"{MENTION} {attack} {WALL}")  # fmt: skip
        for chat in (group, scene.private(attacker)):
            for text in texts:
                reply = await scene.ask(chat, attacker, text)
                assert "\u202e" not in reply.text
                kinds = {entity["type"] for entity in reply.get("entities", [])}
                plain = {"bold", "blockquote", "expandable_blockquote", "bot_command", "mention", "url", "hashtag"}
                assert kinds <= plain, (text, kinds)
                assert len(reply.text.encode("utf-16-le")) <= 2 * 4096
        await scene.chatter(group, 2)

    scene_of_attack.__name__ = f"attack_{place}"
    return scene_of_attack


async def longest_messages(scene: Scene) -> None:
    """4,096 characters of question, of name, of nothing."""
    group, li = scene.group("长" * 128), scene.person("长" * 64)
    long = (WALL + "？") * 1000
    for chat in (group, scene.private(li)):
        for text in (long, "&<b>" * 1100, "😀" * 2048):
            reply = await scene.ask(chat, li, f"{MENTION} {text}"[:4096].rstrip("\ud83d"))
            assert len(reply.text) < 1500
        await scene.ask(chat, li, f"/search {long}"[:4096])


# Limits and manners.


async def flood(scene: Scene) -> None:
    """A chat that Telegram asks to leave alone waits, alone; nothing is lost, nothing doubled."""
    flooded = scene.group("洪水支部")
    people = [scene.person(f"同志{number}") for number in range(12)]
    scene.server.fail_next("sendMessage", 429, "Too Many Requests: retry after 3", 3, 1, flooded.id)
    asked = [await scene.tell(flooded, person, f"{MENTION} 第{number + 1}条") for number, person in enumerate(people)]
    (call,) = await scene.until(lambda: [one for one in scene.server.calls("sendMessage") if one.status == 429])
    elsewhere = [(scene.group(f"旁边支部{number}"), scene.person("旁人")) for number in range(6)]
    others = [await scene.tell(chat, person, f"{MENTION} {WALL}") for chat, person in elsewhere]
    for (chat, _), message in zip(elsewhere, others, strict=True):
        await scene.answer(chat, message, FOUND[WALL])
    for message in asked:
        await scene.answer(flooded, message)
    served = [one.chat_id for one in scene.server.calls("sendMessage") if call.time < one.time < call.time + 3]
    assert served, "nobody was served while one chat was at rest"
    assert flooded.id not in served
    reply = replies_of_bot(flooded, asked[0])[0]
    scene.server.fail_next("editMessageText", 429, "Too Many Requests: retry after 1", 1, 2, flooded.id)
    await scene.ask(flooded, people[0], f"{MENTION} {SKINS}", FOUND[SKINS])
    await scene.press(flooded, people[1], reply, "目录", "共5章31条")


async def broken_answers(scene: Scene) -> None:
    """Telegram stumbles: what was done is not done again, what was refused is said more plainly."""
    lost, li = scene.group("断线支部"), scene.person("小李")
    scene.server.drop_next("sendMessage", 1, lost.id)
    await scene.ask(lost, li, f"{MENTION} {WALL}", FOUND[WALL])
    await scene.ask(lost, li, f"{MENTION} {GIFTS}", FOUND[GIFTS])
    refused = scene.group("拒收支部")
    scene.server.fail_next("sendMessage", 400, "Bad Request: can't parse entities: x", chat_id=refused.id)
    scene.day.unprompted[refused.id] = 1  # said again without what may have been refused, the reply too
    await scene.tell(refused, li, f"{MENTION} {WALL}", replies=0)
    await scene.ask(refused, li, f"{MENTION} {GIFTS}", FOUND[GIFTS])
    mute = scene.group("禁言支部")
    words = "Bad Request: not enough rights to send text messages to the chat"
    scene.server.fail_next("sendMessage", 400, words, chat_id=mute.id)
    await scene.tell(mute, li, f"{MENTION} {WALL}", replies=0)
    await scene.ask(mute, li, f"{MENTION} {GIFTS}", FOUND[GIFTS])


async def twins(scene: Scene) -> None:
    """The same question within seconds: one answer, and a word that points at it."""
    group, people = scene.group("同问支部"), [scene.person(name) for name in ("小李", "老王", "阿安")]
    texts = (f"{MENTION} {WALL}", f"{MENTION} {WALL}？", f"/ask {WALL}！")
    asked = [await scene.tell(group, person, text) for person, text in zip(people, texts, strict=True)]
    answers = [await scene.answer(group, message) for message in asked]
    assert FOUND[WALL] in answers[0].text
    for answer in answers[1:]:
        assert answer.text == "刚答过同一个问题，请看上面那条。"
        assert answer["entities"][0]["url"].endswith(f"/{answers[0].id}")
    await scene.edited(group, asked[1], f"{MENTION} {SKINS}", FOUND[SKINS])


async def one_who_asks_too_much(scene: Scene) -> None:
    """Eight a minute, one polite word, then silence; others are answered."""
    group, li, wang = scene.group("性急支部"), scene.person("小李"), scene.person("老王")
    asked = [await scene.tell(group, li, f"/article {number + 1}") for number in range(9)]
    for _ in range(3):
        await scene.tell(group, li, f"{MENTION} {WALL}", replies=0)
    await scene.answer(group, asked[-1], "有点快")
    await scene.ask(group, wang, f"{MENTION} {WALL}", FOUND[WALL])


async def deliveries_that_come_twice(scene: Scene) -> None:
    """The same update again, at once or later: messages, edits, presses, memberships, inline queries."""
    group, li = scene.group("重复支部"), scene.person("小李")
    asked = await scene.tell(group, li, f"{MENTION} {WALL}")
    scene.repeat(asked)
    scene.repeat(asked)
    reply = await scene.answer(group, asked, FOUND[WALL])
    scene.repeat(asked)
    await scene.edit(group, asked, f"{MENTION} {GIFTS}")
    scene.repeat(asked, "edited_message")
    await scene.until(lambda: FOUND[GIFTS] in scene.now(group, reply).text)
    scene.repeat(asked, "edited_message")
    scene.repeat(asked)
    aside = await scene.tell(group, li, "大家早", replies=0)
    scene.repeat(aside)
    private = scene.private(li)
    for question in (WALL, "/toc"):
        message = await scene.tell(private, li, question)
        scene.repeat(message)
        await scene.answer(private, message)
        scene.repeat(message)


# Coming and going.


async def blocked_by_a_person(scene: Scene) -> None:
    """Who blocks the bot is left in peace; who lets it speak again is answered."""
    li = scene.person("小李")
    private = scene.private(li)
    await scene.ask(private, li, WALL, FOUND[WALL])
    for _ in range(2):
        await scene.tell(private, li, GIFTS, replies=0)
        await scene.move(private, scene.server.bot, "kicked")
        await scene.refused(private)
        await scene.move(private, scene.server.bot, "member")
        await scene.ask(private, li, "/start", WALL)
        await scene.ask(private, li, SKINS, FOUND[SKINS])


async def thrown_out_and_taken_back(scene: Scene) -> None:
    """A group is greeted once, whatever happens to the bot's place in it."""
    group, boss, bot = scene.group("来去支部"), scene.person("书记"), scene.server.bot
    group.members[bot.id] |= {"status": "left"}
    await scene.move(group, bot, "member", boss)
    scene.day.unprompted[group.id] = 1
    introduction = (await scene.until(lambda: group.bot_messages))[0]
    assert len(introduction.text.split("\n")) == 3
    await scene.move(group, bot, "administrator", boss)
    await scene.ask(group, boss, f"{MENTION} {WALL}", FOUND[WALL])
    await scene.tell(group, boss, f"/ask {GIFTS}", replies=0)
    await scene.move(group, bot, "kicked", boss)
    await scene.refused(group)
    await scene.tell(group, boss, f"{MENTION} {SKINS}", replies=0)
    await scene.move(group, bot, "member", boss)
    await scene.ask(group, boss, f"{MENTION} {WHO}", FOUND[WHO])
    await scene.move(group, bot, "left", boss)
    await scene.move(group, bot, "member", boss)
    await scene.chatter(group, 2)


async def migration(scene: Scene) -> None:
    """A basic group becomes a supergroup with a question on its way: answer, settings and greeting go along."""
    basic, li = scene.group("小群<b>&", basic=True), scene.person("小李")
    boss = await scene.administrator(basic)
    panel = await scene.ask(basic, boss, "/settings", "本群的设置")
    await scene.press(basic, boss, panel, "简短", "简短")
    await scene.ask(basic, li, f"{MENTION} {WALL}", FOUND[WALL])
    await scene.chatter(basic, 2)
    await scene.tell(basic, li, f"{MENTION} {GIFTS}", replies=0)
    supergroup = await basic.migrate(boss)
    scene.day.steps += 1
    scene.day.chats.append(supergroup)
    scene.day.unprompted[supergroup.id] = 1  # the answer under way, which has nothing there to reply to
    moved = (await scene.until(lambda: supergroup.bot_messages))[0]
    assert FOUND[GIFTS] in moved.text
    brief = await scene.ask(supergroup, li, f"{MENTION} {SKINS}", FOUND[SKINS])
    assert "〔" not in brief.text
    await scene.press(supergroup, boss, brief, "全文", FOUND[SKINS])
    await scene.ask(supergroup, boss, "/settings", "简短")
    await scene.chatter(supergroup, 3)


# Administrators, and what is kept.


async def review(scene: Scene) -> None:
    """What was not answered goes to the administrator in private, and back to the group by hand."""
    group, li = scene.group("复核支部"), scene.person("小李")
    boss = await scene.administrator(group)
    declined = await scene.ask(group, li, f"{MENTION} {UNKNOWN}")
    await scene.ask(group, li, f"{MENTION} 坐火箭去火星要几天")
    await scene.ask(group, li, f"{MENTION} 明天下不下雨")
    await scene.ask(group, li, "/review", "只对这个群的管理员开放")
    invitation = await scene.ask(group, boss, "/review")
    payload = invitation.buttons[0]["url"].partition("?start=")[2]
    private, theirs = scene.private(boss), scene.private(li)
    await scene.ask(theirs, li, f"/start {payload}", "不是那个群的管理员")
    card = await scene.ask(private, boss, f"/start {payload}", UNKNOWN)
    await scene.press(private, boss, card, "亲自作答")
    prompt = await scene.until(lambda: next((one for one in private.bot_messages if "请回复这条" in one.text), None))
    scene.day.unprompted[private.id] += 1
    scene.day.unprompted[group.id] += 1
    await scene.ask(private, boss, "<b>十一点半</b> & 别晚", "已发到群里", reply_to=prompt)
    (by_hand,) = group.replies_to(declined)
    assert by_hand.text.endswith("<b>十一点半</b> & 别晚")
    await scene.ask(private, boss, "再来一次", "已经有人处理过", reply_to=prompt)
    await scene.press(private, boss, card, "下一个", "火箭")
    await scene.press(private, boss, card, "加例问", "在哪一条")
    await scene.press(private, boss, card, "返回", "#")
    await scene.press(private, boss, card, "加例问", "在哪一条")
    await scene.press(private, boss, card, "3", "下不下雨")
    scene.day.kept["card"] = (private, boss, card)


async def privacy_and_forgetting(scene: Scene) -> None:
    """/privacy says what is kept, /forget erases it; a group's traces are its administrators' to erase."""
    group, li = scene.group("隐私支部"), scene.person("小李")
    boss = await scene.administrator(group)
    assert "留 90 天" in (await scene.ask(group, li, "/privacy")).text
    await scene.ask(group, li, f"{MENTION} {WALL}", FOUND[WALL])
    await scene.ask(group, li, "/forget", "1 条记录")
    await scene.ask(group, li, f"/forget{MENTION}", "无可抹去")
    offered = await scene.ask(group, boss, "/forget", "也可以抹去本群的数据")
    assert (await scene.press(group, li, offered, "抹去"))["show_alert"]
    await scene.press(group, boss, offered, "抹去", "设置回到默认")
    await scene.ask(group, boss, "/stats", "还没有人问过")
    await scene.ask(group, li, "/stats", "统计只给群管理员看")
    await scene.tell(group, li, "/forget@other_bot", replies=0)


async def many_small_groups(scene: Scene) -> None:
    """Two dozen groups ask at once, each amid its own talk."""
    questions = list(FOUND.items())
    asked: list[tuple[Chat, Message, str]] = []
    for number in range(24):
        group = scene.group(f"第{number}小组", hears_all=number % 2 == 0)
        question, article = questions[number % len(questions)]
        await scene.chatter(group, 1)
        asked.append((group, await scene.tell(group, scene.person(), f"{MENTION} {question}"), article))
        await scene.chatter(group, 1)
    for group, message, article in asked:
        await scene.answer(group, message, article)


# The restart.


async def questions_in_hand(scene: Scene) -> None:
    """Asked just before the process is told to stop."""
    for number in range(4):
        await scene.tell(scene.group(f"赶早支部{number}"), scene.person(), f"{MENTION} {GIFTS}")


async def questions_in_the_dark(scene: Scene) -> None:
    """Asked while the process is down: answered once, oldest first; in groups, what is stale is told so once."""
    li = scene.person("小李")
    private, group, stale = scene.private(li), scene.group("熬夜支部"), scene.group("隔夜支部")
    old = [await scene.tell(private, li, f"第{number}条", date=an_hour_ago() + number) for number in (3, 4)]
    fresh = [await scene.tell(private, li, question) for question in (WALL, GIFTS, SKINS)]
    edited = await scene.tell(group, li, f"{MENTION} {WALL}")
    await scene.edit(group, edited, f"{MENTION} {WHO}")
    await scene.chatter(group, 2)
    told = await scene.tell(stale, li, f"{MENTION} {WALL}", date=an_hour_ago())
    await scene.tell(stale, scene.person("老王"), f"{MENTION} {GIFTS}", replies=0, date=an_hour_ago())
    await scene.chatter(stale, 2)
    scene.day.kept["dark"] = (private, [*old, *fresh], group, edited, stale, told)


async def answers_to_the_dark(scene: Scene) -> None:
    """The answers to those, once the process is back."""
    private, asked, group, edited, stale, told = scene.day.kept["dark"]
    for message in asked:
        await scene.answer(private, message)
    assert [reply.reply_to_id for reply in private.bot_messages] == [message.id for message in asked]
    await scene.until(lambda: any(FOUND[WHO] in reply.text for reply in replies_of_bot(group, edited)))
    await scene.answer(stale, told, "没在线")


async def buttons_of_the_morning(scene: Scene) -> None:
    """Everything under the morning's messages still works."""
    group, reply, before = scene.day.kept["answer"]
    li = scene.person("小李")
    await scene.press(group, li, reply, "返回答案")
    await scene.shows(group, reply, before)
    assert "谢谢" in (await scene.press(group, li, reply, "👍"))["text"]
    opened = await scene.press(group, li, reply, "私聊细说")
    await scene.ask(scene.private(li), li, f"/start {opened['url'].partition('?start=')[2]}", RELATED)
    await scene.ask(scene.private(li), li, f"/start {scene.day.kept['link']}", RELATED)
    _, asked = scene.day.kept["asked"]
    await scene.edited(group, asked, f"{MENTION} {GIFTS}", FOUND[GIFTS])
    changed, hasty = scene.day.kept["edit"]
    await scene.edited(changed, hasty, f"{MENTION} 第八条", "第八条")


async def settings_of_the_morning(scene: Scene) -> None:
    """Settings and the panel outlive the process; so does the card of /review."""
    group, boss, panel = scene.day.kept["panel"]
    await scene.ask(group, scene.person("小李"), f"{MENTION} {SKINS}", "Article 18")
    await scene.press(group, boss, panel, "Follow" if "Follow" in str(scene.labels(group, panel)) else "Chinese")
    await scene.press(group, boss, panel, scene.labels(group, panel)[-1])
    private, reviewer, card = scene.day.kept["card"]
    await scene.press(private, reviewer, card, "不管它", "都看完了")


async def operator(scene: Scene) -> None:
    """Who runs the bot sees the figures of all chats, and reviews what was asked in private."""
    person = scene.day.operator
    private = scene.private(person)
    picture = await scene.ask(private, person, "/stats", "私聊合在一起算")
    assert picture["photo"]
    card = await scene.ask(private, person, "/review", "提议")
    for kind, label in (("提议", "不采用"), ("有人说", "不管它")):  # what was taught comes first, then what is disputed
        while kind in scene.now(private, card).text:
            before = scene.now(private, card).text
            await scene.press(private, person, card, label)
            await scene.until(lambda before=before: scene.now(private, card).text != before)  # type: ignore[misc]
    assert "没答上的问题" in scene.now(private, card).text, scene.now(private, card).text
    await scene.press(private, person, card, "不管它", "#")


MORNING: Final[tuple[Callable[[Scene], Awaitable[None]], ...]] = (
    *(ways_of_asking, talk_of_bystanders, behind_privacy_mode, forum, linked_channel, anonymous_administrator),
    *(edits, questions_that_vanish, buttons_of_an_answer, votes, on_in_private, contents, search),
    *(settings, settings_in_private, stale_and_garbage, inline, links),
    *(attacked(place) for place in range(4)),
    *(flood, broken_answers, twins, deliveries_that_come_twice, blocked_by_a_person, thrown_out_and_taken_back),
    *(migration, review, many_small_groups),
)
EVENING: Final[tuple[Callable[[Scene], Awaitable[None]], ...]] = (
    *(answers_to_the_dark, buttons_of_the_morning, settings_of_the_morning, operator),
    *(ways_of_asking, talk_of_bystanders, longest_messages, one_who_asks_too_much, privacy_and_forgetting),
    *(attacked(place) for place in range(4, len(ATTACKS))),
)
