"""Tables that a screen reader can walk and a phone can show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bedrock_eval.report.html.markup import Child, Markup, tag


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    NUMBER = "number"
    PLOT = "plot"


@dataclass(frozen=True)
class Column:
    """`label` names the cells on a phone, where no head is shown; without one they stand unnamed."""

    title: Child
    kind: Kind = Kind.NUMBER
    label: str | None = None


@dataclass(frozen=True)
class Body:
    """Rows under a common title; the first cell of each row is its header. `axis` stands over the column of plots."""

    rows: Sequence[Sequence[Child]]
    title: Child = None
    axis: Markup | None = None


def table(columns: Sequence[Column], bodies: Iterable[Body], *, caption: str, stacked: bool = True) -> Markup:
    """A table; `stacked` breaks its rows on a narrow screen, else it scrolls within its own box.

    The roles repeat what the elements say: a browser drops that where a stylesheet gives them another display.
    """
    heads = [tag("th", column.title, scope="col", role="columnheader", class_=column.kind.value) for column in columns]
    head = tag("thead", tag("tr", heads, role="row"), role="rowgroup")
    content = tag(
        "table",
        tag("caption", caption, class_="unseen"),
        head,
        [_body(body, columns) for body in bodies],
        role="table",
        class_="stacked" if stacked else None,
    )
    if stacked:
        return content
    return tag("div", content, class_="wide", role="region", aria_label=caption, tabindex="0")


def _body(body: Body, columns: Sequence[Column]) -> Markup:
    title = None if body.title is None else _title(body, columns)
    return tag("tbody", title, [_row(row, columns) for row in body.rows], role="rowgroup")


def _title(body: Body, columns: Sequence[Column]) -> Markup:
    kinds = [column.kind for column in columns]
    before = kinds.index(Kind.PLOT) if body.axis is not None else len(columns)
    cells = [tag("th", body.title, scope="rowgroup", role="rowheader", colspan=before)]
    if body.axis is not None:
        cells.append(tag("td", body.axis, role="cell", class_=Kind.PLOT.value))
        cells.append(tag("td", role="cell", colspan=len(columns) - before - 1))
    return tag("tr", cells, role="row", class_="group")


def _row(row: Sequence[Child], columns: Sequence[Column]) -> Markup:
    first, *rest = row
    cells = [
        tag("td", cell, role="cell", class_=column.kind.value, data_label=column.label)
        for cell, column in zip(rest, columns[1:], strict=True)
    ]
    head = tag("th", first, scope="row", role="rowheader", class_=columns[0].kind.value)
    return tag("tr", head, cells, role="row")
