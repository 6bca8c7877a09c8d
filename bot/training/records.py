"""Plans <-> JSON. What a session asks travels with it, so that a bank that changes meanwhile changes no session."""

from collections.abc import Mapping
from typing import Any

from bot.training.model import SessionPlan, Step
from knowledge.bank.items import CaseCard, QuizItem
from knowledge.bank.reading import Entry, as_record, read_record


def as_plan(plan: SessionPlan) -> dict[str, Any]:
    """A plan as JSON."""
    return {
        "title": plan.title,
        "steps": [_as_step(step) for step in plan.steps],
        "anonymous": plan.anonymous,
        "pace": plan.pace,
        "teams": list(plan.teams),
        "invitation": plan.invitation,
        "language": plan.language,
    }


def read_plan(record: Mapping[str, Any]) -> SessionPlan:
    """The plan of that JSON.

    Raises:
        ValueError: `as_plan` has not written it.
    """
    try:
        return SessionPlan(
            title=record["title"],
            steps=tuple(map(_read_step, record["steps"])),
            anonymous=record["anonymous"],
            pace=record["pace"],
            teams=tuple(record["teams"]),
            invitation=record["invitation"],
            language=record["language"],
        )
    except (KeyError, TypeError) as exc:
        raise ValueError("not a plan of a session") from exc


def _as_step(step: Step) -> dict[str, Any]:
    written: dict[str, Any] = {"kind": step.kind, "seconds": step.seconds}
    if entry := step.item or step.case:
        written["entry"] = as_record(entry)
    return written


def _read_step(record: Mapping[str, Any]) -> Step:
    entry = _read_entry(record["entry"]) if "entry" in record else None
    item = entry if isinstance(entry, QuizItem) else None
    case = entry if isinstance(entry, CaseCard) else None
    return Step(record["kind"], item, case, record["seconds"])


def _read_entry(record: Any) -> Entry:
    entry, faults = read_record(record, "session", None)
    if entry is None:
        raise ValueError(f"an entry of a plan cannot be read: {len(faults)} faults")
    return entry
