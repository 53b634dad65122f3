"""A client of Daybook's event store: the standard library and pyzmq, written from docs/protocol.md.

    with EventStore("ipc://data/event-store.sock") as store:
        store.append([Event("account-1", "MoneyCredited", b'{"amount":5}')])
        for record in store.read(Query.of(categories=["account"])):
            print(record.position, record.event.type, record.event.data)

A store is for one thread. Requests are tried again, over restarts of the store, until `timeout`.
"""

from __future__ import annotations

import json
import struct
import time
import uuid
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import IntEnum

import zmq

VERSION = 1
ATTEMPT_SECONDS = 2.0
"""How long an answer is waited for before the request is sent again."""
PATIENCE_SECONDS = 2.0
"""How long the feed may be silent before the log is asked."""
HEARTBEAT = b"$heartbeat"
NO_CAUSE = uuid.UUID(int=0)
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Kind(IntEnum):
    """What a message is."""

    HELLO, APPEND, READ, CREDIT, CANCEL, CALL = 1, 2, 3, 4, 5, 6
    WELCOME, APPENDED, CHUNK, RESULT, ERROR = 129, 130, 131, 134, 255


class Code(IntEnum):
    """What is wrong, in a refusal."""

    MALFORMED, VERSION, INVALID, NOT_FOUND = 1, 2, 3, 4
    WRONG_REVISION, CONDITION_FAILED, ID_REUSED, REFUSED = 10, 11, 12, 20
    OVERLOADED, UNAVAILABLE, DAMAGED, INTERNAL = 30, 31, 32, 33

    @classmethod
    def _missing_(cls, value: object) -> Code:
        return cls.INTERNAL


class Refused(Exception):
    """The store has refused a request, and changed nothing."""

    def __init__(self, body: bytes) -> None:
        code, self.detail = struct.unpack_from("<H6xQ", body)
        self.code = Code(code)
        super().__init__(body[16:].decode(errors="replace"))


class Unavailable(Exception):
    """The store did not answer in time."""


class Damaged(Exception):
    """Bytes are not what the protocol says."""


class DifferentLog(Exception):
    """The store has another log than the one that was followed: positions mean nothing in it."""


# Events and records


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC_TABLE = _crc_table()


