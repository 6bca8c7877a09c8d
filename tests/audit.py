"""`make audit`, also a part of `make check`: is anything known against what constraints.txt names?

pip-audit asks a service on the network. A machine without it (or with a mirror that knows no advisories) must not say
"nothing known": first a canary is asked about, an old package with a known hole. Where that comes back clean, nothing
has been audited: that is said, and it is an error only with `--strict`. A sound result counts for a day.
Holes that do not concern us stand in pyproject.toml, [tool.wanggui.audit], each with its reason.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
CANARY: Final = "jinja2==3.1.2"
FRESH_S: Final = 86_400.0
REMEMBERED: Final = ROOT / ".venv" / ".audited"


def holes(report: str) -> dict[str, str] | None:
    """Known holes (CVE where there is one) with the package that each is in; None where something was not looked up."""
    try:
        dependencies = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return None
    if any("skip_reason" in one for one in dependencies):
        return None
    return {_name(hole): f"{one['name']} {one['version']}" for one in dependencies for hole in one["vulns"]}


def judge(found: Mapping[str, str], accepted: Mapping[str, str]) -> list[str]:
    """Holes that nobody has accepted."""
    return [f"{hole} in {package}" for hole, package in found.items() if hole not in accepted]


def _name(hole: Mapping[str, Any]) -> str:
    names = [hole["id"], *hole.get("aliases", [])]
    return str(next((name for name in names if name.startswith("CVE-")), names[0]))


def ask(lines: Sequence[str]) -> str:
    """pip-audit's report on exactly these packages."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(lines))
        file.flush()
        command = ["-r", file.name, "--no-deps", "--disable-pip", "-f", "json", "--timeout", "5"]
        run = subprocess.run(
            [sys.executable, "-m", "pip_audit", *command, "--progress-spinner", "off"],
            check=False,
            capture_output=True,
            text=True,
        )
    return run.stdout


def main() -> int:
    """Audit; 0 where nothing is known, or where nothing could be learnt and that is allowed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strict", action="store_true", help="an audit that could not be made is an error")
    strict = parser.parse_args().strict
    constraints = (ROOT / "constraints.txt").read_text("utf-8")
    accepted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["wanggui"]["audit"]
    digest = hashlib.sha256((constraints + json.dumps(accepted)).encode()).hexdigest()
    if _is_fresh(digest):
        return 0
    found = holes(ask(constraints.split())) if holes(ask([CANARY])) else None
    if found is None:
        print("audit: not made, the service of advisories could not be asked", file=sys.stderr)
        return 1 if strict else 0
    problems = judge(found, accepted)
    print("\n".join(["audit:", *problems]) if problems else "audit: nothing known against any dependency")
    if not problems and REMEMBERED.parent.is_dir():
        REMEMBERED.write_text(digest, encoding="utf-8")
    return 1 if problems else 0


def _is_fresh(digest: str) -> bool:
    try:
        return REMEMBERED.read_text("utf-8") == digest and time.time() - REMEMBERED.stat().st_mtime < FRESH_S
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
