public import EventSourcing
public import EventStoreClient
public import Foundation
import WireProtocol

/// Appends the events of a file in batches, in their order and under their own ids.
///
/// Events of a Daybook log become history: they keep their times, and rules do not deliver them,
/// because what they led to is in the file, too. Events of other producers are new events.
///
/// Events that are already in the log are skipped, so an interrupted import can be run again.
public struct Importer {
    /// The size at which a batch is appended, in events and in bytes.
    private static let batchEvents = 500
    private static let batchBytes = 1 << 20

    /// Appends events. The import of a log that no process serves has its own way to do so.
    public typealias Append = (
        _ events: [NewEvent], _ condition: AppendCondition
    ) async throws -> Appended

    private let client: EventStoreClient
    private let appendEvents: Append
    private let system: SystemEvents
    /// How events of a Daybook log are appended.
    private let history: AppendCondition.History
    private let headAtStart: UInt64
    /// The position that the last event of the file had, if system events are imported, too.
    private var lastPosition: UInt64 = 0
    /// The position up to which the log has the same events as the file, as far as it was read.
    private var commonThrough: UInt64 = 0
    /// The head of the log before the next append. If an append answers with a position up to it,
    /// the log had the events already.
    private var through: UInt64
    private var batch: [Entry] = []
    private var ids: Set<EventID> = []
    private var bytes = 0
    private var counts = Counts()

    private struct Entry {
        let line: Int
        let event: NewEvent

        var isHistory: Bool { event.originalTime != nil }
    }

    /// What an import does with the events of system streams.
    public enum SystemEvents: Sendable {
        /// It leaves them out and counts them. They describe the rules, queues and dead letters of
        /// the log that they come from, by its positions.
        case leftOut
        /// It appends them. The file must hold a whole log, so that each event gets the position
        /// that it had there. The log that it is appended to must hold no other events than those
        /// at the file's beginning, which an interrupted import has left there.
        case imported
    }

    /// How many events were read, by outcome.
    public struct Counts: Codable, Sendable, CustomStringConvertible {
        /// How many events were appended.
        public fileprivate(set) var imported = 0
        /// How many events the log had already.
        public fileprivate(set) var alreadyThere = 0
        /// How many events of system streams were left out.
        public fileprivate(set) var leftOut = 0

        /// The counts as text for people.
        public var description: String {
            "\(imported) events imported, \(alreadyThere) were there already"
                + (leftOut > 0 ? ", left out \(leftOut) system events" : "")
        }
    }

    /// Appends the CloudEvents of a file that has one on each line.
    ///
    /// - Parameters:
    ///   - stream: the stream of all events, or nil to use their subjects.
    ///   - system: what to do with events of system streams.
    ///   - history: whether rules deliver the events of a Daybook log.
    ///   - append: appends events, or nil to use the client.
    ///   - check: throws `invalid` for an event that must not be appended.
    ///   - progress: called with the number of bytes read so far.
    /// - Throws: `invalid` for the first invalid line. The events of the lines before it are
    ///   appended.
    public static func append(
        _ file: FileHandle, to stream: StreamName?, with client: EventStoreClient,
        system: SystemEvents = .leftOut, history: AppendCondition.History,
        append: Append? = nil, check: (NewEvent) throws -> Void, progress: (_ bytes: Int) -> Void
    ) async throws -> Counts {
        var lines = LineReader(file)
        let head = try await client.welcome().head
        var importer = Importer(
            client: client, appendEvents: append ?? { try await client.append($0, $1) },
            system: system, history: history, headAtStart: head, through: head)
        while true {
            let read: ReadEvent
            do {
                guard let line = try lines.next() else { break }
                read = try CloudEvents.read(line, to: stream)
                try importer.check(read)
                try check(read.event)
            } catch  where DaybookError.Kind(of: error) == .invalid {
                // The lines before the invalid one are valid, so their events are appended.
                try await importer.flush()
                throw DaybookError(.invalid, "line \(lines.line): \(error); \(importer.counts)")
            }
            try await importer.add(read, line: lines.line)
            progress(lines.bytesRead)
        }
        try await importer.flush()
        return importer.counts
    }

