"""The only reader of the environment: few settings, typed, documented, read once.

Names and defaults stand in README § Settings and in `.env.example`; a test holds the three together.
"""

import os
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from bot.errors import SettingsError

# One query is too small to share out: OpenBLAS's threads would spin and take the cores from Chroma's. numpy reads this
# when it is first imported, hence before anything else of the house.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from knowledge.embedding import BUNDLED

_PREFIX = "WANGGUI_"
_PRIVATE = re.compile(r"^WANGGUI_|TOKEN|SECRET|PASS|KEY|PROXY|CREDENTIAL")
"""Names of what another process of ours need not know."""


class SecretFiles(PydanticBaseSettingsSource):
    """A secret may lie in a file instead: its name with `_FILE` in the environment says where."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """What the file holds, without white space around it; None where no file is named.

        Raises:
            SettingsError: a file is named that cannot be read.
        """
        name = f"{_PREFIX}{field_name.upper()}_FILE"
        path = os.environ.get(name)
        if not path or SecretStr not in get_args(field.annotation):
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except (OSError, UnicodeDecodeError) as exc:
            raise SettingsError(f"设置有误 (settings): {name}: 读不了这个文件 (cannot be read)") from exc

    def __call__(self) -> dict[str, Any]:
        """Every secret that lies in a file."""
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value}


class Settings(BaseSettings):
    """Everything that can be set from outside: `WANGGUI_…` in the environment or in `.env`; secrets also in files."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore"
    )

    telegram_token: SecretStr | None = Field(None, description="bot token, from @BotFather")
    telegram_api: str = Field("https://api.telegram.org", description="root of the Bot API, or of a local server")
    telegram_proxy: SecretStr | None = Field(None, description="HTTP proxy towards Telegram; default HTTPS_PROXY")
    webhook_url: str | None = Field(None, description="where Telegram posts updates; empty: the bot polls")
    webhook_secret: SecretStr | None = Field(None, description="by which the webhook knows Telegram")
    listen: str | None = Field(None, description="host:port of the webhook and /healthz, default 127.0.0.1:8080")
    wall_url: str | None = Field(None, description="where people reach the projector page; default http://<listen>")
    data_dir: Path = Field(Path(".wanggui"), description="where the index and the library lie")
    database_url: SecretStr | None = Field(None, description="default a SQLite file in the data folder")
    retention_days: int = Field(90, ge=1, le=3650, description="how long counts and open questions are kept")
    conversation: Literal["memory", "database"] = Field(
        "memory", description="where a person's last questions are kept for half an hour, for follow-ups"
    )
    allowed_chats: Annotated[frozenset[int], NoDecode] = Field(
        frozenset(), description="ids of groups and users, with commas; empty: everybody"
    )
    operators: Annotated[frozenset[int], NoDecode] = Field(
        frozenset(), description="ids of users who may review and see the statistics of all chats, with commas"
    )
    embedding_model: str = Field(BUNDLED, description="any sentence-transformers name or folder (extra sbert)")
    llm_model: str | None = Field(None, description="language model, as LangChain's provider:model")
    llm_base_url: str | None = Field(None, description="root of an OpenAI-compatible endpoint")
    llm_api_key: SecretStr | None = Field(None, description="the endpoint's key")
    llm_timeout_s: float = Field(20.0, ge=1, le=300, description="seconds for a whole answer, then the text is quoted")
    llm_concurrency: int = Field(256, ge=1, description="calls at once")
    llm_daily_tokens: int | None = Field(None, ge=0, description="tokens a day in all")
    llm_chat_daily_tokens: int | None = Field(None, ge=0, description="tokens a day in one chat")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="how much is logged")

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *args: Any, **sources: PydanticBaseSettingsSource
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given beats the environment, that beats files of secrets, and those beat `.env`."""
        return (
            sources["init_settings"],
            sources["env_settings"],
            SecretFiles(settings_cls),
            sources["dotenv_settings"],
        )

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("allowed_chats", "operators", mode="before")
    @classmethod
    def _ids(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return frozenset(int(part) for part in value.split(",") if part.strip())
        except ValueError:
            raise ValueError("must be ids (numbers) with commas between them") from None

    @field_validator("database_url")
    @classmethod
    def _is_database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("sqlite", "postgresql")):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        return value

    @field_validator("telegram_api", "llm_base_url", "wall_url")
    @classmethod
    def _is_root(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value and value.rstrip("/")

    @field_validator("llm_model")
    @classmethod
    def _names_a_provider(cls, value: str | None) -> str | None:
        if value is not None and not all(value.partition(":")[::2]):
            raise ValueError("must be provider:model, e.g. openai:qwen-plus")
        return value

    @field_validator("telegram_proxy")
    @classmethod
    def _is_http_proxy(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://; no other kind of proxy is understood")
        return value

    @field_validator("webhook_url")
    @classmethod
    def _is_webhook(cls, value: str | None) -> str | None:
        if value is not None and (not value.startswith(("http://", "https://")) or not urlsplit(value).hostname):
            raise ValueError("must be a URL, https:// for Telegram's own servers")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _is_webhook_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", value.get_secret_value()):
            raise ValueError("must be at most 256 letters, digits, underscores and hyphens")
        return value

    @field_validator("listen")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+):[0-9]{1,5}", value):
            raise ValueError("must be host:port, e.g. 127.0.0.1:8080")
        return value

    def proxy(self) -> str | None:
        """The proxy towards Telegram: the setting's, else the environment's unless NO_PROXY names the host."""
        if self.telegram_proxy is not None:
            return self.telegram_proxy.get_secret_value()
        root = urlsplit(self.telegram_api)
        if proxy_bypass(root.netloc):
            return None
        proxies = getproxies()
        found = proxies.get(root.scheme) or proxies.get("all")
        return found if found and found.startswith(("http://", "https://")) else None

    @field_validator("telegram_token")
    @classmethod
    def _looks_like_a_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not all(value.get_secret_value().partition(":")[::2]):
            raise ValueError("does not look like a token (digits, a colon, letters)")
        return value


def without_secrets() -> dict[str, str]:
    """The environment for a process of ours that needs no settings, token, password, key or proxy."""
    return {name: value for name, value in os.environ.items() if not _PRIVATE.search(name.upper())}


@cache
def read_settings() -> Settings:
    """Read the settings once.

    Raises:
        SettingsError: one is malformed; names it, never its value.
    """
    try:
        return Settings()
    except UnicodeDecodeError as exc:
        raise SettingsError(".env: 不是 UTF-8 编码，请另存为 UTF-8 (not UTF-8: save it as UTF-8)") from exc
    except ValidationError as exc:
        problems = "; ".join(
            f"WANGGUI_{'_'.join(map(str, error['loc'])).upper()}: {error['msg']}" for error in exc.errors()
        )
        raise SettingsError(f"设置有误 (settings): {problems}") from None
