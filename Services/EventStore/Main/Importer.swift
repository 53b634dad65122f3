import EventSourcing
import EventStoreClient
import WireProtocol

/// Appends events in batches, in their order and under their own ids: whatever is in the log
/// already stays as it is, so that an import that was interrupted can be made again.
struct Importer {
    /// A batch is appended when it has so many events, or bytes.
    private static let batchEvents = 500
    private static let batchBytes = 1 << 20

    private let client: EventStoreClient
    /// Up to this position, an event of the file was in the log before the import came to it.
    private var through: UInt64
    private var batch: [Entry] = []
    private var ids: Set<EventID> = []
    private var bytes = 0
    private(set) var counts = Counts()

    private struct Entry {
        let line: Int
        let event: NewEvent
        let record: [UInt8]
    }

    struct Counts: Codable, CustomStringConvertible {
        var imported = 0
        var alreadyThere = 0

        var description: String {
            "\(imported) events imported, \(alreadyThere) were there already"
        }
    }

    init(_ client: EventStoreClient) async throws {
        self.client = client
        through = try await client.welcome().head
    }

    /// Takes the event that stands in `line`.
    mutating func add(_ event: NewEvent, line: Int) async throws {
        var record: [UInt8] = []
        try event.encode(into: &record)
        // An id that is in the file twice is found in the log the second time.
        if ids.contains(event.id) { try await flush() }
        batch.append(Entry(line: line, event: event, record: record))
        ids.insert(event.id)
        bytes += record.count
        if batch.count == Self.batchEvents || bytes >= Self.batchBytes { try await flush() }
    }

    /// Appends what waits, all of it or nothing.
    mutating func flush() async throws {
        defer {
            batch.removeAll(keepingCapacity: true)
            ids.removeAll(keepingCapacity: true)
            bytes = 0
        }
        while !batch.isEmpty {
            do {
                return try await append(batch.map(\.event))
            } catch let error as ProtocolError where error.code == .idReused {
                // Some are in the log, or all, or another event has the id of one.
                try await leaveOutKnown()
            }
        }
    }

    private mutating func append(_ events: [NewEvent]) async throws {
        let appended = try await client.append(events)
        // An append that was repeated because its answer was lost is an import nevertheless.
        if appended.last > through {
            counts.imported += events.count
        } else {
            counts.alreadyThere += events.count
        }
        through = max(through, appended.last)
    }

    /// Takes out of the batch what is in the log.
    private mutating func leaveOutKnown() async throws {
        var missing: [Entry] = []
        for entry in batch {
            guard let known = try await client.event(id: entry.event.id) else {
                missing.append(entry)
                continue
            }
            guard entry.record.dropFirst(RecordLayout.headSize).elementsEqual(known.body) else {
                throw DaybookError(
                    .invalid, "line \(entry.line): event \(known.id) is in the log at position "
                        + "\(known.position) with other content; \(counts)")
            }
        }
        counts.alreadyThere += batch.count - missing.count
        batch = missing
    }
}
