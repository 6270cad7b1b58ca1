"""Commands as people would paste them, out of documents and out of the code that prints them."""

import ast
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ops.command_line.application import COMMANDS
from tests.support.paths import ROOT

DOCUMENTS = (ROOT / "README.md", ROOT / "datasets" / "README.md", *sorted((ROOT / "docs").glob("*.md")))
ROOMS = ("ops", "local", "configuration", "stacks", "lambda", "constructs")
CODE = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
OPS = ("bedrock-eval", "python -m ops")
_PROGRAMS = (*OPS, "python -m local", "make", "cdk")
# In a sentence `make` is a verb too: a command stands alone, or behind a colon. bedrock-eval is a distribution as well.
_START = re.compile(
    rf"(?:^|(?<=\s))(?:python -m (?:ops|local)|cdk|bedrock-eval(?= (?:{'|'.join(COMMANDS)})\b)) [a-z]"
    r"|(?:^|(?<=: ))make [a-z]+(?=[.;,]?$)"
)
# What documents write for a value of the reader's own, and where a message puts one in.
_STANDS_FOR = {
    "$EVALUATION": "support-quality",
    "$EVALUATION/RUN": "support-quality/20261123T060000Z",
    "RUN": "20261123T060000Z",
    "EARLIER": "20261116T060000Z",
    "GOOD_RUN": "20261116T060000Z",
    "ARN": "arn:aws:bedrock:us-east-1:111122223333:evaluation-job/abcdefghijkl",
    "DIR_OR_S3": "s3://bucket/prefix",
    "E": "dev",
    "NAME": "judged-answers",
}
_VALUES = {
    "environment.name": "dev",
    "arguments.env": "dev",
    "parts.name": "dev",
    "layout.evaluation": "support-quality",
    "layout.run_id": "20261123T060000Z",
    "evaluation": "judged-answers",
    "run_id": "20261123T060000Z",
    "action": "show",
}


@dataclass(frozen=True)
class Command:
    """Attributes: whole: it stands there to be pasted, and is not only named."""

    place: str
    text: str
    whole: bool

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"

    @property
    def of_ops(self) -> list[str] | None:
        """What is typed behind the program's name; None for another program."""
        program = next((each for each in OPS if self.text.startswith(f"{each} ")), None)
        return None if program is None else shlex.split(self.text.removeprefix(program))


def documented() -> Iterator[Command]:
    """Commands of every document: the lines of its blocks, and code in its sentences."""
    for path in DOCUMENTS:
        place, text = path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
        blocks = re.compile(r"^( *)```[a-z]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
        for block in blocks.finditer(text):
            lines = block[2].replace("\\\n", " ").splitlines()
            yield from _commands(place, (line.strip().removeprefix("$ ") for line in lines), whole=True)
        sentences = re.findall(r"`([^`]+)`", blocks.sub("", text))
        yield from _commands(place, (" ".join(each.split()) for each in sentences), whole=False)


def printed() -> Iterator[Command]:
    """Commands of the code: in its messages and in the text of `--help`."""
    for path in CODE:
        place = path.relative_to(ROOT).as_posix()
        for node in _texts(ast.parse(path.read_text("utf-8"))):
            text = " ".join(_rendered(node).split())
            coded = re.findall(r"`([^`]+)`", text)
            yield from _commands(place, coded, whole=False)
            bare = re.sub(r"`[^`]+`", "", text)
            yield from _commands(place, (bare[start.start() :] for start in _START.finditer(bare)), whole=True)


def _texts(tree: ast.AST) -> Iterator[ast.Constant | ast.JoinedStr]:
    """Every string, an f-string as one."""
    if isinstance(tree, ast.JoinedStr) or (isinstance(tree, ast.Constant) and isinstance(tree.value, str)):
        yield tree
        return
    for child in ast.iter_child_nodes(tree):
        yield from _texts(child)


def _rendered(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    parts = []
    for part in node.values:
        parts.append(str(part.value) if isinstance(part, ast.Constant) else _value(part))
    return "".join(parts)


def _value(part: ast.expr) -> str:
    assert isinstance(part, ast.FormattedValue)
    expression = ast.unparse(part.value)
    return _VALUES.get(expression, f"{{{expression}}}")


def _commands(place: str, texts: Iterable[str], *, whole: bool) -> Iterator[Command]:
    for text in texts:
        command = re.split(r"\s+#", text)[0].strip()
        if command.startswith(tuple(f"{program} " for program in _PROGRAMS)):
            for each in _alternatives(command):
                words = [_STANDS_FOR.get(word, word) for word in each.split()]
                yield Command(place, " ".join(words), whole or any(word.startswith("-") for word in words[3:]))


def _alternatives(text: str) -> list[str]:
    """`jobs start|stop --env dev` is two commands."""
    found = re.search(r"(?<= )[a-z]+(?:\|[a-z]+)+(?= |$)", text)
    if found is None:
        return [text]
    return [text[: found.start()] + each + text[found.end() :] for each in found[0].split("|")]
