"""What questions are answered with, over the real knowledge base: status, reason, mode, citations, notes, shape."""

import asyncio
import json
import logging
import re
import unicodedata
from collections.abc import Callable

import pytest

from bot.answering.model import Answer
from bot.answering.plain import as_json, as_text
from bot.answering.service import Answerer
from knowledge.model import Regulation
from knowledge.numerals import parse_numeral
from prompts import Language, load_replies
from tests.factories import make_evidence, make_retrieval
from tests.fakes import FakeRetriever

LOOKUPS: list[tuple[str, list[int]]] = [
    ("第十四条", [14]),
    ("14条", [14]),
    ("第14条原文", [14]),
    ("第 十四 条", [14]),
    ("第⑭条", [14]),
    ("第十四條", [14]),
    ("第十四条说的是什么", [14]),
    ("《中国共产党党员网络行为规定》第十四条", [14]),
    ("Article 12", [12]),
    ("第十四、十五条", [14, 15]),
    ("第10到12条", [10, 11, 12]),
    ("第一条", [1]),
    ("最后一条", [31]),
    ("last article", [31]),
    ("第三章", list(range(9, 22))),
    ("chapter 2", [5, 6, 7, 8]),
    ("附则", [29, 30, 31]),
    ("什么时候发布", [31]),
    ("什么时候施行", [31]),
    ("谁解释", [30]),
    ("解释权归谁", [30]),
]
COUNTS = ["一共多少条", "几章", "有几章几条", "目录"]
MISSING = ["第三十二条", "第三十二条是什么", "第100条", "第0条", "Article 32", "第九章", "chapter 9"]
PLAIN_QUESTIONS: list[tuple[str, int]] = [
    ("能翻墙吗", 14),
    ("能用VPN吗", 14),
    ("可以用梯子看youtube吗", 14),
    ("黨員可以翻牆嗎", 14),
    ("转发小道消息算造谣吗", 12),
    ("AI换脸造谣", 12),
    ("在群里骂领导人", 10),
    ("组织网上签名联名信", 11),
    ("能在朋友圈转发网上的宗教活动吗", 13),
    ("网上参加算命", 13),
    ("微信群传机密文件", 15),
    ("删帖收钱", 16),
    ("打游戏上瘾", 17),
    ("网上晒豪车", 17),
    ("能给主播刷礼物吗", 17),
    ("领导收了比特币", 18),
    ("领导干部能直播带货吗", 19),
    ("干部开抖音号", 20),
    ("发现网上违法信息怎么办", 21),
    ("党支部怎么教育党员上网", 22),
    ("被网暴了组织管不管", 24),
    ("民主生活会要检查上网行为吗", 27),
    ("谁管党员上网", 4),
    ("什么是网络行为", 2),
    ("看到错误言论要不要反驳", 7),
    ("can I use a VPN?", 14),
    ("must I report illegal content", 21),
]
PENALTIES: list[tuple[str, int]] = [
    ("翻墙被抓了怎么处分", 14),
    ("造谣会被怎么处理", 12),
    ("领导干部收虚拟货币会不会坐牢", 18),
    ("刷礼物会被处分吗", 17),
    ("处长直播带货违规了会怎样", 19),
    ("翻墙会被开除党籍吗", 14),
    ("违反第十四条会怎样", 14),
    ("泄密了会开除吗", 15),
    ("what happens if I spread rumors?", 12),
]
NOTES: list[tuple[str, int, str]] = [
    ("怎么翻墙不被发现", 14, "no_way_round"),
    ("推荐个vpn", 14, "no_way_round"),
    ("直播带货行不行", 19, "cadres"),
    ("收游戏装备算受贿吗", 18, "cadres"),
    ("我不是党员可以翻墙吗", 14, "outsiders"),
    ("团员也要遵守吗，转发谣言的话", 12, "outsiders"),
]
GREETINGS = ["你好", "您好", "谢谢", "谢谢你", "再见", "早上好", "在吗", "你是谁", "讲个笑话", "hello", "hi", "thanks"]
OFF_TOPIC = [
    "红烧肉怎么做",
    "党费怎么交",
    "入党需要什么条件",
    "组织关系怎么转",
    "个人所得税怎么算",
    "Python怎么读取文件",
    "2018年世界杯冠军是谁",
    "how to cook pork",
]
NEAR = [
    "民主生活会一年开几次",
    "公众号要不要报备",
    "举报公车私用有奖金吗",
    "党员不缴党费多久算脱党",
    "网络安全宣传周是哪天",
]
FOREIGN: list[tuple[str, str]] = [
    ("《网络安全法》第二十一条是什么", "网络安全法"),
    ("《中国共产党纪律处分条例》怎么处分翻墙", "中国共产党纪律处分条例"),
    ("个人信息保护法第十三条", "个人信息保护法"),
    ("刑法第二百条", "刑法"),
    ("刑法第2条", "刑法"),
    ("刑法第20条", "刑法"),
    ("处分条例第50条", "处分条例"),
    ("民法典第1024条", "民法典"),
    ("党章第10条", "党章"),
]
ODD = [
    "",
    " ",
    "\n\t\u3000",
    "。。。",
    "😀",
    "👨‍👩‍👧🇨🇳",
    "\x00",
    "\ud83d",
    "\u202e能翻墙吗",
    "能翻墙吗\ud800",
    "<b>能翻墙吗</b>",
    "{label}",
    "{0}",
    "%s%n",
    "《》",
    "《《《",
    "第十百条",
    "第1条到第9999条",
    "第999999999999条",
    "第-1条",
    "(" * 5_000,
    "第1条" * 5_000,
    "第一" * 50_000 + "条",
    "a" * 100_000,
    "能翻墙吗" * 25_000,
]
BLANK = ODD[:8]
STORY = (
    "老张是我们镇上的老党员，在单位干了二十多年，平时为人热心，邻里有事都愿意找他商量。他儿子在外地上大学，学的是计算机，"
    "每次放假回来都会帮家里把电脑收拾一遍。去年冬天，老张的老伴身体不太好，一家人都忙着跑医院，家里的事情也顾不上。"
    "开春以后情况好了一些，老张又开始琢磨着写点东西，说是要把镇上的老故事整理出来，留给后来的年轻人看。"
)
EVERY_QUESTION = [
    *(question for question, _ in LOOKUPS),
    *COUNTS,
    *MISSING,
    *(question for question, _ in PLAIN_QUESTIONS),
    *(question for question, _ in PENALTIES),
    *(question for question, _, _ in NOTES),
    *GREETINGS,
    *OFF_TOPIC,
    *(question for question, _ in FOREIGN),
]
ENTRY = ["question", "status", "reason", "mode", "confidence", "answer", "citations", "latency_ms"]
CITATION = ["regulation", "chapter", "article", "quote"]
LABEL = re.compile(r"第([零〇一二三四五六七八九十百千]+)条|Article (\d+)")

