"""Runs the commands of Markdown pages and compares what they print with what the pages show.

usage: run.py [--lines N] PAGE...

Of each page, the ```sh blocks run in their order, each in a shell of its own (`sh -eu`), all in one fresh folder. A block
whose command fails is a mistake of the page. Where a ```text block follows directly, it is what the commands print,
line by line: `...` in a line stands for any text, and a line that is `...` alone for any lines. There are no other
blocks. Links to files, and to headings in them, must lead somewhere, and with --lines a page is at most N lines long.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

SECONDS = 300
FENCE = re.compile(r"^```(\w*)\s*$")
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def blocks(text):
    """(line, language, lines, whether it directly follows the block before) of each fenced block."""
    found, inside, apart = [], None, True
    for number, line in enumerate(text.splitlines(), start=1):
        fence = FENCE.match(line)
        if inside is None and fence:
            inside = (number, fence[1], [], not apart)
        elif inside is not None and line.rstrip() == "```":
            found.append(inside)
            inside, apart = None, False
        elif inside is not None:
            inside[2].append(line)
        elif line.strip():
            apart = True
    if inside is not None:
        sys.exit(f"line {inside[0]}: a block that is not closed")
    return found


def fits(pattern, line):
    parts = [re.escape(part) for part in pattern.rstrip().split("...")]
    return re.fullmatch(".*".join(parts), line.rstrip()) is not None


def run(lines, folder):
    """The exit status of a block of commands, and the lines that it prints."""
    shell = subprocess.Popen(
        ["sh", "-eu", "-c", "\n".join(lines)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        printed, _ = shell.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        # With all that it has started: that holds the pipe open, too.
        os.killpg(shell.pid, signal.SIGKILL)
        printed, _ = shell.communicate()
    return shell.returncode, printed.decode("utf-8", "replace").splitlines()


def differs(expected, printed):
    """The first line of `expected` that nothing printed fits, or what was printed and is not expected; None if all fits."""
    # Whether the first n printed lines fit what was expected so far.
    reached = {0}
    for pattern in expected:
        if pattern.strip() == "...":
            reached = set(range(min(reached), len(printed) + 1))
        else:
            reached = {n + 1 for n in reached if n < len(printed) and fits(pattern, printed[n])}
        if not reached:
            return f"not printed: {pattern}"
    if len(printed) in reached:
        return None
    return f"printed, and not shown: {printed[max(reached)]}"


def anchors(text):
    """The names by which links know the headings of a page."""
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in HEADING.findall(text)}


def check(page, most_lines):
    text = page.read_text(encoding="utf-8")
    failures = []
    if most_lines and len(text.splitlines()) > most_lines:
        failures.append(f"{len(text.splitlines())} lines: more than {most_lines}")
    for target, anchor in LINK.findall(text):
        if "://" in target:
            continue
        led = page.parent / target if target else page
        if not led.exists():
            failures.append(f"a link leads nowhere: {target}")
        elif anchor and anchor not in anchors(led.read_text(encoding="utf-8")):
            failures.append(f"a link leads to no heading: {target}#{anchor}")

    ran = 0
    folder = pathlib.Path(tempfile.mkdtemp(prefix="docs-"))
    try:
        found = blocks(text)
        for at, (line, language, lines, directly) in enumerate(found):
            if language == "text" and directly and at and found[at - 1][1] == "sh":
                continue
            if language != "sh":
                failures.append(f'line {line}: a block of kind "{language}" that nothing checks')
                continue
            ran += 1
            status, printed = run(lines, folder)
            wrong = f"exit status {status}" if status else None
            if not wrong and at + 1 < len(found) and found[at + 1][1] == "text" and found[at + 1][3]:
                wrong = differs(found[at + 1][2], printed)
            if wrong:
                shown = "\n".join("    " + text for text in printed[-60:])
                failures.append(f"line {line}: {wrong}\n  printed:\n{shown}")
                break
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return ran, failures


def main():
    arguments = sys.argv[1:]
    most_lines = None
    if arguments[:1] == ["--lines"]:
        most_lines, arguments = int(arguments[1]), arguments[2:]
    if not arguments:
        sys.exit(__doc__)
    failed = False
    for name in arguments:
        ran, failures = check(pathlib.Path(name), most_lines)
        if not failures and not ran:
            failures = ["no command was found"]
        for failure in failures:
            print(f"{name}: {failure}", file=sys.stderr)
        failed = failed or bool(failures)
        if not failures:
            print(f"{name}: {ran} blocks of commands do what the page says")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
