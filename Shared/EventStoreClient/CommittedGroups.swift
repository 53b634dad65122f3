import EventSourcing
import Synchronization

/// The groups of events that a log in this process commits, for one subscription to it.
///
/// A part of the store's own process then needs no socket, and no message for each event.
public final class CommittedGroups: Sendable {
    /// How many bytes of groups may wait. A subscription that is further behind reads the log.
    private static let maximumBytes = 16 << 20

    private struct Waiting {
        var groups: [[UInt8]] = []
        var bytes = 0
        /// Whether groups were dropped after the last one that was taken.
        var hasGap = false
    }

    private let waiting = Mutex(Waiting())
    private let signal = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))

    /// Creates a list without groups.
    public init() {}

    /// Adds the records of a group, back to back.
    public func add(_ group: [UInt8]) {
        waiting.withLock { waiting in
            if waiting.bytes + group.count > Self.maximumBytes {
                waiting = Waiting(hasGap: true)
            } else {
                waiting.groups.append(group)
                waiting.bytes += group.count
            }
        }
        signal.continuation.yield()
    }

    /// Removes and returns the waiting groups.
    ///
    /// - Returns: the groups, and whether groups before them were dropped.
    func take() -> (groups: [[UInt8]], hasGap: Bool) {
        waiting.withLock { waiting in
            defer { waiting = Waiting() }
            return (waiting.groups, waiting.hasGap)
        }
    }

    /// Returns when groups may have been added, or when the task is cancelled.
    func added() async {
        for await _ in signal.stream { return }
    }
}

extension RecordedEvent {
    /// Returns the events of a group of records, which share its bytes.
    static func events(of group: [UInt8]) throws(RecordError) -> [RecordedEvent] {
        var events: [RecordedEvent] = []
        var rest = group[...]
        while !rest.isEmpty {
            let event = try RecordedEvent(rest)
            events.append(event)
            rest = rest.dropFirst(event.bytes.count)
        }
        return events
    }
}