Ask = Callable[[str], Answer]


@pytest.fixture(scope="module")
def ask(answerer: Answerer) -> Ask:
    """Answers a question."""
    return answerer.answer_now


def articles(answer: Answer) -> list[int]:
    return [citation.article for citation in answer.citations]


def sentence(key: str, language: Language = "zh", **values: object) -> str:
    return load_replies()[language](key, **values)


def numbers(text: str) -> set[int]:
    """The article numbers that a text shows, in either language."""
    return {parse_numeral(numeral) if numeral else int(digits) for numeral, digits in LABEL.findall(text)}


def without_quotes(text: str, answer: Answer) -> str:
    for citation in sorted(answer.citations, key=lambda citation: -len(citation.quote)):
        text = text.replace(citation.quote, "")
    return text


@pytest.mark.parametrize(("question", "expected"), LOOKUPS)
def test_the_structure_is_looked_up_without_a_search(ask: Ask, question: str, expected: list[int]) -> None:
    answer = ask(question)
    assert (answer.status, answer.reason, answer.mode, answer.confidence) == ("answered", None, "lookup", 1.0)
    assert articles(answer) == expected
    assert all(citation.quote == citation.text for citation in answer.citations)


@pytest.mark.parametrize("question", COUNTS)
def test_counts_and_contents_are_said_in_the_leading_sentence(ask: Ask, question: str) -> None:
    answer = ask(question)
    assert (answer.status, answer.mode, answer.citations) == ("answered", "lookup", ())
    counts, *chapters = answer.lead.split("\n")
    assert re.findall(r"\d+", counts) == ["5", "31"]
    assert chapters == [
        "第一章 总则（第一条至第四条）",
        "第二章 网络正能量传播（第五条至第八条）",
        "第三章 网络行为管理（第九条至第二十一条）",
        "第四章 保障和监督（第二十二条至第二十八条）",
        "第五章 附则（第二十九条至第三十一条）",
    ]


