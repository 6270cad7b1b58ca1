"""What a command answers: texts and tables for the screen, or one JSON document."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ops.terminal.cells import Json
from ops.terminal.output import print_result
from ops.terminal.tables import Table, TableKind, rendered

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class DocumentKind:
    """What a command prints with --json.

    Attributes:
        tables: lists of rows, each under its key.
        variants: lists of rows that are there only when the command shows them.
        facts: every other key, with what it holds.
    """

    tables: tuple[TableKind, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    variants: tuple[TableKind, ...] = ()

    def document(self, parts: Sequence[str | Table], **facts: Json) -> "Document":
        """Make a document of this kind.

        Raises:
            ValueError: a table or key that docs/command-line.md does not have.
        """
        strays = {part.kind.key for part in parts if isinstance(part, Table)} - {
            each.key for each in (*self.tables, *self.variants)
        }
        strays |= facts.keys() ^ self.facts.keys()
        if strays:
            raise ValueError(f"keys that the kind of document does not state: {', '.join(sorted(strays))}")
        return Document(self, parts, facts)


@dataclass(frozen=True)
class Document:
    """Texts and tables in the order of the screen, and facts for programs alone."""

    kind: DocumentKind
    parts: Sequence[str | Table]
    facts: Mapping[str, Json]

    def to_json(self) -> dict[str, Json]:
        """Rows of tables of one kind are one list."""
        found: dict[str, list[Json]] = {each.key: [] for each in self.kind.tables}
        for part in self.parts:
            if isinstance(part, Table):
                found.setdefault(part.kind.key, []).extend(part.to_json())
        return {"schema_version": SCHEMA_VERSION, **self.facts, **found}

    def show(self, *, as_json: bool) -> None:
        """Write the document to standard output."""
        if as_json:
            print_result(json.dumps(self.to_json(), indent=1, ensure_ascii=False))
            return
        texts = (part if isinstance(part, str) else rendered(part) for part in self.parts)
        print_result("\n\n".join(texts))
