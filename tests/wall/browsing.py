"""Headless Chromium on the page, driven by Playwright; Debian's `chromium`, none that is fetched."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from playwright.async_api import Browser, Page, async_playwright

from tests.picture.shooting import browser

Theme = Literal["light", "dark"]


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=browser(), args=["--no-sandbox", "--disable-gpu"])
        try:
            yield opened
        finally:
            await opened.close()


@asynccontextmanager
async def page_at(
    opened: Browser, url: str, *, size: tuple[int, int] = (1920, 1080), theme: Theme = "light"
) -> AsyncIterator[Page]:
    """The page once it shows something; nothing moves on it."""
    width, height = size
    context = await opened.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce"
    )
    page = await context.new_page()
    await page.goto(url)
    await page.wait_for_selector(".stage")
    try:
        yield page
    finally:
        await context.close()


async def shows(page: Page, mark: str) -> None:
    """Wait until the page shows the frame of that id, at rest."""
    await page.wait_for_selector(f'html[data-frame="{mark}"] > body.still', state="attached")