def test_an_english_reader_gets_the_contents_with_articles_by_their_english_name(ask: Ask) -> None:
    answer = ask("how many articles are there")
    counts, *chapters = answer.lead.split("\n")
    assert re.findall(r"\d+", counts) == ["5", "31"]
    assert [re.findall(r"Article (\d+)", line) for line in chapters] == [
        ["1", "4"],
        ["5", "8"],
        ["9", "21"],
        ["22", "28"],
        ["29", "31"],
    ]


def test_what_stands_below_the_title_is_quoted_for_its_date(ask: Ask, conduct: Regulation) -> None:
    lead = ask("什么时候发布").lead
    assert conduct.promulgation.strip("（）()") in lead
    assert "2024年1月14日" in lead


@pytest.mark.parametrize("question", MISSING)
def test_what_does_not_exist_is_said_with_how_many_there_are(ask: Ask, question: str) -> None:
    answer = ask(question)
    assert (answer.status, answer.reason, answer.mode) == ("abstained", "no_such_article", "lookup")
    assert {"31", "5"} <= set(re.findall(r"\d+", answer.lead))
    assert answer.citations == ()


@pytest.mark.parametrize(
    ("question", "named"), [("第三十二条", "第三十二条"), ("第九章", "第九章"), ("Article 32", "Article 32")]
)
def test_what_does_not_exist_is_named_in_the_readers_language(ask: Ask, question: str, named: str) -> None:
    assert named in ask(question).lead


@pytest.mark.parametrize("question", ["第12345条", "第999999999条", "Article 100000"])
def test_no_number_is_too_large_to_be_missing(ask: Ask, question: str) -> None:
    assert ask(question).reason == "no_such_article"


def test_a_missing_article_beside_one_that_exists_becomes_a_note(ask: Ask) -> None:
    answer = ask("第十四条和第三十二条")
    assert (answer.status, articles(answer)) == ("answered", [14])
    assert answer.notes == (sentence("lookup.also_missing", missing="第三十二条", articles=31),)


@pytest.mark.parametrize(("question", "leading"), PLAIN_QUESTIONS)
def test_an_everyday_question_is_answered_with_its_article_first(ask: Ask, question: str, leading: int) -> None:
    answer = ask(question)
    assert (answer.status, answer.reason, answer.mode) == ("answered", None, "extractive")
    assert articles(answer)[0] == leading
    assert len(answer.citations) <= 5
    assert len(set(articles(answer))) == len(answer.citations)
    assert 0.0 < answer.confidence <= 1.0


def test_the_leading_sentence_says_what_kind_of_rule_it_is(ask: Ask) -> None:
    leads = {question: ask(question).lead for question in ("能翻墙吗", "发现网上违法信息怎么办", "什么是网络行为")}
    assert leads == {
        "能翻墙吗": "第十四条（第三章 网络行为管理）写的是“不得”：",
        "发现网上违法信息怎么办": "第二十一条（第三章 网络行为管理）写的是“应当”：",
        "什么是网络行为": "第二条（第一章 总则）：",
    }


@pytest.mark.parametrize("question", ["微信群传机密文件", "在微信上泄露工作秘密行吗"])
def test_the_rule_is_that_of_the_words_asked_about(ask: Ask, question: str) -> None:
    assert "“不得”" in ask(question).lead


