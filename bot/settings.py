"""The only reader of the environment: few settings, typed, documented, read once.

Names and defaults stand in README § Settings and in `.env.example`; a test holds the three together.
"""

import os
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import SettingsError

# One query is too small to share out: OpenBLAS's threads would spin and take the cores from Chroma's. numpy reads this
# when it is first imported, hence before anything else of the house.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from knowledge.embedding import BUNDLED


class Settings(BaseSettings):
    """Everything that can be set from outside, as `WANGGUI_…` in the environment or in `.env`."""

    model_config = SettingsConfigDict(
        env_prefix="WANGGUI_", env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore"
    )

    telegram_token: SecretStr | None = Field(None, description="bot token, from @BotFather")
    telegram_api: str = Field("https://api.telegram.org", description="root of the Bot API, or of a local server")
    data_dir: Path = Field(Path(".wanggui"), description="where the index and the library lie")
    embedding_model: str = Field(BUNDLED, description="any sentence-transformers name or folder (extra sbert)")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="how much is logged")

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("telegram_api")
    @classmethod
    def _is_root(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return value.rstrip("/")

    @field_validator("telegram_token")
    @classmethod
    def _looks_like_a_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not all(value.get_secret_value().partition(":")[::2]):
            raise ValueError("does not look like a token (digits, a colon, letters)")
        return value


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
