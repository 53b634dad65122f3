"""Checks the client against a running store: `check_client.py ENDPOINT`.

Prints the id, correlation id and causation id of an event that it wrote."""

import sys
import uuid
from datetime import timedelta
from typing import Any

from daybook import ALL, Code, Condition, Event, EventStore, Query, Record, Refused, crc32c


def refused(code: Code, store: EventStore, events: list[Event], condition: Condition) -> int:
    head = store.welcome().head
    try:
        store.append(events, condition)
    except Refused as refusal:
        assert refusal.code == code, refusal.code
        assert str(refusal)
        assert store.welcome().head == head
        return int(refusal.detail)
    raise AssertionError(f"{code.name} was expected")


def record_of_the_document() -> None:
    id = uuid.UUID("01020304-0506-0708-090a-0b0c0d0e0f10")
    event = Event("a-1", "T", b"\xff", ("x",), id, content_type="j")
    assert event.encode().hex() == (
        "78000000044ab1a8" + "00" * 32 + "0100000000000000" + id.hex * 2 + "00" * 16
        + "030101010200000000000000" + "01000000" + "612d31546a0178ff"
    )  # fmt: skip
    assert crc32c(b"123456789") == 0xE3069283


def append_under_conditions(store: EventStore) -> None:
    first, second = (Event("py-1", "T", b"1", ("a", "b")), Event("py-1", "U", b"2", ("b",)))
    created = store.append([first], Condition(absent=("py-1",)))
    assert created.first == created.last and created.last_revision == 0 and not created.is_repeat
    assert refused(Code.WRONG_REVISION, store, [second], Condition(absent=("py-1",))) == 1
    assert refused(Code.WRONG_REVISION, store, [second], Condition(present=("py-9",))) == 0
    assert refused(Code.WRONG_REVISION, store, [second], Condition((("py-1", 7),))) == 1
    matching = Query.of(streams=["py-1"], types=["T"])
    condition = Condition(present=("py-1",), none_matching=matching, after=created.last - 1)
    assert refused(Code.CONDITION_FAILED, store, [second], condition) == created.last
    condition = Condition((("py-1", 0),), none_matching=matching, after=created.last)
    assert store.append([second], condition).last_revision == 1

    repeated = store.append([first], Condition(absent=("py-1",)))
    assert repeated.is_repeat and (repeated.first, repeated.last) == (created.first, created.last)
    other = Event("py-1", "T", b"other", id=first.id)
    assert refused(Code.ID_REUSED, store, [other], Condition()) == created.first
    assert refused(Code.ID_REUSED, store, [Event("py-1", "T", b""), first], Condition()) > 0
    refused(Code.INVALID, store, [Event("not a stream", "T", b"")], Condition())
    refused(Code.INVALID, store, [], Condition())

    found = store.event(first.id)
    assert found is not None and found.position == created.first
    assert store.event(uuid.uuid4()) is None


def read_every_way(store: EventStore) -> None:
    events = [
        Event(f"many-{n % 3}", "Even" if n % 2 == 0 else "Odd", b"%d" % n, (f"third:{n % 3}",))
        for n in range(300)
    ]
    appended = store.append(events)

    def numbers(query: Query, **options: Any) -> list[int]:
        return [int(record.event.data) for record in store.read(query, **options)]

    category = Query.of(categories=["many"])
    assert numbers(category) == list(range(300))
    # The read has far more chunks than its first credit allows.
    assert numbers(category, chunk_bytes=1) == list(range(300))
    assert numbers(category, backwards=True) == list(reversed(range(300)))
    assert numbers(category, limit=7, chunk_bytes=1) == list(range(7))
    assert numbers(category, backwards=True, limit=2) == [299, 298]
    assert numbers(Query.of(streams=["many-1"], types=["Odd"])) == list(range(1, 300, 6))
    assert numbers(Query.of(tags=["third:2"]), start=appended.first + 290) == [290, 293, 296, 299]
    assert numbers(category, start=appended.first, end=appended.first + 1) == [0, 1]
    either = Query(Query.of(types=["Odd"]).items + Query.of(streams=["many-0"]).items)
    assert numbers(either) == [n for n in range(300) if n % 2 == 1 or n % 3 == 0]

    talk = uuid.uuid4()
    store.append([Event("talk-1", "T", b"%d" % n, correlation_id=talk) for n in range(3)])
    assert numbers(Query.of(correlations=[talk])) == [0, 1, 2]
    mixed = Query(Query.of(streams=["many-0"]).items + Query.of(correlations=[talk]).items)
    assert numbers(mixed) == list(range(0, 300, 3)) + [0, 1, 2]

    records = list(store.read(category))
    since, before = records[10].time, records[20].time
    timed = list(store.read(category, since=since, before=before))
    assert [int(record.event.data) for record in timed] == list(range(10, 20))
    assert since - records[9].time >= timedelta(microseconds=1)

    # Abandoned reads do not block later reads.
    for _ in range(100):
        for record in store.read(category, chunk_bytes=1):
            assert record.event.data == b"0"
            break


def all_records_are_whole(store: EventStore) -> list[Record]:
    records = list(store.read(ALL))
    for number, record in enumerate(records, start=1):
        record.verify()
        assert record.position == number
        assert record.event.encode()[Record.HEAD.size :] == record.raw[Record.HEAD.size :]
    return records


def main() -> None:
    record_of_the_document()
    with EventStore(sys.argv[1]) as store:
        append_under_conditions(store)
        read_every_way(store)
        rich = Event(
            "py-2", "Rich", bytes(range(256)), ("ünï", "a,b", "%"), uuid.uuid4(), uuid.uuid4(),
            uuid.uuid4(), "image/png", b'{"actor":"python"}',
        )  # fmt: skip
        store.append([rich])
        all_records_are_whole(store)
        print(rich.id, rich.correlation_id, rich.causation_id)


if __name__ == "__main__":
    main()
