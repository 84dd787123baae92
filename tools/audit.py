"""Look the installed packages up in the advisory database, and say so clearly where it cannot be reached.

Exit status 0: nothing known, or the database is out of reach (with --strict that is 2); 1: vulnerable packages, named.
"""

import argparse
import json
import subprocess
import sys

LONGEST = 120


def main() -> int:
    """Run pip-audit and tell its three ends apart: clean, findings, no answer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strict", action="store_true", help="an unreachable database is a failure, too")
    options = parser.parse_args()
    command = [sys.executable, "-m", "pip_audit", "--skip-editable", "--progress-spinner", "off", "--timeout", "15"]
    try:
        done = subprocess.run(
            [*command, "--format", "json"], capture_output=True, text=True, check=False, timeout=LONGEST
        )
        report = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return _no_answer(f"no answer within {LONGEST} s", options.strict)
    except ValueError:
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return _no_answer(reason, options.strict)
    if not any("vulns" in package for package in report["dependencies"]):
        reasons = {package.get("skip_reason", "no packages") for package in report["dependencies"]}
        return _no_answer(sorted(reasons)[0] if reasons else "no packages", options.strict)
    return _tell(report["dependencies"])


def _no_answer(reason: str, strict: bool) -> int:
    print(f"not audited: the advisory database cannot be reached ({reason})", file=sys.stderr)
    return 2 if strict else 0


def _tell(packages: list[dict]) -> int:
    looked_up = [package for package in packages if "vulns" in package]
    bad = [package for package in looked_up if package["vulns"]]
    for package in bad:
        for advisory in package["vulns"]:
            fixed = ", ".join(advisory["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {advisory['id']}, fixed in {fixed}")
    print(f"{len(looked_up)} packages looked up, {len(bad)} with known vulnerabilities")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
