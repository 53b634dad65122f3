import EventArchive
import EventSourcing
import EventStoreClient
import WireProtocol

/// An archive as it was when the replay started or resumed. Events that were amended come from the
/// log, because an archive holds what was appended.
struct ArchiveSource: ReplaySource {
    let reader: ArchiveReader
    let client: EventStoreClient
    /// The positions of the events that were amended.
    let amended: Set<UInt64>
    let times: Range<Timestamp>
    /// The last position of the window.
    let last: UInt64

    func window() async throws -> ClosedRange<UInt64>? {
        try await withTaskExecutorPreference(globalConcurrentExecutor) {
            guard let first = try await first() else { return nil }
            for segment in reader.manifest.segments.reversed() where segment.first <= last {
                var found: UInt64?
                let events = reader.events(
                    from: segment.from, through: min(segment.through, last), times: times)
                for try await event in events { found = event.position }
                if let found { return first...found }
            }
            return nil
        }
    }

    private func first() async throws -> UInt64? {
        for try await event in reader.events(through: last, times: times) { return event.position }
        return nil
    }

    func batches(
        after position: UInt64, through last: UInt64
    ) -> any AsyncSequence<EventBatch, any Error> {
        let feed = ArchiveFeed(reader.events(from: position + 1, through: last, times: times))
        return AsyncThrowingStream {
            let batch = try await withTaskExecutorPreference(globalConcurrentExecutor) {
                try await feed.next()
            }
            guard var batch, !amended.isEmpty else { return batch }
            for (index, event) in batch.events.enumerated()
            where amended.contains(event.position) {
                batch.events[index] = try await client.event(.position(event.position))
            }
            return batch
        }
    }
}

/// Reads an archive off the bus's thread, which must not wait while a segment is fetched,
/// decompressed and checked.
private actor ArchiveFeed {
    private static let batchBytes = 256 << 10

    private var events: ArchivedEvents.Iterator

    init(_ events: ArchivedEvents) { self.events = events.makeAsyncIterator() }

    func next() async throws -> EventBatch? {
        var (batch, bytes) = ([RecordedEvent](), 0)
        // A property can't be passed inout to a call that suspends.
        var events = events
        defer { self.events = events }
        while bytes < Self.batchBytes, let event = try await events.next(isolation: self) {
            batch.append(event)
            bytes += event.bytes.count
        }
        guard let last = batch.last else { return nil }
        return EventBatch(events: batch, through: last.position, isCaughtUp: false)
    }
}
