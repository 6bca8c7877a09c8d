"""Alembic's scripts; `HEAD` is the newest (a test compares it with the scripts)."""

from typing import Final

HEAD: Final = "0004"