def crc32c(data: bytes) -> int:
    """The Castagnoli cyclic redundancy check."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _name(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<B", len(data)) + data


def _names(texts: Sequence[str]) -> bytes:
    return struct.pack("<H", len(texts)) + b"".join(map(_name, texts))


@dataclass(frozen=True)
class Event:
    """What a producer writes. The id is made once: an append that is repeated changes nothing."""

    stream: str
    type: str
    data: bytes
    tags: tuple[str, ...] = ()
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    correlation_id: uuid.UUID | None = None
    """The conversation; an event that belongs to none begins one, named by its id."""
    causation_id: uuid.UUID = NO_CAUSE
    content_type: str = "application/json"
    metadata: bytes = b""

    BODY = struct.Struct("<16s16s16sBBBBHxxII")

    def encode(self) -> bytes:
        """The record, without what the store fills in."""
        stream, type_, content_type = (
            text.encode() for text in (self.stream, self.type, self.content_type)
        )
        tags = b"".join(map(_name, self.tags))
        body = self.BODY.pack(
            self.id.bytes, (self.correlation_id or self.id).bytes, self.causation_id.bytes,
            len(stream), len(type_), len(content_type), len(self.tags), len(tags),
            len(self.metadata), len(self.data),
        )  # fmt: skip
        body += stream + type_ + content_type + tags + self.metadata + self.data
        body += bytes(-len(body) % 8)
        length = Record.HEAD.size + len(body)
        return Record.HEAD.pack(length, crc32c(body), 0, 0, 0, 0, 1, 0, 0) + body


@dataclass(frozen=True)
class Record:
    """An event as the log holds it."""

    position: int
    revision: int
    previous_in_category: int
    microseconds: int
    """Since 1970, when it was committed."""
    event: Event
    raw: bytes

    HEAD = struct.Struct("<IIQQQqBBxxI")

    @property
    def time(self) -> datetime:
        return EPOCH + timedelta(microseconds=self.microseconds)

    @property
    def is_amended(self) -> bool:
        """Whether the data is that of an amendment, and not the data that was appended."""
        return bool(self.raw[41] & 4)

    @property
    def is_skipped(self) -> bool:
        """Whether an amendment says to read the log as if the event were not there."""
        return bool(self.raw[41] & 8)

    @classmethod
    def decode(cls, data: bytes, offset: int = 0) -> Record:
        """The record at `offset`; what follows it is left alone."""
        least = cls.HEAD.size + Event.BODY.size
        if len(data) - offset < least:
            raise Damaged("the record is cut short")
        length, _, position, previous, revision, microseconds, layout, _, _ = cls.HEAD.unpack_from(
            data, offset
        )
        if layout != 1:
            raise Damaged(f"the record has layout {layout}, not 1")
        raw = data[offset : offset + length]
        if len(raw) < max(length, least):
            raise Damaged("the record is cut short")
        return cls(position, revision, previous, microseconds, cls._event(raw), raw)

    @classmethod
    def _event(cls, raw: bytes) -> Event:
        id_, correlation, causation, *lengths, tag_count, tags_length, metadata, data = (
            Event.BODY.unpack_from(raw, cls.HEAD.size)
        )
        parts = []
        at = cls.HEAD.size + Event.BODY.size
        for length in (*lengths, tags_length, metadata, data):
            parts.append(raw[at : at + length])
            at += length
        if len(raw) != at + -at % 8:
            raise Damaged("the record's lengths do not add up")
        stream, type_, content_type, tags, metadata, data = parts
        return Event(
            stream.decode(), type_.decode(), data, tuple(cls._tags(tags, tag_count)),
            uuid.UUID(bytes=id_), uuid.UUID(bytes=correlation), uuid.UUID(bytes=causation),
            content_type.decode(), metadata,
        )  # fmt: skip

    @staticmethod
    def _tags(data: bytes, count: int) -> Iterator[str]:
        at = 0
        for _ in range(count):
            end = at + 1 + data[at]
            yield data[at + 1 : end].decode()
            at = end

    def verify(self) -> None:
        """Checks both sums, which takes a while in Python."""
        _, body, *_, head = self.HEAD.unpack_from(self.raw)
        if crc32c(self.raw[: self.HEAD.size - 4]) != head:
            raise Damaged(f"the head of the record at {self.position} is damaged")
        if crc32c(self.raw[self.HEAD.size :]) != body:
            raise Damaged(f"the body of the record at {self.position} is damaged")


# Queries and conditions


@dataclass(frozen=True)
class Item:
    """Events in any of the streams, any of the categories, of any of the types, with all tags, in
    any of the conversations."""

    streams: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    correlations: tuple[uuid.UUID, ...] = ()

    def encode(self, with_correlations: bool) -> bytes:
        names = b"".join(map(_names, (self.streams, self.categories, self.types, self.tags)))
        if not with_correlations:
            return names
        ids = b"".join(id_.bytes for id_ in self.correlations)
        return names + struct.pack("<H", len(self.correlations)) + ids

    def matches(self, event: Event) -> bool:
        return (
            (not self.streams or event.stream in self.streams)
            and (not self.categories or event.stream.split("-", 1)[0] in self.categories)
            and (not self.types or event.type in self.types)
            and set(self.tags) <= set(event.tags)
            and (not self.correlations or (event.correlation_id or event.id) in self.correlations)
        )


@dataclass(frozen=True)
class Query:
    """Events that match any of the items; all events, if there are none."""

    items: tuple[Item, ...] = ()

    @classmethod
    def of(
        cls,
        streams: Iterable[str] = (),
        categories: Iterable[str] = (),
        types: Iterable[str] = (),
        tags: Iterable[str] = (),
        correlations: Iterable[uuid.UUID] = (),
    ) -> Query:
        lists = (streams, categories, types, tags, correlations)
        return cls((Item(*map(tuple, lists)),))

    @property
    def category(self) -> str | None:
        """The one category that all matching events are in, if there is one."""
        categories = {item.categories for item in self.items}
        only = categories.pop() if len(categories) == 1 else ()
        return only[0] if len(only) == 1 else None

    def encode(self) -> bytes:
        some = any(item.correlations for item in self.items)
        number = len(self.items) | (0x8000 if some else 0)
        return struct.pack("<H", number) + b"".join(item.encode(some) for item in self.items)

    def matches(self, event: Event) -> bool:
        return not self.items or any(item.matches(event) for item in self.items)


ALL = Query()


@dataclass(frozen=True)
class Condition:
    """What must hold for an append to be made."""

    revisions: tuple[tuple[str, int], ...] = ()
    """Streams, and the revision of their last event."""
    absent: tuple[str, ...] = ()
    """Streams that have no event."""
    present: tuple[str, ...] = ()
    """Streams that have an event."""
    none_matching: Query | None = None
    after: int = 0
    """No event above this position matches `none_matching`."""

    def encode(self) -> bytes:
        streams = [
            *((1, 0, stream) for stream in self.absent),
            *((2, 0, stream) for stream in self.present),
            *((3, revision, stream) for stream, revision in self.revisions),
        ]
        if not streams and self.none_matching is None:
            return b""
        data = struct.pack("<H", len(streams))
        for kind, revision, stream in streams:
            data += struct.pack("<BQ", kind, revision) + _name(stream)
        if self.none_matching is None:
            return data + b"\0"
        return data + struct.pack("<BQ", 1, self.after) + self.none_matching.encode()


@dataclass(frozen=True)
class Appended:
    """Where the events of an append are."""

    first: int
    last: int
    last_revision: int
    microseconds: int
    is_repeat: bool
    """The events were in the log already."""


@dataclass(frozen=True)
class Welcome:
    """What the store says of itself."""

    log: uuid.UUID
    head: int
    feed: str


# The store


class EventStore:
    """A connection to the event store; it connects again by itself."""

    def __init__(self, endpoint: str, timeout: float = 30.0) -> None:
        self.timeout = timeout
        self._endpoint = endpoint
        self._context = zmq.Context()
        self._requests = self._context.socket(zmq.DEALER)
        self._requests.linger = 0
        self._requests.connect(endpoint)
        self._last_id = 0
        self._inboxes: dict[int, deque[list[bytes]]] = {}

    def __enter__(self) -> EventStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._context.destroy(linger=0)

    def welcome(self) -> Welcome:
        hello = {"client": "daybook.py", "minimumVersion": VERSION, "maximumVersion": VERSION}
        (body,) = self._request(Kind.HELLO, [json.dumps(hello).encode()], Kind.WELCOME)
        welcome = json.loads(body)
        return Welcome(uuid.UUID(welcome["log"]), welcome["head"], welcome["feed"])

    def append(self, events: Iterable[Event], condition: Condition = Condition()) -> Appended:
        """Appends all of the events or none; the answer comes when they are on disk."""
        records = b"".join(event.encode() for event in events)
        (body,) = self._request(Kind.APPEND, [condition.encode(), records], Kind.APPENDED)
        first, last, revision, microseconds, is_repeat = struct.unpack("<QQQqB7x", body)
        return Appended(first, last, revision, microseconds, is_repeat == 1)

    def event(self, id: uuid.UUID) -> Record | None:
        """The event of this id, if it is in the log."""
        (body,) = self._request(Kind.CALL, [b"event", str(id).encode()], Kind.RESULT)
        return Record.decode(body) if body else None

    def read(
        self,
        query: Query = ALL,
        *,
        backwards: bool = False,
        start: int = 0,
        end: int = 0,
        since: datetime | None = None,
        before: datetime | None = None,
        limit: int = 0,
        chunk_bytes: int = 256 << 10,
        timeout: float | None = None,
        raw: bool = False,
    ) -> Generator[Record, None, int]:
        """Matching events up to the head, chunk by chunk as they are taken.

        With `raw`, events come as they were appended, whatever amends them.
        Returns the position up to which, forwards, all have been seen."""
        deadline = self.timeout if timeout is None else timeout
        waited_since = time.monotonic()
        while time.monotonic() - waited_since < deadline:
            request = struct.pack(
                "<BB2xIQQqqQI", backwards, raw, 4, start, end,
                _microseconds(since, -(1 << 63)), _microseconds(before, (1 << 63) - 1),
                limit, chunk_bytes,
            )  # fmt: skip
            id = self._send(Kind.READ, [request + query.encode()])
            try:
                while (message := self._receive(id, ATTEMPT_SECONDS)) is not None:
                    head, records = _answer(message, Kind.CHUNK)
                    start, _, count, is_last = struct.unpack("<QQIB3x", head)
                    limit -= count if limit else 0
                    yield from _records(records)
                    if is_last:
                        del self._inboxes[id]
                        return max(start, 1) - 1
                    waited_since = time.monotonic()
                    self._send(Kind.CREDIT, [struct.pack("<I", 1)], id)
            finally:
                # Lost, refused or no longer wanted: the store need not go on with it.
                if self._inboxes.pop(id, None) is not None and not self._requests.closed:
                    self._send(Kind.CANCEL, [], id)
        raise Unavailable(f"nothing at {self._endpoint} answers a read")

    def subscribe(self, query: Query = ALL, after: int = 0) -> Iterator[Record]:
        """Matching events above `after`, each once and in order, those to come included.

        A store that is restarted is waited for. The position of the last one taken is the
        checkpoint to subscribe from again."""
        welcome = self.welcome()
        through = after
        with self._context.socket(zmq.SUB) as feed:
            feed.linger = 0
            for prefix in [f"{query.category}.".encode(), HEARTBEAT] if query.category else [b""]:
                feed.subscribe(prefix)
            feed.connect(welcome.feed)
            while True:
                end = yield from self.read(query, start=through + 1, timeout=float("inf"))
                through = max(through, end)
                while (message := self._next(feed)) is not None:
                    topic, body = message
                    if topic == HEARTBEAT:
                        head, _, log = struct.unpack("<Qq16s", body)
                        if log != welcome.log.bytes:
                            raise DifferentLog(f"the store has log {uuid.UUID(bytes=log)}")
                        if head > through:
                            break
                        continue
                    record = Record.decode(body)
                    if record.position <= through:
                        continue
                    previous = record.position - 1
                    if query.category:
                        previous = record.previous_in_category
                    if previous > through:
                        break
                    through = record.position
                    if query.matches(record.event):
                        yield record

    def _next(self, feed: zmq.Socket[bytes]) -> list[bytes] | None:
        """What the feed brings next; nothing if it is silent for too long."""
        return feed.recv_multipart() if feed.poll(int(PATIENCE_SECONDS * 1000)) else None

    # Requests

    def _request(self, kind: Kind, frames: list[bytes], answer: Kind) -> list[bytes]:
        """Asks until an answer comes: all requests may be asked more than once."""
        deadline = time.monotonic() + self.timeout
        while (left := deadline - time.monotonic()) > 0:
            id = self._send(kind, frames)
            message = self._receive(id, min(left, ATTEMPT_SECONDS))
            del self._inboxes[id]
            if message is not None:
                return _answer(message, answer)
        raise Unavailable(f"nothing at {self._endpoint} answers within {self.timeout} s")

    def _send(self, kind: Kind, frames: list[bytes], id: int | None = None) -> int:
        if id is None:
            self._last_id += 1
            id = self._last_id
            self._inboxes[id] = deque()
        header = struct.pack("<2sBB4xQ", b"DB", VERSION, kind, id)
        if self._requests.poll(int(ATTEMPT_SECONDS * 1000), zmq.POLLOUT):
            self._requests.send_multipart([header, *frames])
        return id

    def _receive(self, id: int, seconds: float) -> list[bytes] | None:
        """The next message for the request; nothing if none comes in time."""
        deadline = time.monotonic() + seconds
        while not self._inboxes[id]:
            left = deadline - time.monotonic()
            if left <= 0 or not self._requests.poll(int(left * 1000) + 1):
                return None
            message = self._requests.recv_multipart()
            # An answer to a request that was given up has no inbox.
            inbox = self._inboxes.get(_request_id(message))
            if inbox is not None:
                inbox.append(message)
        return self._inboxes[id].popleft()


def _request_id(message: list[bytes]) -> int:
    return int(struct.unpack_from("<Q", message[0], 8)[0])


def _answer(message: list[bytes], expected: Kind) -> list[bytes]:
    header, *body = message
    magic, version, kind = struct.unpack_from("<2sBB", header)
    if magic != b"DB" or version != VERSION:
        raise Damaged("the answer is no message of this protocol version")
    if kind == Kind.ERROR:
        raise Refused(body[0])
    if kind != expected:
        raise Damaged(f"the answer is a {kind}, not a {expected}")
    return body


def _records(data: bytes) -> Iterator[Record]:
    at = 0
    while at < len(data):
        record = Record.decode(data, at)
        yield record
        at += len(record.raw)


def _microseconds(moment: datetime | None, default: int) -> int:
    return default if moment is None else (moment - EPOCH) // timedelta(microseconds=1)
