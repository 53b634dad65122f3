"""Follows the log over a feed that loses every third event: `follow.py ENDPOINT COUNT [CATEGORY]`.

Prints the position and the data of each event, and exits after COUNT events."""

import sys

import zmq
from daybook import ALL, HEARTBEAT, EventStore, Query


class LossyStore(EventStore):
    received = 0

    def _next(self, feed: "zmq.Socket[bytes]") -> "list[bytes] | None":
        while (message := super()._next(feed)) is not None:
            self.received += message[0] != HEARTBEAT
            if message[0] == HEARTBEAT or self.received % 3 != 0:
                return message
        return None


def main() -> None:
    endpoint, count, *category = sys.argv[1:]
    with LossyStore(endpoint) as store:
        query = Query.of(categories=category) if category else ALL
        for number, record in enumerate(store.subscribe(query), start=1):
            record.verify()
            print(record.position, record.event.data.decode(), flush=True)
            if number == int(count):
                return


if __name__ == "__main__":
    main()