@pytest.mark.parametrize(("question", "leading"), PENALTIES)
def test_a_breach_brings_article_28_second_and_says_that_there_is_no_scale(
    ask: Ask, question: str, leading: int
) -> None:
    answer = ask(question)
    assert articles(answer)[:2] == [leading, 28]
    label = "第二十八条" if answer.language == "zh" else "Article 28"
    assert sentence("note.penalty", answer.language, label=label) in answer.notes


def test_a_breach_of_nothing_in_particular_is_answered_with_article_28_alone(ask: Ask) -> None:
    answer = ask("违反了这个规定会怎样")
    assert articles(answer)[0] == 28
    assert sentence("note.penalty", label="第二十八条") in answer.notes


@pytest.mark.parametrize("question", ["能翻墙吗", "党员干部能收网络游戏装备吗", "第十四条", "谁管党员上网"])
def test_nobody_is_threatened_who_did_not_ask(ask: Ask, question: str) -> None:
    answer = ask(question)
    assert articles(answer)
    assert 28 not in articles(answer)
    assert answer.notes == ()


@pytest.mark.parametrize(("question", "leading", "note"), NOTES)
def test_a_note_says_what_the_article_does_not_reach(ask: Ask, question: str, leading: int, note: str) -> None:
    answer = ask(question)
    assert articles(answer)[0] == leading
    assert answer.notes == (sentence(f"note.{note}"),)


def test_an_official_is_not_told_that_the_article_is_about_officials(ask: Ask) -> None:
    answer = ask("领导干部能直播带货吗")
    assert articles(answer)[0] == 19
    assert answer.notes == ()


@pytest.mark.parametrize("question", ["武警党员能直播带货吗", "现役军人能翻墙吗", "军人党员上网发帖归谁管"])
def test_the_armed_forces_are_shown_their_article(ask: Ask, question: str) -> None:
    answer = ask(question)
    assert 29 in articles(answer)[:2]
    assert articles(answer)[0] == 29 or sentence("note.armed_forces", label="第二十九条") in answer.notes


@pytest.mark.parametrize("question", [*GREETINGS, *BLANK])
def test_what_is_no_question_is_told_what_can_be_asked(ask: Ask, question: str) -> None:
    answer = ask(question)
    assert (answer.status, answer.reason, answer.citations) == ("abstained", "not_a_question", ())
    assert sentence("abstained.examples", answer.language) in answer.lead


@pytest.mark.parametrize("question", OFF_TOPIC)
def test_what_the_regulation_does_not_say_is_not_answered(ask: Ask, question: str) -> None:
    answer = ask(question)
    assert (answer.status, answer.reason, answer.citations) == ("abstained", "out_of_scope", ())
    assert "《中国共产党党员网络行为规定》" in answer.lead
    assert answer.confidence < 0.5


def test_a_neighbouring_text_is_named_where_it_is_known(ask: Ask) -> None:
    assert "《关于中国共产党党费收缴、使用和管理的规定》" in as_text(ask("党费怎么交"))


@pytest.mark.parametrize(("question", "name"), FOREIGN)
def test_another_regulation_is_named_and_not_answered_for(ask: Ask, question: str, name: str) -> None:
    answer = ask(question)
    assert (answer.status, answer.reason, answer.citations) == ("abstained", "out_of_scope", ())
    assert f"《{name}》" in answer.lead


@pytest.mark.parametrize("question", ["Can party members use a VPN?", "Who interprets it?", "Article 12"])
def test_an_english_question_gets_an_english_frame_around_chinese_words(ask: Ask, question: str) -> None:
    answer = ask(question)
    assert answer.language == "en"
    assert answer.lead.startswith(f"Article {answer.citations[0].article} ")
    frame = without_quotes(as_text(answer), answer)
    assert not re.search(r"第[一二三四五六七八九十]+条", frame)
    assert answer.citations[0].quote in as_text(answer)
    assert re.search(r"[一-鿿]{8}", answer.citations[0].quote)


