"""A small Telegram Bot API server for tests: the bot speaks to it over loopback HTTP and cannot tell the difference.

``server`` answers HTTP, records and checks every request, and breaks on demand; ``methods`` does what each method
does; ``chats`` holds chats, members and messages, and is the hand with which a test writes in them; ``delivery``
queues updates and hands them out by long poll or webhook; ``html`` and ``entities`` read text as Telegram does;
``schema`` checks names, types and lengths against the vendored Bot API schema (made by ``vendor_schema``).
"""

from tests.botapi.chats import Chat, Message, User
from tests.botapi.server import BotApiServer, Request

__all__ = ["BotApiServer", "Chat", "Message", "Request", "User"]
