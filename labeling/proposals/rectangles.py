"""A rectangle of cells worth asking, not yet priced."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Proposal:
    """A rectangle worth asking: `rows` and `columns` number the arrays given, `value` is in bits, `reason` for admins.

    claims_rows: in an exclusive project one answer moves all cells of its item, so that a proposal claims whole rows
    and an item is asked once a round; elsewhere it claims its cells. resolves: people have been asked about its items
    before, and it shall settle what they left open. luck: what its value is multiplied by where proposals are compared,
    so that which of many good ones are chosen is a draw.
    """

    kind: str
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    value: float
    reason: str
    claims_rows: bool = False
    resolves: bool = False
    luck: float = 1.0

    def claims(self) -> frozenset:
        if self.claims_rows:
            return frozenset(self.rows)
        return frozenset((row, column) for row in self.rows for column in self.columns)


def rectangle(doubt, kind: str, rows, columns, value, reason: str, resolves=False, luck=1.0) -> Proposal:
    rows, columns = (tuple(int(number) for number in numbers) for numbers in (rows, columns))
    return Proposal(kind, rows, columns, float(value), reason, doubt.exclusive, resolves, float(luck))


def whole_rows(doubt, rows, values, reasons, resolves=False, luck=None) -> list[Proposal]:
    """All categories of each of these items, or what of them may be asked."""
    columns = (doubt.cells[row].nonzero()[0] for row in rows)
    found = zip(rows, columns, values, reasons, [1.0] * len(rows) if luck is None else luck, strict=True)
    return [rectangle(doubt, "categories", [row], some, value, why, resolves, chance)
            for row, some, value, why, chance in found]  # fmt: skip
