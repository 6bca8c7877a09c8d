"""The page in a real browser: what it shows, how it is steered, and what it does without a connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from bot.training.model import Refusal
from bot.web.links import LIFE, Links
from knowledge.bank.reading import load_bank
from knowledge.library import bundled_folder
from knowledge.model import Regulation
from prompts import load_replies
from tests.picture.shooting import THEMES, browser
from tests.wall.browsing import Theme, chromium, page_at, shows
from tests.wall.relaying import Relay
from tests.wall.staging import KEY, Stage, free_port, now, plan_of, served, staged

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.skipif(browser() is None, reason="Chromium is not installed"),
]

SIZES = ((1920, 1080), (1280, 720), (1024, 768))
MEASURE = """() => {
  const box = (element) => element.getBoundingClientRect();
  const [main, header, footer] = ["main", "header", "footer"].map((name) => box(document.querySelector(name)));
  const shown = [...document.querySelectorAll(".stage, .stage *")].filter((element) => box(element).width);
  const size = (name) => [...document.querySelectorAll(name)].map((one) => parseFloat(getComputedStyle(one).fontSize));
  return {
    beyond: shown.filter((one) => box(one).right > innerWidth + 1 || box(one).left < -1).map((one) => one.className),
    below: shown.filter((one) => box(one).bottom > footer.top + 1).map((one) => one.className),
    above: shown.filter((one) => box(one).top < header.bottom - 1).map((one) => one.className),
    scrolls: document.documentElement.scrollHeight > innerHeight || document.documentElement.scrollWidth > innerWidth,
    question: size(".question"), words: size(".option .words"), article: size(".article p"), story: size(".story"),
  };
}"""


@asynccontextmanager
async def opened_at(link: str, **look: Any) -> AsyncIterator[Page]:
    """A page in a browser of its own; nothing may have been complained about in its console."""
    async with chromium() as fresh, page_at(fresh, link, **look) as page:
        yield page


async def head(page: Page, words: str) -> None:
    await expect(page.locator("#head")).to_have_text(words)


async def test_every_scene_fits_every_screen_in_large_letters(tmp_path: Path, conduct: Regulation) -> None:
    bank = load_bank(bundled_folder() / conduct.id, conduct)
    longest = max(bank.items, key=lambda item: len(item.question) + sum(map(len, item.options))).id
    lengths = {article.number: len(article.text) for article in conduct.articles}
    wordiest = max(bank.items, key=lambda item: sum(lengths[number] for number in item.articles)).id
    case = max(bank.cases, key=lambda card: len(card.story) + sum(map(len, card.questions))).id
    plan = plan_of(bank, load_replies()["zh"], longest, wordiest, case=case, scored=True)
    measured = 0
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(staged(tmp_path, conduct, plan))
        fresh: Browser = await stack.enter_async_context(chromium())
        await stage.fill()
        pages = [(size, await stack.enter_async_context(page_at(fresh, stage.links.view, size=size))) for size in SIZES]
        for step in range(2 * len(plan.steps)):
            if not (await stage.state()).running:
                break
            if step:
                await stage.on()
            if (await stage.state()).phase == "open":
                await stage.vote_as(12, 30, 9)
            for (_, height), page in pages:
                await shows(page, await stage.mark())
                found = await page.evaluate(MEASURE)
                assert [found[way] for way in ("beyond", "below", "above", "scrolls")] == [[], [], [], False], step
                for name, part in (("question", 0.03), ("words", 0.021), ("article", 0.024), ("story", 0.026)):
                    assert all(size >= part * height for size in found[name]), (step, height, name, found[name])
                    measured += len(found[name])
    assert measured > 40


@pytest.mark.parametrize("theme", THEMES)
async def test_the_deciding_clause_is_lit_on_reveal_and_not_before(stage: Stage, theme: Theme) -> None:
    async with opened_at(stage.links.view, theme=theme) as page:
        await stage.on(4)
        await head(page, "第 1 题 / 共 2 题")
        assert await page.locator("mark").count() == 0
        await stage.vote_as(5, 15)
        await expect(page.locator(".number")).to_have_text(["5", "15", "0"])
        await stage.on()
        mark = page.locator("mark")
        await expect(mark).to_have_text("不得匿名诬告、有意陷害或者制造其他谣言")
        assert "匿名诬告" in (await page.locator(".article p").text_content() or "")
        lit = await mark.evaluate("(one) => [getComputedStyle(one).backgroundImage, getComputedStyle(one).fontWeight]")
        assert lit[0].startswith("linear-gradient")
        assert int(lit[1]) >= 700
        assert await page.locator(".option.right .words").text_content() == "匿名"


async def test_bars_are_as_long_as_their_share(stage: Stage) -> None:
    async with opened_at(stage.links.view) as page:
        await stage.on(4)
        await stage.vote_as(5, 15)
        await expect(page.locator("#count")).to_have_text("20 人已答")
        lengths = await page.locator(".fill").evaluate_all(
            "(fills) => fills.map((fill) => fill.getBoundingClientRect().width / fill.parentElement.clientWidth)"
        )
        assert lengths == pytest.approx([0.25, 0.75, 0], abs=0.01)


async def test_the_trainer_steers_by_keys_button_and_finger_and_viewers_do_not(stage: Stage) -> None:
    async with opened_at(stage.links.view) as page:
        for key in ("Space", "ArrowRight", "PageDown", "Enter"):
            await page.keyboard.press(key)
        await expect(page.locator("#forward")).to_be_hidden()
        assert (await stage.state()).cursor == 3
    async with opened_at(stage.links.control, size=(1280, 720)) as page:
        await head(page, "今天的安排")
        await page.keyboard.press("Space")
        await head(page, "问答时间")
        await page.keyboard.press("ArrowRight")
        await head(page, "案例 1 / 1")
        assert "小李写了一封匿名信。" in (await page.locator(".story").text_content() or "")
        assert await page.locator("#clock").text_content() in ("8:00", "7:59", "7:58")
        await expect(page.locator("#forward")).to_have_text("看条文")
        await page.locator("#forward").click()
        await expect(page.locator(".article h2")).to_have_text("第十二条")
        await expect(page.locator("#clock")).to_be_hidden()
        await page.evaluate(SWIPE)
        await head(page, "第 1 题 / 共 2 题")


async def test_one_may_look_back_and_comes_forward_again(stage: Stage) -> None:
    async with opened_at(stage.links.view) as page:
        await head(page, "今天的安排")
        await stage.on()
        await head(page, "问答时间")
        await page.keyboard.press("ArrowLeft")
        await head(page, "今天的安排")
        await expect(page.locator("#looking-back")).to_be_visible()
        await page.keyboard.press("ArrowRight")
        await head(page, "问答时间")
        await expect(page.locator("#looking-back")).to_be_hidden()
        await page.keyboard.press("PageUp")
        await head(page, "今天的安排")
        await stage.on()
        await head(page, "案例 1 / 1")
        assert (await stage.state()).cursor == 6


async def test_a_step_that_is_refused_is_explained(stage: Stage) -> None:
    stage.refusal = Refusal("training.not_sent")
    async with opened_at(stage.links.control) as page:
        await page.keyboard.press("Space")
        await expect(page.locator("#toast")).to_have_text(load_replies()["zh"]("training.not_sent"))


async def test_light_and_dark_follow_the_machine_until_somebody_chooses(stage: Stage) -> None:
    async with opened_at(stage.links.view, theme="dark") as page:
        html = page.locator("html")
        paper = "(html) => getComputedStyle(html).backgroundColor"
        dark = await html.evaluate(paper)
        await page.emulate_media(color_scheme="light")
        await expect(html).to_have_attribute("data-theme", "light")
        assert await html.evaluate(paper) != dark
        await page.keyboard.press("t")
        assert await html.evaluate(paper) == dark
        await page.reload()
        await page.wait_for_selector(".stage")
        assert await html.evaluate(paper) == dark


async def test_the_code_fills_the_screen_when_asked_for(stage: Stage) -> None:
    async with opened_at(stage.links.view) as page:
        await page.keyboard.press("q")
        code = page.locator("#big-code")
        await expect(code).to_be_visible()
        await expect(code).to_have_js_property("complete", True)
        assert await code.evaluate("(image) => image.naturalWidth") > 0
        assert await code.evaluate("(image) => image.clientHeight") > 700
        await page.keyboard.press("Escape")
        await expect(code).to_be_hidden()


async def test_a_bot_that_restarts_is_found_again_where_the_session_stands(
    stage: Stage, tmp_path: Path, conduct: Regulation
) -> None:
    port, token = free_port(), Links(KEY).sign(stage.header.id, "view", now())
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(_kept(served(stage, port)))
        page = await stack.enter_async_context(opened_at(f"http://127.0.0.1:{port}/wall/{token}"))
        await head(page, "今天的安排")
        await first.stop()
        await expect(page.locator("#offline")).to_be_visible()
        await stage.on(4)
        await head(page, "今天的安排")
        async with served(stage, port):
            await expect(page.locator("#head")).to_have_text("第 1 题 / 共 2 题", timeout=15_000)
            await expect(page.locator("#offline")).to_be_hidden()


async def test_a_minute_of_silence_is_noticed_and_made_up_for(stage: Stage) -> None:
    async with AsyncExitStack() as stack:
        relay = await stack.enter_async_context(Relay.to(stage.links.view))
        fresh = await stack.enter_async_context(chromium())
        context = await fresh.new_context(reduced_motion="reduce")
        page = await context.new_page()
        await page.clock.install()
        await page.goto(relay.link)
        await head(page, "今天的安排")
        relay.freeze()
        await stage.on(4)
        await page.clock.fast_forward(60_000)
        await expect(page.locator("#offline")).to_be_visible()
        await head(page, "今天的安排")
        relay.thaw()
        await page.clock.fast_forward(15_000)
        await head(page, "第 1 题 / 共 2 题")
        await expect(page.locator("#offline")).to_be_hidden()


async def test_a_link_that_has_expired_says_so_on_the_page(stage: Stage) -> None:
    port, token = free_port(), Links(KEY).sign(stage.header.id, "view", now())
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(_kept(served(stage, port)))
        page = await stack.enter_async_context(opened_at(f"http://127.0.0.1:{port}/wall/{token}"))
        await first.stop()
        async with served(stage, port, lambda: now() + LIFE):
            await expect(page.locator("#gone")).to_be_visible(timeout=15_000)


async def test_the_page_asks_nobody_else_for_anything_and_breaks_no_rule_of_its_own(stage: Stage) -> None:
    complaints: list[str] = []
    asked: list[str] = []
    async with chromium() as fresh:
        context = await fresh.new_context()
        page = await context.new_page()
        page.on("console", lambda message: complaints.append(f"{message.text} {message.location['url']}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(stage.links.control)
        await head(page, "今天的安排")
        for _ in range(4):
            await page.keyboard.press("Space")
            await shows_next(page)
    own = stage.links.control.rpartition("/wall/")[0]
    assert [line for line in complaints if "/favicon.ico" not in line] == []
    assert len(asked) > 4
    assert [url for url in asked if not url.startswith(own)] == []


async def test_names_and_titles_are_words_never_markup(tmp_path: Path, conduct: Regulation) -> None:
    from tests.factories import make_bank, make_item

    nasty = '<img src=x onerror="document.title=1">'
    bank = make_bank(make_item("q1", question=nasty, options=(nasty + "甲", nasty + "乙", "丙")))
    async with staged(tmp_path, conduct, plan_of(bank, load_replies()["zh"], "q1")) as stage:
        async with opened_at(stage.links.view) as page:
            await stage.on(2)
            await expect(page.locator(".question")).to_have_text(nasty)
            assert await page.locator(".stage img").count() == 0


SWIPE = """() => {
  const touch = (x) => new Touch({ identifier: 1, target: document.body, clientX: x, clientY: 300 });
  const tell = (kind, x) => document.body.dispatchEvent(new TouchEvent(kind, {
    bubbles: true, touches: kind === "touchend" ? [] : [touch(x)], changedTouches: [touch(x)] }));
  tell("touchstart", 800);
  tell("touchend", 400);
}"""


async def shows_next(page: Page) -> None:
    """Wait until the press under way is done."""
    await expect(page.locator("#forward")).to_be_enabled()


class _Kept:
    """A context that another task holds open, and closes when told to."""

    def __init__(self, held: Any) -> None:
        self._held, self._over, self._open = held, asyncio.Event(), asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self._held:
            self._open.set()
            await self._over.wait()

    async def stop(self) -> None:
        self._over.set()
        await self._task

    async def __aenter__(self) -> "_Kept":
        await self._open.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def _kept(held: Any) -> _Kept:
    return _Kept(held)
