"""Dockerfiles ("Dockerfile reference"): instructions, their flags, ARG and ENV put in. What is not here is refused by name and line."""

import json
import re
import shlex

KNOWN = {"FROM", "RUN", "COPY", "ADD", "ENV", "ARG", "WORKDIR", "CMD", "ENTRYPOINT", "LABEL", "EXPOSE", "USER", "SHELL", "STOPSIGNAL", "MAINTAINER"}
EXPANDED = {"FROM", "COPY", "ADD", "ENV", "WORKDIR", "LABEL", "EXPOSE", "USER", "ARG"}


class DockerfileError(Exception):
    pass


class Instruction:
    def __init__(self, line, name, text):
        self.line, self.name, self.text = line, name, text

    def fail(self, why):
        raise DockerfileError(f"line {self.line}: {self.name} {self.text}: {why}")


def parse(text):
    """The instructions of a Dockerfile."""
    escape = "`" if re.match(r"\s*#\s*escape\s*=\s*`", text) else "\\"
    out, pending, first = [], "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        if not pending and not line.strip():
            continue
        first = first or number
        line = line.rstrip()
        if line.endswith(escape):
            pending += line[:-1] + " "
            continue
        whole, pending = (pending + line).strip(), ""
        number, first = first, 0
        if not whole:
            continue
        name, _, rest = whole.partition(" ")
        instruction = Instruction(number, name.upper(), rest.strip())
        if instruction.name not in KNOWN:
            instruction.fail("tarn docker build does not have it")
        if "<<" in rest and instruction.name in ("RUN", "COPY", "ADD"):
            instruction.fail("here-documents are not there; write a file and COPY it")
        out.append(instruction)
    if pending:
        raise DockerfileError("the last line is not finished")
    return out


def expand(text, values):
    """$NAME, ${NAME}, ${NAME:-otherwise} and ${NAME:+instead}."""

    def value(match):
        if match.group(0) == "\\$":
            return "$"
        name, operator, word = match.group(1) or match.group(2), match.group(3), match.group(4)
        found = values.get(name, "")
        if operator == ":-":
            return found or expand(word, values)
        if operator == ":+":
            return expand(word, values) if found else ""
        return found

    return re.sub(r"\\\$|\$(\w+)|\$\{(\w+)(?:(:[-+])([^}]*))?\}", value, text)


def flags_of(instruction, text):
    """{"from": "build", ...} and what follows the flags."""
    flags = {}
    while match := re.match(r"--([a-z-]+)(?:=(\S+))?\s+", text):
        flags[match.group(1)] = match.group(2) or "true"
        text = text[match.end():]
    return flags, text


def words_of(instruction, text):
    """The exec form ["a", "b"] or plain words."""
    if text.startswith("["):
        try:
            words = json.loads(text)
        except ValueError:
            instruction.fail("the list is not JSON")
        if not isinstance(words, list) or not all(isinstance(w, str) for w in words):
            instruction.fail("a list of strings is needed")
        return words
    return shlex.split(text)


def command_of(instruction, text, shell):
    """Of CMD, ENTRYPOINT and RUN: the shell form runs in the shell."""
    if text.startswith("["):
        return words_of(instruction, text)
    return [*shell, text]


def pairs_of(instruction, text):
    """Of ENV and LABEL: NAME=VALUE ..., or the old NAME VALUE."""
    if "=" not in text.split(None, 1)[0]:
        name, _, value = text.partition(" ")
        return {name: value.strip()}
    out = {}
    for word in shlex.split(text):
        name, equals, value = word.partition("=")
        if not equals:
            instruction.fail(f"{word} has no value")
        out[name] = value
    return out
