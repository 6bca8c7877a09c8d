"""What is made of pip-audit's reports."""

import json
from collections.abc import Mapping

from tests.audit import holes, judge


def report(*dependencies: Mapping[str, object]) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


CLEAN = {"name": "a", "version": "1", "vulns": []}
HOLED = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1"}, {"id": "PYSEC-2", "aliases": ["CVE-2"]}]}
SKIPPED = {"name": "c", "skip_reason": "not found"}


def test_holes_are_found_with_their_package() -> None:
    assert holes(report(CLEAN, HOLED)) == {"PYSEC-1": "b 2", "CVE-2": "b 2"}
    assert holes(report(CLEAN)) == {}


def test_what_was_not_looked_up_is_not_called_clean() -> None:
    assert holes(report(CLEAN, SKIPPED)) is None
    assert holes("") is None
    assert holes("ERROR: no network") is None


def test_a_hole_must_be_mended_or_accepted() -> None:
    found = {"PYSEC-1": "b 2"}
    assert judge(found, {}) == ["PYSEC-1 in b 2"]
    assert judge(found, {"PYSEC-1": "not reached"}) == []
