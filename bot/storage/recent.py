"""A small memory: a mapping that forgets what was used longest ago."""

from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """At most `limit` entries; reading one makes it the newest."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """The entry, or None where it is not (or no longer) there."""
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def __setitem__(self, key: Key, value: Value) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._limit:
            self._entries.popitem(last=False)

    def __contains__(self, key: Key) -> bool:
        return key in self._entries

    def items(self) -> list[tuple[Key, Value]]:
        """All entries, the oldest first."""
        return list(self._entries.items())

    def pop(self, key: Key) -> None:
        """Forget one entry, if it is there."""
        self._entries.pop(key, None)