@pytest.mark.parametrize("question", ["who are you", "how do I pay my party dues", "how to write python"])
def test_an_english_reader_is_not_told_of_a_subject_in_chinese(ask: Ask, question: str) -> None:
    answer = ask(question)
    assert (answer.language, answer.status) == ("en", "abstained")
    assert not re.search(r"[一-鿿]", re.sub(r"《[^》]*》", "", as_text(answer)))


def test_the_language_may_be_chosen(answerer: Answerer) -> None:
    assert answerer.answer_now("第十四条", "en").lead.startswith("Article 14")
    assert answerer.answer_now("Article 14", "zh").lead.startswith("第十四条")


@pytest.mark.parametrize("question", ODD, ids=lambda question: ascii(question[:12]))
def test_nothing_that_can_be_typed_raises(ask: Ask, caplog: pytest.LogCaptureFixture, question: str) -> None:
    answer = ask(question)
    assert answer.status in ("answered", "abstained")
    assert json.loads(json.dumps(as_json(answer)))["answer"] == as_text(answer)
    assert caplog.records == []


@pytest.mark.parametrize("question", ["\x00能翻墙吗", "能翻墙\x00吗", "能\x00翻墙吗", "能翻墙吗\x00"])
def test_a_nul_hides_nothing_of_the_question(ask: Ask, question: str) -> None:
    assert articles(ask(question)) == [14]


def test_braces_in_a_name_are_only_braces(ask: Ask) -> None:
    assert "《{regulation}》" in ask("《{regulation}》第三条").lead


@pytest.mark.parametrize("question", [f"{STORY * 3}请问党员能翻墙吗？", f"党员能翻墙吗？{STORY * 3}"])
def test_a_long_message_is_read_where_it_asks(ask: Ask, question: str) -> None:
    assert len(question) > 400
    assert 14 in articles(ask(question))


