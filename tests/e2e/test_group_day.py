"""A whole group day against the real application, polling and behind a webhook: nothing unasked, nothing twice."""

import shutil
import socket
from pathlib import Path

import pytest

from tests.botapi import BotApiServer
from tests.e2e import story
from tests.e2e.stage import Application, Day

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.allow_hosts(["127.0.0.1"]),
    pytest.mark.timeout(600),
]

SECRET = "ein-Geheimnis_1"


@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_a_group_day(built: Path, tmp_path: Path, mode: str) -> None:
    home = shutil.copytree(built, tmp_path / "home")
    async with BotApiServer(delay_scale=0.01) as server:
        day = Day(server, server.user("运营的人"))
        settings = {"WANGGUI_OPERATORS": str(day.operator.id)} | (webhook() if mode == "webhook" else {})
        application = Application(server, home, **settings)
        try:
            await application.start()
            await day.play(story.MORNING)
            await day.play([story.questions_in_hand])
            await application.stop()
            await day.play([story.questions_in_the_dark])
            await application.start()
            await day.play(story.EVENING)
            await day.end()
        finally:
            await application.stop()
        assert day.steps >= 300
        assert server.violations == []
        assert server.parse_errors == []
        assert "\n".join(day.audit(application.log)) == ""
        assert SECRET not in application.log
        assert "Traceback" not in application.log


def webhook() -> dict[str, str]:
    """The settings of a webhook on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    address = {"WANGGUI_WEBHOOK_URL": f"http://{listen}/hook", "WANGGUI_LISTEN": listen}
    return address | {"WANGGUI_WEBHOOK_SECRET": SECRET}
