import EventSourcing
import JSON
import WireProtocol

/// A dead event that is not a dead letter in the log yet.
struct PendingDeadLetter: Hashable, Sendable {
    let queue: String
    let entry: QueueEntry
    let cause: DeadLetterCause
}

/// The dead events that must be appended to the log, and the number of dead letters of each queue.
struct DeadLetters {
    private static let together = 100

    private var pending: [PendingDeadLetter] = []
    /// The number of dead letters by queue name. The queue may no longer exist.
    private var counts: [String: Int]

    init(counts: [String: Int] = [:]) { self.counts = counts }

    /// Returns the number of the queue's dead letters in the log.
    func count(of queue: String) -> Int { counts[queue] ?? 0 }

    mutating func add(_ entry: QueueEntry, of queue: String, _ cause: DeadLetterCause) {
        pending.append(PendingDeadLetter(queue: queue, entry: entry, cause: cause))
    }

    /// Adds an event whose rule names a queue that does not exist.
    mutating func add(_ event: RecordedEvent, without route: Route) {
        let entry = QueueEntry(
            sequence: 0, position: event.position, rule: route.rule, group: .none,
            enqueuedAt: event.time, error: "there is no queue '\(route.queue)'")
        add(entry, of: route.queue, .targetNotFound)
    }

    /// Removes and returns the next dead events to append to the log.
    mutating func takePending() -> [PendingDeadLetter] {
        defer { pending.removeFirst(min(pending.count, Self.together)) }
        return Array(pending.prefix(Self.together))
    }

    /// Counts a dead letter that is in the log.
    mutating func record(_ letter: DeadLetterRow) { counts[letter.letter.queue, default: 0] += 1 }

    /// Counts a dead letter that was redriven or discarded.
    mutating func recordClosed(_ letter: DeadLetterRow) {
        counts[letter.letter.queue, default: 1] -= 1
    }
}

extension PendingDeadLetter {
    /// Returns the event that makes it a dead letter. Its id allows only one of its kind.
    ///
    /// - Parameters:
    ///   - event: the dead event; nil if it can't be read.
    ///   - group: the name of the event's group.
    func newEvent(of event: RecordedEvent?, group: String) throws -> NewEvent {
        let id = event?.id ?? DeadLetterRow.idOfUnreadable(at: entry.position)
        let letter = DeadLetter(
            queue: queue, rule: entry.rule, replay: entry.replay, position: entry.position,
            event: id, type: event?.type ?? "", sequence: entry.sequence, group: group,
            cause: cause, error: entry.error, receives: entry.receives,
            enqueuedAt: entry.enqueuedAt, firstReceivedAt: entry.firstReceivedAt)
        // The same event can be dead in several queues, and again after a redrive. So the id needs
        // all of these parts.
        let name = "\(queue)/\(entry.rule)/\(entry.sequence)/\(entry.enqueuedAt.microseconds)"
        return NewEvent(
            id: id.derived("dead/\(name)"),
            stream: try StreamName(category: BusCategory.deadLetter, id: queue),
            type: BusEventType.deadLettered.rawValue, tags: event?.tags ?? [],
            correlationID: event?.correlationID, causationID: id,
            metadata: try EventMetadata(
                actor: "event-store",
                traceparent: event.flatMap { EventMetadata(of: $0)?.traceparent }
            ).encoded(),
            data: try JSON.encode(letter))
    }
}

extension DeadLetterRow {
    /// Returns the id that a dead letter names if the dead event can't be read.
    static func idOfUnreadable(at position: UInt64) -> EventID {
        EventID.none.derived("position/\(position)")
    }

    /// Throws `invalid` if the event at the dead letter's position is not the one that it names.
    ///
    /// A dead letter that was copied from another log names a position of that log.
    ///
    /// - Parameter event: the event at the position; nil if it can't be read.
    func check(_ event: RecordedEvent?) throws(DaybookError) {
        guard let event, event.id != letter.event,
            letter.event != Self.idOfUnreadable(at: letter.position)
        else { return }
        throw DaybookError(
            .invalid,
            "dead letter \(id) of queue '\(letter.queue)' names event \(letter.event) at position "
                + "\(letter.position), where the log has event \(event.id); discard the dead letter"
        )
    }

    /// Returns the dead letter as one of a new queue, which groups events by `keys`.
    func adopted(_ event: RecordedEvent, _ keys: GroupKeys) -> DeadLetterRow {
        var row = self
        row.group = keys.key(of: event)
        row.letter.group = keys.label(of: event)
        // Sequences of a queue begin after the position at which it was created.
        if letter.sequence == 0 { row.letter.sequence = letter.position << 28 }
        return row
    }

    /// Returns the event that redrives or discards the dead letter, with the tags and in the
    /// conversation of the dead event.
    ///
    /// - Parameter event: the event at the dead letter's position; nil if it can't be read. Another
    ///   event than the dead one is ignored.
    func closingEvent(
        _ type: BusEventType, of event: RecordedEvent?, reason: String?, _ cause: Cause
    ) throws -> NewEvent {
        let event = (try? check(event)) == nil ? nil : event
        let closure = DeadLetterClosure(
            queue: letter.queue, deadLetter: id, position: letter.position, reason: reason)
        return NewEvent(
            id: Self.closingEventID(type, of: id, cause),
            stream: try StreamName(category: BusCategory.deadLetter, id: letter.queue),
            type: type.rawValue, tags: event?.tags ?? [], correlationID: event?.correlationID,
            causationID: letter.event, metadata: try EventMetadata(cause).encoded(),
            data: try JSON.encode(closure))
    }

    /// Returns the id of the event that redrives or discards the dead letter `id`, for which a
    /// repeated command looks.
    static func closingEventID(_ type: BusEventType, of id: UInt64, _ cause: Cause) -> EventID {
        cause.key.derived("\(type.rawValue)/\(id)")
    }
}

extension ArraySlice<NewEvent> {
    /// The largest size of the records that are appended together, in bytes, unless it is one.
    private static var appendBytes: Int { 1 << 19 }

    /// Removes and returns the next events to append together, or nil if none are left. They are
    /// never too large for the store.
    mutating func takeAppend() -> Self? {
        guard !isEmpty else { return nil }
        var bytes = 0
        let together = prefix { event in
            bytes += event.recordSize
            return bytes <= Self.appendBytes
        }
        let next = together.isEmpty ? prefix(1) : together
        self = dropFirst(next.count)
        return next
    }
}
