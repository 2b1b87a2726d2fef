#!/usr/bin/env python3
"""Prints what a run of `meson test` says in the end: how long each test took, the slowest
scenarios and unit tests, which system calls vnumad may make for scenarios that did not make them,
second attempts with their reasons, and how many passed. Ends with status 1 if a test failed.

summary.py [--complete] STEPS TESTLOG_JSON...
    STEPS: a file with lines of seconds and a name
    --complete: all scenarios of the default suite ran. A system call that vnumad's filter allows
    because they make it, and that none of them has made, is an error then.
"""

import json
import pathlib
import re
import sys
import textwrap

SLOWEST = 15
# Lines of GoogleTest and of our own scripts, in what a test printed.
RESULT = re.compile(r"^\[ *(OK|FAILED|SKIPPED) *\] ([^ ,]+).* \((\d+) ms\)$", re.MULTILINE)
# Of each scenario program, and of the list that vnumad's filter is made from.
MADE_CALLS = re.compile(r"^system calls of vnumad:(.*)$", re.MULTILINE)
LISTED_CALLS = re.compile(r"array calls_made_in_the_lab\{(.*?)\};", re.DOTALL)
LISTED_CALL = re.compile(r"\bSYS_(\w+)")
FILTER = pathlib.Path(__file__).parent.parent / "src" / "seccomp_filter.cpp"
SECOND_ATTEMPT = re.compile(r"^second attempt: (.*)$", re.MULTILINE)


def results_of(output):
    """The last result and the time of each GoogleTest test; a second attempt replaces the first."""
    return {name: (result, int(ms) / 1000) for result, name, ms in RESULT.findall(output)}


def print_rows(title, rows):
    if rows:
        print(f"\n{title}")
        for seconds, name in sorted(rows, reverse=True):
            print(f"{seconds:8.1f} s  {name}")


def unneeded_calls(made):
    """Calls in the filter that no scenario has made. One that is missing fails its scenario."""
    (listed,) = LISTED_CALLS.findall(FILTER.read_text(encoding="utf-8"))
    return sorted(set(LISTED_CALL.findall(listed)) - made)


def print_calls(unneeded):
    if unneeded:
        print("\nSystem calls that vnumad may make because scenarios do, and that none of them made")
        print(textwrap.fill(" ".join(unneeded), 100, initial_indent="    ", subsequent_indent="    "))


def read_lines(file):
    with open(file, encoding="utf-8") as lines:
        return lines.read().splitlines()


def main(steps_file, logs, complete):
    steps = [line.split(" ", 1) for line in read_lines(steps_file)]
    tests = [json.loads(line) for log in logs for line in read_lines(log)]
    counts = {"OK": 0, "FAILED": 0, "SKIPPED": 0}
    durations, parts, attempts, failures, calls = [], [], [], [], set()
    for test in tests:
        name = test["name"].split(" / ")[-1]
        output = test.get("stdout", "") + test.get("stderr", "")
        durations.append((test["duration"], name))
        attempts += [f"{name}: {reason}" for reason in SECOND_ATTEMPT.findall(output)]
        calls.update(*(made.split() for made in MADE_CALLS.findall(output)))
        results = results_of(output)
        parts += [(seconds, f"{name}: {part}") for part, (_, seconds) in results.items()]
        for result, _ in results.values():
            counts[result] += 1
        failures += [f"{name}: {part}" for part, (result, _) in results.items() if result == "FAILED"]
        passed, skipped = test["result"] in ("OK", "EXPECTEDFAIL"), test["result"] == "SKIP"
        # A program that is no GoogleTest program, or one that fails although its tests pass.
        if not results or not (passed or any(result == "FAILED" for result, _ in results.values())):
            counts["OK" if passed else "SKIPPED" if skipped else "FAILED"] += 1
            if not passed and not skipped:
                failures.append(f"{name}: {test['result'].lower()}")

    print_rows("Seconds by step", [(float(seconds), step) for seconds, step in steps])
    print_rows("Seconds by test", durations)
    print_rows(f"The slowest {SLOWEST} scenarios and unit tests", sorted(parts)[-SLOWEST:])
    unneeded = unneeded_calls(calls) if complete else []
    print_calls(unneeded)
    if unneeded:
        counts["FAILED"] += 1
        failures.append("the list of system calls in " + FILTER.name)
    if attempts:
        print("\nSecond attempts, with their reasons", *attempts, sep="\n    ")
    if failures:
        print("\nFailed", *failures, sep="\n    ")
    skipped = f", {counts['SKIPPED']} skipped" if counts["SKIPPED"] else ""
    print(f"\n{counts['OK']} passed, {counts['FAILED']} failed{skipped}")
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--complete"]
    sys.exit(main(words[0], words[1:], "--complete" in sys.argv))
