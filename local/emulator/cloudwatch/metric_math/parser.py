"""An expression's text, parsed by precedence into a tree."""

from local.emulator.cloudwatch.metric_math.functions import FUNCTIONS
from local.emulator.cloudwatch.metric_math.lexer import tokens
from local.emulator.cloudwatch.metric_math.nodes import Node
from local.emulator.cloudwatch.metric_math.values import ExpressionError

_MAX_DEPTH = 50


class _Parser:
    _LEVELS: tuple[frozenset[str], ...] = (
        frozenset({"OR", "||"}),
        frozenset({"AND", "&&"}),
        frozenset({"<", ">", "<=", ">=", "==", "!="}),
        frozenset({"+", "-"}),
        frozenset({"*", "/"}),
    )

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._at = 0
        self._depth = 0

    def parse(self) -> Node:
        node = self._binary(0)
        if self._tokens[self._at].kind != "end":
            self._fail()
        return node

    def _fail(self) -> None:
        token = self._tokens[self._at]
        what = f"'{token.text}' at character {token.position}" if token.text else "the end"
        hint = "; the power operator is ^" if token.text == "**" else ""
        raise ExpressionError(f"Error in expression: unexpected {what}{hint}")

    def _take(self, text: str) -> bool:
        if self._tokens[self._at].kind == "operator" and self._tokens[self._at].text == text:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._take(text):
            self._fail()

    def _binary(self, level: int) -> Node:
        if level == len(self._LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self._tokens[self._at].text in self._LEVELS[level] and self._tokens[self._at].kind != "string":
            operator = self._tokens[self._at].text
            self._at += 1
            left = Node("operator", {"&&": "AND", "||": "OR"}.get(operator, operator), (left, self._binary(level + 1)))
        return left

    def _unary(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ExpressionError("Error in expression: nested too deeply")
        try:
            if self._take("-"):
                return Node("operator", "-", (Node("number", "0"), self._unary()))
            base = self._primary()
            return Node("operator", "^", (base, self._unary())) if self._take("^") else base
        finally:
            self._depth -= 1

    def _primary(self) -> Node:
        token = self._tokens[self._at]
        if token.kind == "operator" and token.text in "([":
            self._at += 1
            if token.text == "[":
                return Node("array", "", self._list("]"))
            inner = self._binary(0)
            self._expect(")")
            return inner
        if token.kind not in {"number", "string", "name"}:
            self._fail()
        self._at += 1
        if token.kind == "string":
            return Node("string", token.text[1:-1])
        if token.kind == "name" and self._take("("):
            return Node("call", token.text.upper(), self._list(")"))
        return Node(token.kind, token.text)

    def _list(self, closing: str) -> tuple[Node, ...]:
        items: list[Node] = []
        if self._take(closing):
            return ()
        while True:
            items.append(self._binary(0))
            if self._take(closing):
                return tuple(items)
            self._expect(",")


def parse(text: str) -> Node:
    """Parse an expression. Raises ExpressionError; an unknown function is named in its message."""
    node = _Parser(text).parse()
    for part in node.walk():
        if part.kind == "call" and part.text not in FUNCTIONS:
            raise ExpressionError(f"Error in expression: Unsupported function '{part.text}'")
    return node
