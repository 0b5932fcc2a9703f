"""Intake: every answer is archived, and its fetch row written, before anything reads it.

Answers that come in together are kept together: one thread writes a group while the next one gathers, so that a
date's hundred answers cost some ten commits and not a hundred.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Self

from reingest.checkpoints import checkpoint
from reingest.elexon.client import Answer
from reingest.errors import DatabaseUnreachable
from reingest.lake.archive import Archive, ManifestEntry, StoredPayload
from reingest.store.database import Connection
from reingest.store.fetches import NewFetch, add_fetches, stored_fetches
from reingest.store.runs import Run

log = logging.getLogger(__name__)

FULL_GROUP: Final = 10
LINGER_SECONDS: Final = 0.01
"""How long a small group waits for more: fewer commits and syncs, 0.07 s of a date's CPU, and no more wall."""


class Intake:
    """Keeps the answers of one run; `keep` returns once the answer is on disk and its fetch row committed.

    Its block ends when everything that came in is kept, also what nobody waits for any more: a run that breaks off
    leaves no payload without its row.
    """

    def __init__(
        self, archive: Archive, connection: Connection, run: Run, reconnect: Callable[[], Connection] | None = None
    ) -> None:
        """Write to `archive` and, through `connection`, to Postgres; nothing else may use the connection meanwhile.

        Args:
            archive: where payloads go.
            connection: where their rows go.
            run: the run that asked.
            reconnect: gives another connection when the first one broke; without it that ends the run.
        """
        self._archive = archive
        self._connection = connection
        self._run = run
        self._reconnect = reconnect
        self._waiting: list[tuple[Answer, asyncio.Future[int]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Take answers in."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Wait for the writer, which goes on until nothing waits."""
        if self._writer is not None:
            await asyncio.wait([self._writer])

    async def keep(self, answer: Answer) -> int:
        """Archive the answer and write its fetch row; return the row's id.

        Raises:
            ArchiveError: the archive cannot be written.
            DatabaseUnreachable: Postgres cannot be reached.
        """
        kept: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((answer, kept))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_groups())
        return await kept

    async def _write_groups(self) -> None:
        while self._waiting:
            if len(self._waiting) < FULL_GROUP:
                await asyncio.sleep(LINGER_SECONDS)
            group, self._waiting = self._waiting, []
            try:
                ids = await asyncio.to_thread(self._write, [answer for answer, _ in group])
            except Exception as error:  # noqa: BLE001  (whoever asked raises it; unheard it would leave them waiting)
                for _, kept in group:
                    if not kept.done():
                        kept.set_exception(error)
                continue
            for (_, kept), fetch_id in zip(group, ids, strict=True):
                if not kept.done():  # its asker may have been cancelled; the answer is kept all the same
                    kept.set_result(fetch_id)

    def _write(self, answers: list[Answer]) -> list[int]:
        payloads = self._archive.put_many([answer.body for answer in answers])
        checkpoint("after_archive")
        fetches = [_fetch(answer, payload) for answer, payload in zip(answers, payloads, strict=True)]
        ids = self._add_fetches(fetches)
        checkpoint("after_fetch_rows")
        # After the rows: the manifest mirrors what is registered, never more.
        self._archive.append_manifest(
            [self._manifest_entry(fetch_id, fetch) for fetch_id, fetch in zip(ids, fetches, strict=True)]
        )
        self._run.requests += len(answers)
        self._run.retries += sum(answer.attempts - 1 for answer in answers)
        return ids

    def _add_fetches(self, fetches: list[NewFetch]) -> list[int]:
        """Write fetch rows; where the connection breaks once more over another, unless the first try was heard."""
        try:
            return add_fetches(self._connection, self._run.id, fetches)
        except DatabaseUnreachable as error:
            if self._reconnect is None or not self._connection.closed:
                raise
            log.warning("the run goes on over another connection: %s", error)
            self._connection = self._reconnect()
            return stored_fetches(self._connection, self._run.id, fetches) or add_fetches(
                self._connection, self._run.id, fetches
            )

    def _manifest_entry(self, fetch_id: int, fetch: NewFetch) -> ManifestEntry:
        return ManifestEntry(
            fetch_id=str(fetch_id),
            run_id=str(self._run.id),
            dataset=fetch.dataset,
            settlement_date=fetch.settlement_date,
            period=fetch.period,
            side=fetch.side,
            wire=fetch.wire,
            url=fetch.url,
            status=fetch.status,
            content_type=fetch.content_type,
            sha256=fetch.sha256,
            size=fetch.size,
            requested_at=fetch.requested_at,
            answered_at=fetch.answered_at,
            attempts=fetch.attempts,
        )


def _fetch(answer: Answer, payload: StoredPayload) -> NewFetch:
    request = answer.request
    return NewFetch(
        dataset=request.dataset,
        settlement_date=request.settlement_date,
        period=request.period,
        side=request.side,
        wire=request.wire,
        url=answer.url,
        status=answer.status,
        content_type=answer.content_type,
        sha256=payload.sha256,
        size=payload.size,
        stored_size=payload.stored_size,
        requested_at=answer.requested_at,
        answered_at=answer.answered_at,
        attempts=answer.attempts,
    )
