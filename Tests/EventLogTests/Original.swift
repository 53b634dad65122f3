import EventSourcing
import Testing

@testable import EventLog

/// A closed log of sixty events in several segments, appended one to three at a time.
struct Original {
    let storage = FaultyStorage()
    private(set) var events: [RecordedEvent] = []

    /// - Parameter other: The number of the first event with other data.
    init(other: Int = .max) throws {
        var log = try open(storage)
        for first in stride(from: 1, through: 60, by: 6) {
            for numbers in [first...first, first + 1...first + 2, first + 3...first + 5] {
                try log.stage(
                    numbers.map { number in
                        try event(
                            number, stream: "c\(number % 2)-\(number % 8)",
                            text: String(repeating: "x", count: number % 7 * 30)
                                + (number < other ? "" : "o"))
                    })
            }
            try log.commit()
        }
        events = try log.all()
        try log.close()
        #expect(segments.count >= 4)
    }

    var segments: [String] { storage.names().filter { $0.hasSuffix(".segment") } }

    /// Where the last segment's records end.
    var end: Int {
        get throws {
            let name = try #require(segments.last)
            let bytes = try storage.read(name, at: 0, count: try storage.size(of: name))
            let records = try wholeRecords(of: bytes, in: name)
            return try #require(records.last).place.upperBound
        }
    }

    /// A copy of the log on its own disk.
    func copy() -> FaultyStorage { storage.crashed { true } }

    func archive(
        of log: EventID = EventID(high: 1, low: 2), _ isArchived: (UInt64) -> Bool = { _ in true }
    ) -> ArchivedLog<AsyncStream<RecordedEvent>> {
        let archived = events.filter { isArchived($0.position) }
        return ArchivedLog(of: log, through: archived.last?.position ?? 0) { positions in
            AsyncStream { continuation in
                for event in archived where positions.contains(event.position) {
                    continuation.yield(event)
                }
                continuation.finish()
            }
        }
    }

    func position(of segment: Int) throws -> UInt64 {
        try #require(SegmentHeader.base(ofName: segments[segment]))
    }
}

extension FaultyStorage {
    /// The log's files, without those that opening it removes.
    func contents(withKept: Bool = false) throws -> [String: [UInt8]] {
        var contents: [String: [UInt8]] = [:]
        for name in names()
        where !name.hasSuffix(".new") && (withKept || !name.contains(".damaged")) {
            contents[name] = try read(name, at: 0, count: try size(of: name))
        }
        return contents
    }

    /// Flips the byte and syncs the file.
    func damage(_ name: String, at offset: Int) throws {
        flip(name, at: offset)
        try sync(name)
    }

    /// Damages the record of the event.
    func damage(_ event: RecordedEvent) throws {
        for name in names() where name.hasSuffix(".segment") {
            let bytes = try read(name, at: 0, count: try size(of: name))
            for place in try wholeRecords(of: bytes, in: name)
            where place.position == event.position {
                return try damage(name, at: place.place.lowerBound + 120)
            }
        }
        Issue.record("there is no position \(event.position)")
    }
}

/// Restores the log in `storage` and, unless it is a dry run, expects an undamaged log.
@discardableResult
func restore<Events>(
    _ storage: FaultyStorage, from archive: ArchivedLog<Events>, isDryRun: Bool = false
) async throws -> LogRestoration {
    let restored = try await LogRestoration(
        of: storage, from: archive, segmentBytes: 4096, newSalt: salt, isDryRun: isDryRun)
    if !isDryRun {
        let found = try LogVerification(of: storage)
        #expect(found.faults.isEmpty && found.head == restored.head)
    }
    return restored
}
