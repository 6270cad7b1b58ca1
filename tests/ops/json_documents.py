"""What a command printed with --json, held against the kind that docs/command-line.md documents."""

import json
from typing import Any

from ops.terminal.document import DocumentKind


def read_document(printed: str, kind: DocumentKind, *variants: str) -> dict[str, Any]:
    """Read a document; every key of it, and of its rows, is documented and there.

    Args:
        variants: the tables that only this call shows.
    """
    found: dict[str, Any] = json.loads(printed)
    tables = {table.key: table for table in (*kind.tables, *kind.variants)}
    always = {table.key for table in kind.tables}
    assert set(found) == {"schema_version", *kind.facts, *always, *variants}
    assert found["schema_version"] == 1
    for key in always | set(variants):
        keys = [column.key for column in tables[key].columns]
        assert all(list(row) == keys for row in found[key])
    return found
