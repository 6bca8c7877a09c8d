"""Settings: defaults, where they are read from, what is refused and how, and that each is documented."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.bootstrap import entrance_of
from bot.errors import SettingsError
from bot.serving import Address
from bot.settings import Settings, read_settings
from bot.telegram.application import Entrance
from knowledge.embedding import BUNDLED

ROOT = Path(__file__).parents[3]
NAMES = {f"WANGGUI_{name.upper()}" for name in Settings.model_fields}
NAME = re.compile(r"WANGGUI_[A-Z_]*[A-Z]")
TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"
SECRET = "Geheimnis"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder, no setting in the environment, and nothing remembered."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.upper().startswith("WANGGUI_"):
            monkeypatch.delenv(name)
    read_settings.cache_clear()
    yield tmp_path
    read_settings.cache_clear()


def test_the_defaults_need_nothing() -> None:
    assert read_settings().model_dump() == {
        "telegram_token": None,
        "telegram_api": "https://api.telegram.org",
        "telegram_proxy": None,
        "webhook_url": None,
        "webhook_secret": None,
        "listen": None,
        "wall_url": None,
        "data_dir": Path(".wanggui"),
        "database_url": None,
        "retention_days": 90,
        "conversation": "memory",
        "allowed_chats": frozenset(),
        "operators": frozenset(),
        "embedding_model": BUNDLED,
        "llm_model": None,
        "llm_base_url": None,
        "llm_api_key": None,
        "llm_timeout_s": 20.0,
        "llm_concurrency": 256,
        "llm_daily_tokens": None,
        "llm_chat_daily_tokens": None,
        "log_level": "INFO",
    }


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"TOKEN": TOKEN, "API": "http://127.0.0.1:8081/"}
    for name, value in values.items():
        monkeypatch.setenv(f"WANGGUI_TELEGRAM_{name}", value)
    monkeypatch.setenv("WANGGUI_DATA_DIR", "/srv/数据")
    monkeypatch.setenv("WANGGUI_EMBEDDING_MODEL", "BAAI/bge-m3")
    monkeypatch.setenv("WANGGUI_LOG_LEVEL", "debug")
    settings = read_settings()
    assert settings.telegram_token == SecretStr(TOKEN)
    assert settings.telegram_api == "http://127.0.0.1:8081"
    assert settings.data_dir == Path("/srv/数据")
    assert settings.embedding_model == "BAAI/bge-m3"
    assert settings.log_level == "DEBUG"


def test_the_file_is_read_and_the_environment_wins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"WANGGUI_TELEGRAM_TOKEN={TOKEN}", "# 注释", "WANGGUI_LOG_LEVEL=error", "WANGGUI_DATA_DIR='数 据'"]
    (folder / ".env").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("WANGGUI_LOG_LEVEL", "WARNING")
    settings = read_settings()
    assert settings.telegram_token == SecretStr(TOKEN)
    assert (settings.log_level, settings.data_dir) == ("WARNING", Path("数 据"))


@pytest.mark.parametrize("name", sorted(NAMES))
def test_what_is_empty_is_not_set(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (folder / ".env").write_text(f"{name}=\n", encoding="utf-8")
    assert read_settings() == Settings.model_construct(**Settings().model_dump())
    read_settings.cache_clear()
    monkeypatch.setenv(name, "")
    assert read_settings().model_dump() == Settings().model_dump()


def test_ids_are_read_with_commas_and_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGUI_ALLOWED_CHATS", "-1001234567890, 42,")
    monkeypatch.setenv("WANGGUI_OPERATORS", "42")
    assert read_settings().allowed_chats == {-1001234567890, 42}
    assert read_settings().operators == {42}


def test_the_databases_password_shows_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGUI_DATABASE_URL", f"postgresql://wanggui:{SECRET}@localhost/wanggui")
    settings = read_settings()
    assert SECRET not in repr(settings) + settings.model_dump_json()


def test_other_variables_are_none_of_our_business(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("WANGGUI_OTHER=1\nPATH_TO=2\nTELEGRAM_TOKEN=3\n", encoding="utf-8")
    monkeypatch.setenv("TELEGRAM_TOKEN", "x")
    assert read_settings().telegram_token is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WANGGUI_TELEGRAM_TOKEN", SECRET),
        ("WANGGUI_TELEGRAM_TOKEN", f"{SECRET}:"),
        ("WANGGUI_TELEGRAM_TOKEN", f":{SECRET}"),
        ("WANGGUI_TELEGRAM_API", f"{SECRET}.example.org"),
        ("WANGGUI_TELEGRAM_API", f"ftp://user:{SECRET}@example.org"),
        ("WANGGUI_DATABASE_URL", f"mysql://user:{SECRET}@localhost/x"),
        ("WANGGUI_RETENTION_DAYS", "0"),
        ("WANGGUI_RETENTION_DAYS", SECRET),
        ("WANGGUI_ALLOWED_CHATS", f"-1001,{SECRET}"),
        ("WANGGUI_OPERATORS", f"@{SECRET}"),
        ("WANGGUI_LOG_LEVEL", SECRET),
        ("WANGGUI_LOG_LEVEL", "10"),
        ("WANGGUI_LLM_MODEL", SECRET),
        ("WANGGUI_LLM_MODEL", f"{SECRET}:"),
        ("WANGGUI_LLM_BASE_URL", f"{SECRET}.example.org"),
        ("WANGGUI_LLM_TIMEOUT_S", SECRET),
        ("WANGGUI_LLM_TIMEOUT_S", "0"),
        ("WANGGUI_LLM_CONCURRENCY", "0"),
        ("WANGGUI_LLM_DAILY_TOKENS", "-1"),
    ],
)
@pytest.mark.parametrize("where", ["environment", "file"])
def test_what_is_malformed_is_named_and_never_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, where: str
) -> None:
    if where == "environment":
        monkeypatch.setenv(name, value)
    else:
        (folder / ".env").write_text(f"{name}={value}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=name) as caught:
        read_settings()
    assert SECRET.casefold() not in str(caught.value).casefold()
    assert caught.value.__suppress_context__
    assert "\n" not in str(caught.value)


def test_everything_that_is_malformed_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGUI_LOG_LEVEL", "loud")
    monkeypatch.setenv("WANGGUI_TELEGRAM_API", "nowhere")
    with pytest.raises(SettingsError, match=r"WANGGUI_TELEGRAM_API.*WANGGUI_LOG_LEVEL"):
        read_settings()


@pytest.mark.parametrize("content", ["# 说明\nWANGGUI_LOG_LEVEL=DEBUG\n".encode("gb18030"), b"\xff\xfe\x00WANGGUI"])
def test_a_file_in_another_encoding_is_a_settings_error(folder: Path, content: bytes) -> None:
    (folder / ".env").write_bytes(content)
    with pytest.raises(SettingsError, match=r"\.env"):
        read_settings()


def test_the_token_shows_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGUI_TELEGRAM_TOKEN", TOKEN)
    settings = read_settings()
    for text in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert TOKEN not in text
        assert TOKEN.partition(":")[2] not in text


def test_settings_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = read_settings()
    monkeypatch.setenv("WANGGUI_LOG_LEVEL", "ERROR")
    assert read_settings() is first


def test_every_setting_is_described() -> None:
    assert Settings.model_fields
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_example_file_has_every_setting_with_its_default_and_no_other() -> None:
    path = ROOT / ".env.example"
    written = re.findall(r"^#? ?(WANGGUI_[A-Z_]+)=", path.read_text(encoding="utf-8"), flags=re.M)
    assert sorted(written) == sorted(NAMES)
    assert Settings(_env_file=path).model_dump() == Settings(_env_file=None).model_dump()


def test_the_readme_has_every_setting_in_its_table_and_no_other() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    sections = re.split(r"^#+ (.*)$", readme, flags=re.M)
    titled = zip(sections[1::2], sections[2::2], strict=True)
    tables = [
        set(NAME.findall("\n".join(line for line in body.splitlines() if line.lstrip().startswith("|"))))
        for title, body in titled
        if re.search(r"设置|settings", title, flags=re.I)
    ]
    assert tables
    assert all(names == NAMES for names in tables)
    assert set(NAME.findall(readme)) <= NAMES


def test_only_the_settings_read_the_environment() -> None:
    sources = [path for folder in ("bot", "knowledge", "prompts") for path in (ROOT / folder).rglob("*.py")]
    assert len(sources) > 20
    reading = re.compile(r"os\.(?:environ|getenv)|from os import .*(?:environ|getenv)")
    assert [path.name for path in sources if reading.search(path.read_text(encoding="utf-8"))] == ["settings.py"]


def test_the_webhook_and_the_proxy_are_read_and_keep_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGUI_WEBHOOK_URL", "https://bot.example/hook")
    monkeypatch.setenv("WANGGUI_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("WANGGUI_LISTEN", "[::1]:8080")
    monkeypatch.setenv("WANGGUI_TELEGRAM_PROXY", f"http://li:{SECRET}@127.0.0.1:7890")
    settings = read_settings()
    assert settings.proxy() == f"http://li:{SECRET}@127.0.0.1:7890"
    entrance = entrance_of(settings)
    assert entrance.webhook is not None
    assert (entrance.webhook.path, entrance.webhook.secret) == ("/hook", SECRET)
    assert entrance.address == Address("::1", 8080)
    assert SECRET not in repr(settings) + repr(entrance)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOK_URL", f"ftp://{SECRET}"),
        ("WEBHOOK_URL", "https://"),
        ("WEBHOOK_SECRET", f"{SECRET}!"),
        ("WEBHOOK_SECRET", SECRET * 40),
        ("LISTEN", "8080"),
        ("WALL_URL", f"ftp://{SECRET}"),
        ("LISTEN", "127.0.0.1:http"),
        ("TELEGRAM_PROXY", f"socks5://{SECRET}"),
    ],
)
def test_a_malformed_way_in_or_out_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"WANGGUI_{name}", value)
    with pytest.raises(SettingsError, match=f"WANGGUI_{name}") as refused:
        read_settings()
    assert SECRET not in str(refused.value)


def test_without_a_webhook_the_bot_polls_and_listens_only_if_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    assert entrance_of(read_settings()) == Entrance(None, None)
    read_settings.cache_clear()
    monkeypatch.setenv("WANGGUI_LISTEN", "0.0.0.0:9000")
    assert entrance_of(read_settings()) == Entrance(None, Address("0.0.0.0", 9000))


def test_an_address_for_the_wall_lets_a_polling_bot_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGUI_WALL_URL", "https://bot.example/")
    assert read_settings().wall_url == "https://bot.example"
    assert entrance_of(read_settings()) == Entrance(None, Address("127.0.0.1", 8080))


def test_a_webhook_has_a_place_of_its_own_and_needs_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGUI_WEBHOOK_URL", "https://bot.example")
    with pytest.raises(SettingsError, match="WANGGUI_WEBHOOK_SECRET"):
        entrance_of(read_settings())
    read_settings.cache_clear()
    monkeypatch.setenv("WANGGUI_WEBHOOK_SECRET", SECRET)
    entrance = entrance_of(read_settings())
    assert (entrance.webhook and entrance.webhook.path, entrance.address) == ("/", Address("127.0.0.1", 8080))


def test_the_environments_proxy_is_taken_unless_the_host_is_exempt(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert read_settings().proxy() is None
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:7890")
    assert read_settings().proxy() == "http://127.0.0.1:7890"
    monkeypatch.setenv("NO_PROXY", "api.telegram.org")
    assert read_settings().proxy() is None


@pytest.mark.parametrize("name", ["TELEGRAM_TOKEN", "WEBHOOK_SECRET", "DATABASE_URL", "LLM_API_KEY", "TELEGRAM_PROXY"])
def test_a_secret_may_lie_in_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    value = {"TELEGRAM_TOKEN": TOKEN, "DATABASE_URL": "postgresql://u:p@h/d", "TELEGRAM_PROXY": "http://p:1"}
    secret = value.get(name, SECRET)
    (folder / "secret").write_text(f"{secret}\n", encoding="utf-8")
    monkeypatch.setenv(f"WANGGUI_{name}_FILE", str(folder / "secret"))
    read = getattr(read_settings(), name.lower())
    assert isinstance(read, SecretStr)
    assert read.get_secret_value() == secret


def test_the_environment_beats_a_file_and_a_file_beats_dot_env(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("WANGGUI_LLM_API_KEY=from-dot-env\n", encoding="utf-8")
    (folder / "secret").write_text("from-file", encoding="utf-8")
    monkeypatch.setenv("WANGGUI_LLM_API_KEY_FILE", str(folder / "secret"))
    assert Settings().llm_api_key == SecretStr("from-file")
    monkeypatch.setenv("WANGGUI_LLM_API_KEY", "from-environment")
    assert Settings().llm_api_key == SecretStr("from-environment")


def test_what_is_no_secret_has_no_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGUI_LISTEN_FILE", str(folder / "absent"))
    assert read_settings().listen is None


def test_a_file_that_cannot_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGUI_TELEGRAM_TOKEN_FILE", str(folder / "absent"))
    with pytest.raises(SettingsError, match="WANGGUI_TELEGRAM_TOKEN_FILE"):
        read_settings()
