#!/usr/bin/env python3
"""Computes the chain of hashes from a store's events: `verify_chain.py ENDPOINT [HEAD ...]`.

Each head that is given, `<position>:<hash>` as `event-store head` has shown it, must be one that
the chain passes through. Prints the head that it comes to."""

import sys
from collections.abc import Iterable, Iterator
from hashlib import sha256
from uuid import UUID

from daybook import EventStore, Record


def chain(log: UUID, records: Iterable[Record]) -> Iterator[str]:
    """The head at each position, from 0 on."""
    digest = sha256(b"daybook chain 1" + log.bytes).digest()
    yield f"0:{digest.hex()}"
    for record in records:
        raw = bytearray(record.raw)
        raw[41] &= ~2  # What one disk's writes were is none of the chain's business,
        raw[44:48] = bytes(4)  # nor is the checksum of that.
        digest = sha256(digest + raw).digest()
        yield f"{record.position}:{digest.hex()}"


def main() -> None:
    endpoint, *kept = sys.argv[1:]
    heads = set(kept)
    with EventStore(endpoint) as store:
        for head in chain(store.welcome().log, store.read(raw=True)):
            heads.discard(head)
    print(head)
    if heads:
        sys.exit(f"not of this log: {' '.join(sorted(heads))}")


if __name__ == "__main__":
    main()
