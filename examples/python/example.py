#!/usr/bin/env python3
"""Fills and empties a purse, and follows the log: `scripts/up`, then this, as often as you like.

Needs pyzmq (Debian: python3-zmq) and a store, at $DAYBOOK_EVENT_STORE_ENDPOINT or ./data."""

import json
import os
import sys

from daybook import Code, Condition, Event, EventStore, Query, Refused

STREAM = "purse-python"


def balance(store: EventStore) -> tuple[int, int]:
    """What the purse holds, and the position up to which that is known."""
    total = 0
    records = store.read(Query.of(streams=[STREAM]))
    while True:
        try:
            record = next(records)
        except StopIteration as end:
            return total, end.value
        total += json.loads(record.event.data)["amount"]


def change(store: EventStore, amount: int) -> None:
    """Decides on what is in the log, and again if somebody else was faster."""
    while True:
        total, seen = balance(store)
        if total + amount < 0:
            print(f"the purse has {total}, not {-amount}")
            return
        kind = "PurseFilled" if amount > 0 else "PurseEmptied"
        event = Event(STREAM, kind, json.dumps({"amount": amount}).encode())
        try:
            condition = Condition(none_matching=Query.of(streams=[STREAM]), after=seen)
            appended = store.append([event], condition)
        except Refused as refusal:
            if refusal.code != Code.CONDITION_FAILED:
                raise
            continue
        print(f"{kind} {amount} at position {appended.last}: it has {total + amount}")
        return


def main() -> None:
    home = os.environ.get("DAYBOOK_HOME", "data")
    default = f"ipc://{home}/event-store.sock"
    with EventStore(os.environ.get("DAYBOOK_EVENT_STORE_ENDPOINT", default)) as store:
        change(store, 100)
        change(store, -30)
        print("the log from the beginning, and on, until ^C:")
        for record in store.subscribe():
            event = record.event
            print(record.position, record.time.isoformat(), event.stream, event.type, sep="\t")
            sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
