"""An OpenAI-compatible server for tests, over real HTTP on 127.0.0.1, that answers as scripts tell it to.

server     listens, records every call, notes what breaks the protocol, plays one script for each call
scripts    what it may answer: a draft, any text, a refusal as the vendors word it, a page, bytes, silence
"""

from tests.openai_api.scripts import (
    Bytes,
    Hang,
    Page,
    Refuse,
    Say,
    Script,
    broken_server,
    content_exists_risk,
    data_inspection_failed,
    no_such_model,
    schema_unavailable,
    sensitive_content,
    too_many_requests,
    wrong_key,
)
from tests.openai_api.server import Call, ChatServer

__all__ = [
    "Bytes",
    "Call",
    "ChatServer",
    "Hang",
    "Page",
    "Refuse",
    "Say",
    "Script",
    "broken_server",
    "content_exists_risk",
    "data_inspection_failed",
    "no_such_model",
    "schema_unavailable",
    "sensitive_content",
    "too_many_requests",
    "wrong_key",
]
