import EventSourcing
import Foundation
import Testing

@testable import EventLog

/// A log of forty events in several segments. Every eighth event is alone in its conversation,
/// under its own id. The others belong to seven conversations.
private func filled(_ storage: any LogStorage) throws -> EventLog {
    var log = try open(storage)
    for number in 1...40 {
        var new = try event(number, text: String(repeating: "x", count: 200))
        if !number.isMultiple(of: 8) {
            new.correlationID = EventID(high: 9, low: UInt64(number % 8))
        }
        try log.stage([new])
        if number.isMultiple(of: 3) { try log.commit() }
    }
    try log.commit()
    return log
}

@Suite struct `Lookup by correlation id` {
    private static let third = EventQuery.correlations([EventID(high: 9, low: 3)])
    private static let samples = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Samples")

    @Test func `Query by correlation id reads only the segments of its conversation`() throws {
        let storage = FaultyStorage()
        let log = try filled(storage)
        #expect(log.sealed.segments.count >= 3)
        #expect(try log.all(Self.third).map(\.position) == [3, 11, 19, 27, 35])
        #expect(try log.all(Self.third, isBackwards: true).map(\.position) == [35, 27, 19, 11, 3])
        // An event that is alone in its conversation is found by its own id.
        let own = EventQuery.correlations([EventID(high: 7, low: 16)])
        let reads = storage.segmentReads
        #expect(try log.all(own).map(\.position) == [16])
        #expect(storage.segmentReads - reads <= 3)
        // The id of an event in another event's conversation is not a correlation id.
        #expect(try log.all(.correlations([EventID(high: 7, low: 17)])).isEmpty)
        let both = EventQuery([
            .init(types: ["T"], correlations: [EventID(high: 9, low: 1), EventID(high: 7, low: 8)])
        ])
        #expect(try log.all(both).map(\.position) == [1, 8, 9, 17, 25, 33])
    }

    @Test func `Index has one term per conversation and none for an event alone in one`() throws {
        let storage = FaultyStorage()
        let log = try filled(storage)
        let first = log.sealed.segments[0]
        #expect(first.count == 11)
        // Ids, seven conversations, and the stream, its category, type and start.
        #expect(first.index.terms == 11 + 7 + 4)
        let term = Term(.correlation, EventID(high: 9, low: 3))
        #expect(try first.ordinals(term, from: 0) == [2, 10])
        #expect(try first.count(of: Term(.correlation, EventID(high: 7, low: 8))) == 0)
    }

    @Test func `Append condition on a correlation id fails if a later event matches`() throws {
        var log = try filled(FaultyStorage())
        let condition = AppendCondition(noneMatching: .init(Self.third, after: 30))
        #expect(throws: AppendError.conditionFailed(position: 35)) {
            try log.stage([event(41)], condition)
        }
        try log.stage(
            [event(41)], AppendCondition(noneMatching: .init(Self.third, after: 35)))
    }

    /// Indexes of version 1 have no correlation ids.
    @Test func `Indexes without correlation ids are rebuilt once when the log opens`() throws {
        let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.copyItem(
            atPath: Self.samples.appending(path: "index-version-1").path, toPath: folder)
        let storage = try FileStorage(folder: folder)
        // Indexes of version 1 do not count as damaged.
        #expect(try LogVerification(of: storage).faults.isEmpty)
        let log = try open(storage)
        #expect(try log.all(Self.third).map(\.position) == [3, 11, 19, 27, 35])
        #expect(try LogVerification(of: storage).faults.isEmpty)
        // The files of version 2, kept as they were first written.
        let kept = Self.samples.appending(path: "index-version-2")
        let names = try FileManager.default.contentsOfDirectory(atPath: kept.path).sorted()
        #expect(try names == storage.names().filter { $0.hasSuffix(".index") } && names.count == 3)
        for name in names {
            let bytes = try storage.read(name, at: 0, count: try storage.size(of: name))
            let sample = try Data(contentsOf: kept.appending(path: name))
            #expect(Array(sample) == bytes, "\(name)")
        }
        // Opening the log again does not rebuild them.
        let copy = FaultyStorage()
        for name in try storage.names() {
            let bytes = try storage.read(name, at: 0, count: try storage.size(of: name))
            try copy.create(name, size: bytes.count)
            try copy.write(name, bytes.span, at: 0)
        }
        _ = try open(copy)
        #expect(copy.segmentReads == log.sealed.segments.count + 2)
    }
}

@Suite struct `Lookup by index` {
    @Test func `Index lookup finds the same events as a full scan`() throws {
        var log = try open(FaultyStorage())
        var random = SystemRandomNumberGenerator()
        for number in 1...120 {
            let digit = Int.random(in: 0..<4, using: &random)
            try log.stage([
                event(
                    number, stream: "c\(digit % 2)-\(digit)", type: "T\(number % 3)",
                    tags: ["a:\(digit)", "b:\(number % 5)"])
            ])
            if number.isMultiple(of: 10) { try log.commit() }
        }
        let everything = try log.all()
        for query in [
            EventQuery.stream(try StreamName("c1-3")), .categories(["c0"]), .types(["T1", "T2"]),
            .tags(["a:1", "b:2"]), .tags(["none"]),
            EventQuery([.init(categories: ["c1"], types: ["T0"]), .init(tags: ["b:4"])]),
        ] {
            let expected = everything.filter(query.matches).map(\.position)
            #expect(try log.all(query).map(\.position) == expected)
            let backwards = try log.all(query, isBackwards: true)
            #expect(backwards.map(\.position) == expected.reversed())
        }
    }
}