    /// Throws `invalid` for an event that can't be a record, or that would get another position
    /// than it had in the log that the file holds with its system events.
    private mutating func check(_ read: ReadEvent) throws {
        var record: [UInt8] = []
        try read.event.encode(into: &record)
        guard system == .imported else { return }
        lastPosition += 1
        let position = try read.position.orThrow(
            .invalid, "it is of another producer; --system imports the export of a whole log only")
        try require(
            position == lastPosition, .invalid,
            "it had position \(position) and would get \(lastPosition), but system events name "
                + "positions; --system imports the export of a whole log only")
    }

    /// Adds an event to the batch, and appends the batch if it is full.
    ///
    /// - Parameter line: the number of the event's line in the file, from 1.
    private mutating func add(_ read: ReadEvent, line: Int) async throws {
        let event = read.event
        if system == .leftOut,
            read.isSystem || StreamName.isSystem(category: event.stream.category)
        {
            counts.leftOut += 1
            return
        }
        // A batch can't hold an id twice. After the flush, the second event is found in the log.
        // Neither can it hold new events beside history.
        let isOther = batch.last.map { $0.isHistory != (event.originalTime != nil) } ?? false
        if isOther || ids.contains(event.id) { try await flush() }
        batch.append(Entry(line: line, event: event))
        ids.insert(event.id)
        bytes += event.recordSize
        if batch.count == Self.batchEvents || bytes >= Self.batchBytes { try await flush() }
    }

    /// Appends the batch, without the events that are already in the log.
    ///
    /// - Throws: `invalid` if the log has an event with the same id and other content. Then nothing
    ///   of the batch is appended.
    private mutating func flush() async throws {
        defer {
            batch.removeAll(keepingCapacity: true)
            ids.removeAll(keepingCapacity: true)
            bytes = 0
        }
        if system == .imported, commonThrough < headAtStart { try await resume() }
        while !batch.isEmpty {
            do {
                return try await append(batch)
            } catch let error as ProtocolError where error.code == .idReused {
                // The log has some of the ids already, with the same content or with other content.
                try await leaveOutKnown()
            } catch let error as ProtocolError where error.code == .invalid {
                // The error names the event, but not its line.
                throw DaybookError(
                    .invalid,
                    "lines \(batch[0].line) to \(batch[batch.count - 1].line): \(error); \(counts)")
            }
        }
    }

    /// Leaves out what an interrupted import of system events has appended.
    ///
    /// - Throws: `rejected` if the log has other events, too. System events name positions, so they
    ///   would then name events that they are not about.
    private mutating func resume() async throws {
        try await leaveOutKnown()
        try require(
            batch.isEmpty || commonThrough == headAtStart, .rejected,
            "the log has \(headAtStart) events, of which the file begins with \(commonThrough); "
                + "import system events into a new log")
    }

    private mutating func append(_ entries: [Entry]) async throws {
        let condition = AppendCondition(history: entries[0].isHistory ? history : nil)
        let appended = try await appendEvents(entries.map(\.event), condition)
        // An append may be repeated because its answer was lost. Its events count as imported.
        if appended.last > through {
            counts.imported += entries.count
        } else {
            counts.alreadyThere += entries.count
        }
        through = max(through, appended.last)
    }

    /// Removes the events from the batch that are already in the log.
    private mutating func leaveOutKnown() async throws {
        var missing: [Entry] = []
        for entry in batch {
            guard let found = try await client.event(id: entry.event.id) else {
                missing.append(entry)
                continue
            }
            let known = try await client.original(of: found)
            try require(
                try entry.event.isSame(as: known), .invalid,
                "line \(entry.line): event \(known.id) is in the log at position "
                    + "\(known.position) with other content; \(counts)")
            if known.position == commonThrough + 1 { commonThrough += 1 }
        }
        counts.alreadyThere += batch.count - missing.count
        batch = missing
    }
}

extension NewEvent {
    /// Whether the log's event is this one, whatever it recorded as its original time: the event
    /// may have been appended to this log, or exported from it.
    fileprivate func isSame(as known: RecordedEvent) throws -> Bool {
        var other = self
        other.originalTime = known.originalTime
        var record: [UInt8] = []
        try other.encode(into: &record)
        return record.dropFirst(RecordLayout.headSize).elementsEqual(known.body)
    }
}
