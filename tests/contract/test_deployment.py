"""The production shape, as far as it can be held without Docker: what the files say, and that the bot starts so."""

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import Settings
from tests.botapi import BotApiServer
from tests.databases import Postgres
from tests.faults.town import ROOT, free_port

COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILES = [ROOT / "Dockerfile", *sorted((ROOT / "deploy").glob("*.Dockerfile"))]
WHOLE: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))
SERVICES: dict[str, Any] = WHOLE["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert int(service["user"].partition(":")[0]) > 0
    assert service["mem_limit"]
    assert service["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned(name: str) -> None:
    assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?", SERVICES[name]["image"])


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_every_base_is_pinned_and_nobody_is_root(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert bases
    assert all(re.fullmatch(r"[a-z/]+:\d+\.\d+\.\d+(-[a-z-]+)?", base) for base in bases)
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users
    assert int(users[-1].partition(":")[0]) > 0


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_the_linter_of_dockerfiles_is_content(path: Path) -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert hadolint, "it comes with the development dependencies"
    run = subprocess.run([hadolint, str(path)], check=False, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout) == (0, "")


def test_compose_itself_understands_the_file() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], check=False, capture_output=True).returncode:
        pytest.skip("no docker compose here")
    run = subprocess.run(
        [docker, "compose", "-f", str(COMPOSE), "--profile", "*", "config", "-q"],
        check=False,
        env={"DOMAIN": "bot.example", "PATH": "/usr/bin:/bin:/usr/local/bin"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr


def test_secrets_come_as_files_and_settings_are_ones_that_exist() -> None:
    secrets = {name for service in SERVICES.values() for name in service.get("secrets", [])}
    assert secrets == set(WHOLE["secrets"])
    assert all(one["file"].startswith("./secrets/") for one in WHOLE["secrets"].values())
    told = {name for service in SERVICES.values() for name in service.get("environment", {})}
    ours = {name.removesuffix("_FILE") for name in told if name.startswith("WANGGUI_")}
    assert ours <= {f"WANGGUI_{name.upper()}" for name in Settings.model_fields}
    assert not told & {"WANGGUI_TELEGRAM_TOKEN", "WANGGUI_WEBHOOK_SECRET", "WANGGUI_DATABASE_URL", "POSTGRES_PASSWORD"}


def test_volumes_and_networks_are_declared_and_the_database_is_not_reached_from_outside() -> None:
    named = {one.partition(":")[0] for service in SERVICES.values() for one in service.get("volumes", [])}
    assert {one for one in named if not one.startswith((".", "/"))} == set(WHOLE["volumes"])
    assert WHOLE["networks"]["inside"]["internal"] is True
    for name in ("postgres", "prometheus"):
        assert SERVICES[name]["networks"] == ["inside"]
        assert "ports" not in SERVICES[name]


def test_files_that_services_mount_are_there() -> None:
    mounted = [
        one.split(":")[0] for service in SERVICES.values() for one in service.get("volumes", []) if one[0] == "."
    ]
    assert mounted
    assert all((ROOT / one).is_file() for one in mounted)
    scrape = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text("utf-8"))
    (job,) = scrape["scrape_configs"]
    assert job["dns_sd_configs"][0]["names"] == ["bot"]
    assert SERVICES["bot"]["environment"]["WANGGUI_LISTEN"].endswith(f":{job['dns_sd_configs'][0]['port']}")
    proxied = (ROOT / "deploy" / "Caddyfile").read_text("utf-8")
    path = "/telegram/hook"
    assert f"handle {path} " in proxied
    assert SERVICES["bot"]["environment"]["WANGGUI_WEBHOOK_URL"].endswith(path)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres.running() as server:
        yield server


def without_docker(folder: Path, server: BotApiServer, database_url: str, port: int) -> dict[str, str]:
    """The bot service's environment, with its paths and addresses put here."""
    secrets = {"telegram_token": server.token, "webhook_secret": "ein-Geheimnis_1", "database_url": database_url}
    for name, value in secrets.items():
        (folder / name).write_text(value, encoding="utf-8")
    told = dict(SERVICES["bot"]["environment"])
    for name, value in told.items():
        here = value.replace("/run/secrets", str(folder)).replace("0.0.0.0:8080", f"127.0.0.1:{port}")
        told[name] = re.sub(r"https://\$\{DOMAIN[^}]*\}", f"http://127.0.0.1:{port}", here)
    told["WANGGUI_DATA_DIR"] = str(folder / "data")
    return told | {"WANGGUI_TELEGRAM_API": server.base_url, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}


@pytest.mark.loopback
@pytest.mark.allow_hosts(["127.0.0.1"])
async def test_the_bot_services_command_answers_and_its_health_check_says_so(
    tmp_path: Path, postgres: Postgres, built_folder: Path
) -> None:
    port = free_port()
    shutil.copytree(built_folder, tmp_path / "data")
    async with BotApiServer(delay_scale=0.05) as server:
        environment = without_docker(tmp_path, server, postgres.fresh(), port)

        async def wanggui(*arguments: str) -> asyncio.subprocess.Process:
            pipe = asyncio.subprocess.PIPE
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bot", *arguments, env=environment, cwd=tmp_path, stdout=pipe, stderr=pipe
            )

        bot = await wanggui(*SERVICES["bot"]["command"])
        try:
            await server.next_call("setWebhook", timeout_s=60)
            li = server.user("小李")
            private = server.private_chat(li)
            asked = await private.say(li, "能翻墙吗")
            await server.wait_for(lambda: private.replies_to(asked), 30)
            check = await wanggui(*SERVICES["bot"]["healthcheck"]["test"][2:])
            said, _ = await check.communicate()
            assert (check.returncode, said) == (0, b"")
        finally:
            bot.terminate()
            _, errors = await bot.communicate()
        assert bot.returncode == 0, errors.decode()
        dead = await wanggui(*SERVICES["bot"]["healthcheck"]["test"][2:])
        said, _ = await dead.communicate()
        assert dead.returncode == 1
        assert str(port) in said.decode()


async def test_the_databases_health_check_asks_for_what_the_bots_are_given() -> None:
    told = SERVICES["postgres"]["environment"]
    check = SERVICES["postgres"]["healthcheck"]["test"]
    assert check[2:] == ["-U", told["POSTGRES_USER"], "-d", told["POSTGRES_DB"]]
