"""Remarks of the checker and faults of a file, as sentences for whoever keeps the bank."""

from collections.abc import Sequence
from typing import Final

from bot.training.papers.exchange.columns import NEW, NEW_CASE
from knowledge.bank.checking import Remark
from knowledge.errors import Fault
from prompts import Replies

SHOWN: Final = 50
"""Lines that are shown at once; the rest is counted."""


def tell_remark(remark: Remark, say: Replies) -> str:
    """One line: which entry (by its row where it has no id yet), and what is wrong with it."""
    return say("bank.line", where=_name(remark.id, say), told=reason(remark, say))


def reason(remark: Remark, say: Replies) -> str:
    """What is wrong."""
    values = dict(remark.values)
    if "field" in values:
        values["field"] = say(f"bank.field_{values['field']}")
    if "other" in values:
        values["other"] = _name(values["other"], say)
    return say(f"bank.remark_{remark.what}", **values)


def tell_fault(fault: Fault, say: Replies) -> str:
    """One line: the file, the row, the column, what stands there and what should."""
    place = fault.source
    if fault.line is not None:
        place = say("bank.at_row", place=place, number=fault.line)
    if fault.field:
        place = say("bank.at_column", place=place, name=fault.field)
    told = say(f"bank.fault_{fault.kind}")
    if fault.found:
        told += say("bank.found", found=fault.found)
    if fault.expected:
        told += say("bank.expected", expected=fault.expected)
    return say("bank.line", where=place, told=told)


def tell_all(lines: Sequence[str], say: Replies) -> str:
    """The first of many lines, and how many more there are."""
    more = len(lines) - SHOWN
    return "\n".join([*lines[:SHOWN], *([say("bank.more", count=more)] if more > 0 else [])])


def _name(entry_id: str, say: Replies) -> str:
    if not entry_id:
        return say("bank.whole")
    row = entry_id.removeprefix(NEW_CASE) if entry_id.startswith(NEW_CASE) else entry_id.removeprefix(NEW)
    if row == entry_id or not row.isdigit():
        return row
    return say("bank.case_row" if entry_id.startswith(NEW_CASE) else "bank.row", number=row)
