"""Right answers, made once and kept: the bytes of each request in each wire format, the least used forgotten first."""

from collections import OrderedDict
from typing import Final

from reingest.standin.asked import Asked
from reingest.standin.documents import document
from reingest.standin.publication import Publication
from reingest.standin.render import CONTENT_TYPES, XmlShape, render
from reingest.standin.reply import Reply, bad_request, no_data

KEPT_BYTES: Final = 192 * 2**20


class Answers:
    """The answers to what is published, as they should be; faults come after."""

    def __init__(self, publication: Publication, *, xml_shape: XmlShape = "camel", refuse_xml: bool = False) -> None:
        """Answer from `publication`, in this XML shape, or refuse XML with 400."""
        self.publication = publication
        self.xml_shape: XmlShape = xml_shape
        self.refuse_xml = refuse_xml
        self._kept: OrderedDict[tuple[Asked, int], Reply] = OrderedDict()
        self.kept_bytes = 0

    def answer(self, asked: Asked) -> Reply:
        """Return the answer to a request, the same object until its date is restated.

        Raises:
            ArchiveError: an archived payload is missing or altered.
        """
        if asked.is_recent:
            return self._make(asked)
        key = (asked, self.publication.revision(asked.settlement_date))
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        reply = self._make(asked)
        # Compressed now, so that what is kept does not grow later and the first client does not wait alone.
        reply.gzipped()
        self._keep(key, reply)
        return reply

    def _make(self, asked: Asked) -> Reply:
        if asked.wire == "xml" and self.refuse_xml:
            return bad_request("format: 'xml' is not one of json, csv")
        archived = self._archived(asked)
        if archived is not None:
            return archived
        content = document(asked, self.publication)
        if content is None:
            return no_data()
        return Reply(200, CONTENT_TYPES[asked.wire], render(content, asked.wire, self.xml_shape))

    def _archived(self, asked: Asked) -> Reply | None:
        archive = self.publication.archived
        if archive is None or not self.publication.serves_bytes_of(asked.settlement_date):
            return None
        answer = archive.answer(asked.dataset, asked.settlement_date, asked.period, asked.side, asked.wire)
        return Reply(200, answer.content_type, answer.body) if answer else None

    def _keep(self, key: tuple[Asked, int], reply: Reply) -> None:
        self._kept[key] = reply
        self.kept_bytes += reply.held_bytes
        while self.kept_bytes > KEPT_BYTES and len(self._kept) > 1:
            _, forgotten = self._kept.popitem(last=False)
            self.kept_bytes -= forgotten.held_bytes
