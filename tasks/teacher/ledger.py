"""The ledger: one row a completion, whether it was sent or came from the store."""

from collections import defaultdict

from schemas.calls import LedgerRow


class Ledger:
    """Collects the rows of a run and hands each API's step its own.

    Rows are added and taken in the event loop's thread, without awaiting in between, so that no lock is needed.
    A row's `cost_usd` is what the completion cost when it was bought, so that a row of a dataset costs the same in a
    run that reads it from the store; what a run itself spent is the sum over rows that are not `stored`.
    """

    def __init__(self) -> None:
        self._rows: defaultdict[tuple[str, str], list[LedgerRow]] = defaultdict(list)

    @property
    def rows(self) -> list[LedgerRow]:
        """All rows that were not drained, API by API."""
        return [row for rows in self._rows.values() for row in rows]

    def add(self, row: LedgerRow, *, under: str | None = None) -> None:
        """Adds a row; `under` is the stage with whose rows it is handed out, where that is not its own."""
        self._rows[row.api_id, under or row.stage].append(row)

    def rows_for(self, api_id: str, stage: str | None = None) -> tuple[LedgerRow, ...]:
        """The rows of an API (and stage), in the order in which the completions came."""
        return tuple(
            row
            for (api, at), rows in self._rows.items()
            if api == api_id and (stage is None or at == stage)
            for row in rows
        )

    def drain(self, api_id: str, stage: str) -> tuple[LedgerRow, ...]:
        """Takes the rows of an API's stage out of the ledger: each row is handed out once."""
        return tuple(self._rows.pop((api_id, stage), ()))
