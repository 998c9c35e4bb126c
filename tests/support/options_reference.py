"""Prints docs/reference/options.md, made of what the three daemons say to --help.

    /usr/bin/python3 tests/support/options_reference.py [DIRECTORY OF THE DAEMONS]
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DAEMONS = ("redis-wrapper", "sentinel-wrapper", "watcher")
TITLES = {DAEMONS: "All daemons", DAEMONS[:2]: "Both wrappers", **{(daemon,): daemon for daemon in DAEMONS}}
HEAD = """\
<!-- Generated from --help by `./run docs`. Do not edit: change the text in the source of the daemon. -->

# Options

Every option is a flag, an environment variable and a key of the config file, and `--help` of each daemon prints it.
[Configuration](../operate/configuration.md) says which of them wins, and has ranges and notes. Durations are `30s`,
`500ms`, `2m` or `1h`; a bare number is seconds.
"""


def said_to_help(daemon, directory):
    return subprocess.run([directory / daemon, "--help"], capture_output=True, text=True, check=True, timeout=30,
                          env={"PATH": os.environ["PATH"]}).stdout


def entries(text):
    """[(first line, [lines below it])] of everything that is listed."""
    found = []
    for line in text.splitlines():
        if re.match(r"  \S", line):
            found.append((line.strip(), []))
        elif line.startswith("      ") and found:
            found[-1][1].append(line.strip())
    return found


def option_of(head, body):
    """((flag, variable, key, meaning), default)."""
    flag, variable, key = [*re.split(r"\s{2,}", head), ""][:3]
    default = body[-1].removeprefix("default: ")
    assert default != body[-1], f"{head}: an option without a default"
    return ("" if flag.startswith("(") else flag, variable, key, " ".join(body[:-1])), default


def code(text):
    return f"`{text}`" if text else ""


def default_of(defaults):
    """The same for all, or one for each daemon; "PATH, where there is one" says more than a value."""
    def render(default):
        value, comma, note = default.partition(", ")
        return default if default == "none" else code(value) + comma + note

    if len(set(defaults.values())) == 1:
        return render(next(iter(defaults.values())))
    return "; ".join(f"{daemon}: {render(default)}" for daemon, default in defaults.items())


def row(*cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def page(directory):
    options, commands = {}, ""
    for daemon in DAEMONS:
        for head, body in entries(said_to_help(daemon, directory)):
            if head in ("--help", "--version"):
                continue
            if not head.startswith(("--", "(")):
                commands += row(code(f"{daemon} {head}"), " ".join(body))
                continue
            option, default = option_of(head, body)
            options.setdefault(option, {})[daemon] = default
    text = HEAD + "\n## Commands\n\nWithout a command each is the daemon.\n\n" + row("command", "meaning")
    text += "|---|---|\n" + commands
    for daemons, title in TITLES.items():
        text += f"\n## {title}\n\n" + row("flag", "environment", "file key", "default", "meaning") + "|---|---|---|---|---|\n"
        for (flag, variable, key, meaning), defaults in options.items():
            if tuple(defaults) == daemons:
                text += row(code(flag) or "none", code(variable), code(key), default_of(defaults), meaning)
    assert all(tuple(defaults) in TITLES for defaults in options.values()), options
    return text


if __name__ == "__main__":
    print(page(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release/bin")), end="")