def test_every_quote_stands_verbatim_in_its_article_of_the_source(
    ask: Ask, answered_questions: list[str], conduct: Regulation, conduct_text: str
) -> None:
    source = source_articles(conduct_text)
    asked = [*answered_questions[:: len(answered_questions) // 300], *EVERY_QUESTION]
    assert len(asked) >= 300 + 60
    quotes = 0
    for question in asked:
        answer = ask(question)
        assert answer.status != "unavailable", question
        assert bool(answer.citations) == (answer.status == "answered" and question not in COUNTS), question
        for citation in answer.citations:
            article = conduct.article(citation.article)
            assert article is not None
            assert citation.quote in article.text, question
            assert article.text == citation.text, question
            assert folded(citation.quote) in source[citation.article], question
            assert citation.emphasis is None or citation.emphasis in citation.quote, question
            assert (citation.label, citation.chapter) == (article.label, article.chapter and article.chapter.number)
            quotes += 1
    assert quotes > 300


def source_articles(text: str) -> dict[int, str]:
    """The articles of the source file by number, folded, read in the plainest way."""
    parts = re.split(r"^第([一二三四五六七八九十]+)条\s*$", text, flags=re.M)
    assert len(parts) == 1 + 2 * 31
    return {parse_numeral(number): folded(body) for number, body in zip(parts[1::2], parts[2::2], strict=True)}


def folded(text: str) -> str:
    """Without white space, and with one width of punctuation: what the reader may repair."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def test_numbers_shown_are_those_of_the_citations(ask: Ask, written_questions: list[str]) -> None:
    asked = [*written_questions[7 :: len(written_questions) // 100], *EVERY_QUESTION]
    shown = 0
    for question in asked:
        answer = ask(question)
        if answer.status != "answered" or not answer.citations:
            continue
        cited = set(articles(answer))
        assert numbers(without_quotes(as_text(answer), answer)) <= cited, question
        if answer.mode == "extractive":
            assert numbers(answer.lead) == {articles(answer)[0]}, question
            shown += 1
    assert shown > 60


def test_the_nearest_article_of_an_abstention_is_the_one_it_names(ask: Ask) -> None:
    named = 0
    for question in [*OFF_TOPIC, *NEAR, "单位微信群发红包行不行"]:
        answer = ask(question)
        if answer.nearest is not None and answer.language == "zh":
            assert numbers(as_text(answer)) == {answer.nearest}, question
            named += 1
    assert named >= 1


@pytest.mark.parametrize(
    "question", ["能翻墙吗", "第三章", "一共多少条", "第三十二条", "你好", "党费怎么交", "Article 12"]
)
def test_the_json_has_the_shape_that_scripts_rely_on(ask: Ask, question: str) -> None:
    answer = ask(question)
    entry = as_json(answer)
    assert [name for name in entry if name in ENTRY] == ENTRY
    assert (entry["question"], entry["status"], entry["reason"], entry["mode"]) == (
        question,
        answer.status,
        answer.reason,
        answer.mode,
    )
    assert isinstance(entry["confidence"], float)
    assert 0.0 <= entry["confidence"] <= 1.0
    assert isinstance(entry["latency_ms"], float)
    assert entry["latency_ms"] >= 0.0
    assert entry["answer"] == as_text(answer)
    assert len(entry["citations"]) == len(answer.citations)
    for citation in entry["citations"]:
        assert [name for name in citation if name in CITATION] == CITATION
        assert citation["regulation"] == "中国共产党党员网络行为规定"
        assert isinstance(citation["chapter"], int)
        assert isinstance(citation["article"], int)
        assert citation["quote"] in entry["answer"]
    assert json.loads(json.dumps(entry, ensure_ascii=False)) == entry


def test_the_json_of_the_interface_document(ask: Ask) -> None:
    entry = as_json(ask("能翻墙吗"))
    assert (entry["status"], entry["reason"], entry["mode"]) == ("answered", None, "extractive")
    expected = {
        "regulation": "中国共产党党员网络行为规定",
        "chapter": 3,
        "article": 14,
        "quote": "党员不得擅自建立、使用非法定信道浏览、访问、使用境外的网站、应用程序等。",
    }
    assert entry["citations"][0] == entry["citations"][0] | expected


async def test_many_at_once_are_answered_each_for_itself(answerer: Answerer) -> None:
    asked = PLAIN_QUESTIONS[:12]
    answers = await asyncio.gather(*(answerer.answer(question) for question, _ in asked))
    assert [answer.question for answer in answers] == [question for question, _ in asked]
    assert [articles(answer)[0] for answer in answers] == [leading for _, leading in asked]


def test_doubt_falls_towards_abstention(answerer: Answerer) -> None:
    doubtful = make_retrieval(make_evidence(answerer.library, 14), confidence=0.49)
    answer = Answerer(answerer.library, FakeRetriever(doubtful), load_replies()).answer_now("机器猫有几只耳朵")
    assert (answer.status, answer.reason, answer.nearest) == ("abstained", "out_of_scope", 14)
    assert answer.citations == ()


def test_nothing_found_is_an_abstention_that_names_no_article(answerer: Answerer) -> None:
    answer = Answerer(answerer.library, FakeRetriever(make_retrieval()), load_replies()).answer_now("机器猫有几只耳朵")
    assert (answer.status, answer.reason, answer.nearest, answer.notes) == ("abstained", "out_of_scope", None, ())


@pytest.mark.parametrize("error", [RuntimeError("disk at /secret/path"), MemoryError(), KeyError("翻墙")])
def test_whatever_breaks_a_person_reads_one_plain_sentence(
    answerer: Answerer, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def broken() -> None:
        raise error

    retriever = FakeRetriever(make_retrieval(), before=broken)
    with caplog.at_level(logging.DEBUG):
        answer = Answerer(answerer.library, retriever, load_replies()).answer_now("小王昨天翻墙了怎么办")
    assert retriever.questions == ["小王昨天翻墙了怎么办"]
    assert (answer.status, answer.reason, answer.citations) == ("unavailable", "failed", ())
    assert as_text(answer) == sentence("unavailable.failed")
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "小王" not in caplog.text
