import EventLog
import EventSourcing
import Foundation
import JSON
import Synchronization
import Testing
import WireProtocol

@testable import EventStoreServer

/// The commands and reads of a test about amendments.
private struct Client {
    let wire: Wire
    /// Keeps the store running.
    private let store: Store

    init(_ store: Store) async throws {
        self.store = store
        wire = try await store.client()
    }

    func call<Argument: Encodable>(_ name: String, _ argument: Argument) async throws -> [[UInt8]] {
        try await wire.send([header(.call, 9), Array(name.utf8), try JSON.encode(argument)])
        return try await wire.receive()
    }

    private func command(
        _ name: String, _ command: some Codable & Sendable, id: EventID
    ) async throws -> CommandReply {
        let answer = try await call(
            name, CommandRequest(id: id, attempt: 1, actor: "ann", command: command))
        guard try kind(answer[0]).kind == .result else { throw problem(answer[1]) }
        return try JSON.decode(from: answer[1])
    }

    @discardableResult
    func amend(
        _ number: Int, _ data: String? = nil, reason: String = "r", id: EventID = .random()
    ) async throws -> CommandReply {
        let amend = AmendEvent(
            event: EventID(high: 1, low: UInt64(number)), data: data, reason: reason)
        return try await command(StoreCall.amend, amend, id: id)
    }

    @discardableResult
    func undo(_ number: Int, id: EventID = .random()) async throws -> CommandReply {
        let undo = UndoAmendment(event: EventID(high: 1, low: UInt64(number)), reason: "u")
        return try await command(StoreCall.undoAmendment, undo, id: id)
    }

    func append(_ records: [UInt8]) async throws {
        try await wire.send([header(.append, 3), [], records])
        let answer = try await wire.receive()
        guard try kind(answer[0]).kind == .appended else { throw problem(answer[1]) }
    }

    func read(_ request: ReadRequest = ReadRequest()) async throws -> [RecordedEvent] {
        var request = request
        request.credit = .max
        try await wire.send([header(.read, 4), try request.encoded()])
        var events: [RecordedEvent] = []
        while true {
            let answer = try await wire.receive()
            guard try kind(answer[0]).kind == .chunk else { throw problem(answer[1]) }
            events += Array(try RecordSequence(answer[2][...]))
            guard try !chunkHeader(answer[1]).isLast else { return events }
        }
    }

    /// The texts of the events' data, with `-` for a skipped one.
    func texts(_ request: ReadRequest = ReadRequest(.types(["T"]))) async throws -> [String] {
        try await read(request).map {
            $0.isSkipped ? "-" : String(decoding: $0.data, as: UTF8.self)
        }
    }
}

extension ReadRequest {
    fileprivate static let raw = ReadRequest(.types(["T"]), isRaw: true)
}

@Suite(.timeLimit(.minutes(10))) struct `Amended events` {
    private let originals = (1...4).map { "event \($0)" }

    /// A store with four events, and a client of it.
    private func started() async throws -> Client {
        let client = try await Client(try await Store())
        try await client.append(try records([1, 2]))
        try await client.append(try records([3, 4]))
        return client
    }

    @Test func `Amendments change every read but raw ones, until they are undone`() async throws {
        let client = try await started()
        let reply = try await client.amend(2, #"{"a":1}"#)
        #expect(reply.result == .appended && reply.position == 5)
        #expect(reply.events == ["EventAmended"])
        try await client.amend(3)
        #expect(try await client.texts() == ["event 1", #"{"a":1}"#, "-", "event 4"])
        let backwards = ReadRequest(.types(["T"]), direction: .backwards, chunkBytes: 1)
        #expect(try await client.texts(backwards) == ["event 4", "-", #"{"a":1}"#, "event 1"])
        #expect(try await client.texts(.raw) == originals)
        #expect(try await client.read(.raw).allSatisfy { !$0.isAmended && !$0.isSkipped })

        try await client.wire.send([
            header(.call, 8), Array(StoreCall.event.utf8),
            Array(EventID(high: 1, low: 2).description.utf8),
        ])
        let found = try RecordedEvent(try await client.wire.receive()[1][...])
        #expect(found.isAmended && found.data.elementsEqual(#"{"a":1}"#.utf8))
        let positions = try await client.call(StoreCall.amendedPositions, Nothing())
        #expect(try JSON.decode([UInt64].self, from: positions[1]) == [2, 3])

        // The last amendment counts. Undoing it restores what was appended.
        try await client.amend(2)
        #expect(try await client.texts() == ["event 1", "-", "-", "event 4"])
        let undone = try await client.undo(2)
        #expect(undone.events == ["AmendmentUndone"])
        try await client.undo(3)
        #expect(try await client.texts() == originals)
        #expect(try await client.undo(3).result == .nothing)
    }

    @Test func `Event about an amendment is in the conversation of the amended event`()
        async throws
    {
        let client = try await started()
        let reversed = EventID(high: 8, low: 8).reversalTag
        var bytes: [UInt8] = []
        try NewEvent(
            id: EventID(high: 1, low: 9), stream: StreamName("s-2"), type: "U",
            tags: ["a", reversed], correlationID: EventID(high: 5, low: 5), data: []
        ).encode(into: &bytes)
        try await client.append(bytes)
        try await client.amend(9, "[1]", reason: "it was empty")
        let event = try #require(
            try await client.read(ReadRequest(.categories(["$amendment"]))).first)
        #expect(event.stream.id == EventID(high: 1, low: 9).description)
        #expect(event.correlationID == EventID(high: 5, low: 5))
        #expect(event.causationID == EventID(high: 1, low: 9))
        // The amendment itself reverses nothing.
        #expect(event.tags == ["a"] && EventMetadata(of: event)?.actor == "ann")
        let data = try EventAmended(event.data)
        #expect(data.position == 5 && data.type == "U" && data.stream.description == "s-2")
        #expect(data.reason == "it was empty" && data.by == "ann")
        #expect(data.amendment == .data(Array("[1]".utf8)))
    }

    @Test func `Repeated command is carried out once, and another with its id is rejected`()
        async throws
    {
        let client = try await started()
        let id = EventID.random()
        let first = try await client.amend(2, "1", id: id)
        let second = try await client.amend(2, "1", id: id)
        #expect(second.result == .repeated && second.position == first.position)
        for data in ["2", nil] {
            let error = await #expect(throws: ProtocolError.self) {
                try await client.amend(2, data, id: id)
            }
            #expect(error?.code == .idReused)
        }
        // Another command with the same content has nothing to do, until it is undone.
        #expect(try await client.amend(2, "1").result == .nothing)
        try await client.undo(2)
        #expect(try await client.amend(2, "1", id: id).result == .repeated)
        #expect(try await client.texts() == originals)
        #expect(try await client.amend(2, "1").result == .appended)
    }

    @Test func `Amendments that no reader could use are rejected`() async throws {
        let client = try await started()
        let amendment = try await client.amend(1, "1")
        let event = try #require(
            try await client.read(ReadRequest(from: amendment.position ?? 0)).first)
        func code(_ command: AmendEvent) async throws -> ProtocolError.Code? {
            let answer = try await client.call(
                StoreCall.amend,
                CommandRequest(id: .random(), attempt: 1, actor: "ann", command: command))
            return try kind(answer[0]).kind == .error ? problem(answer[1]).code : nil
        }
        let known = EventID(high: 1, low: 2)
        #expect(try await code(AmendEvent(event: .random(), reason: "r")) == .notFound)
        #expect(try await code(AmendEvent(event: event.id, reason: "r")) == .rejected)
        #expect(try await code(AmendEvent(event: known, reason: "")) == .invalid)
        let deepest = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        let large = "\"\(String(repeating: "x", count: Limits.recordBytes - 150))\""
        for data in ["", "{", "1 ", "1,2", #"1,"reason":"x""#, "{\n}", deepest, large] {
            let found = try await code(AmendEvent(event: known, data: data, reason: "r"))
            #expect(found == .invalid, "\(data.prefix(40))")
        }
        #expect(try await client.texts() == ["1"] + originals.dropFirst())
    }

    @Test func `Repeated appends and append conditions see what was appended`() async throws {
        let client = try await started()
        try await client.amend(1)
        try await client.amend(2, "{}")
        try await client.append(try records([1, 2]))
        let condition = AppendCondition.stream(try StreamName("s-1"), .revision(3))
        try await client.wire.send([header(.append, 5), try condition.encoded(), try records([5])])
        #expect(try kind(try await client.wire.receive()[0]).kind == .appended)
        let raw = try await client.read(ReadRequest(isRaw: true))
        #expect(raw.count == 7)
        for event in raw { try event.verify() }
        let counted = try await client.call(StoreCall.statistics, Nothing())
        let statistics = try JSON.decode(StoreStatistics.self, from: counted[1])
        #expect(statistics.amendedEvents == 2)
    }

    @Test func `Amendments of a long log are in effect after it is opened again`() async throws {
        let (dead, alive) = (EventID(high: 1, low: 1500), EventID(high: 1, low: 2999))
        func amendment(_ id: EventID, _ data: [UInt8], _ type: AmendmentEventType) throws -> [UInt8]
        {
            var bytes: [UInt8] = []
            try NewEvent(
                stream: StreamName("$amendment-\(id)"), type: type.rawValue, data: data
            ).encode(into: &bytes)
            return bytes
        }
        // Small segments, so that most of the log is sealed.
        let store = try await Store(
            segmentBytes: 64 << 10,
            prepare: { folder in
                var log = try EventLog(
                    in: FileStorage(folder: folder), segmentBytes: 64 << 10, durability: .none,
                    now: { Timestamp(microseconds: 1_000) })
                func append(_ bytes: [UInt8]) throws {
                    _ = try log.stage(bytes.span)
                    try log.commit()
                }
                for first in stride(from: 1, to: 2000, by: 100) {
                    try append(try records(Array(first..<first + 100)))
                }
                let event = try #require(try log.committedEvent(id: dead))
                let skip = EventAmended(event, .skip, reason: "r", by: "ann")
                try append(try amendment(dead, try skip.encoded(), .eventAmended))
                for first in stride(from: 2001, to: 4000, by: 100) {
                    try append(try records(Array(first..<first + 100)))
                }
                let other = try #require(try log.committedEvent(id: alive))
                let data = EventAmended(other, .data(Array("7".utf8)), reason: "r", by: "ann")
                try append(try amendment(alive, try data.encoded(), .eventAmended))
                try log.close()
            })
        let client = try await Client(store)
        let events = try await client.read(ReadRequest(.types(["T"])))
        #expect(events.count == 4000)
        #expect(events.filter(\.isSkipped).map(\.id) == [dead])
        #expect(events.filter(\.isAmended).map(\.id) == [alive])
        try await client.undo(1500)
        #expect(try await client.read().allSatisfy { !$0.isSkipped })
    }

    @Test func `Event about an amendment that does not fit the log has no effect and is reported`()
        throws
    {
        let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString.prefix(8)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var log = try EventLog(
            in: FileStorage(folder: folder), segmentBytes: 1 << 20, durability: .none,
            now: { Timestamp(microseconds: 1_000) })
        func append(_ bytes: [UInt8]) throws {
            _ = try log.stage(bytes.span)
            try log.commit()
        }
        func append(_ stream: String, _ type: String, _ data: [UInt8]) throws {
            var bytes: [UInt8] = []
            try NewEvent(stream: StreamName(stream), type: type, data: data).encode(into: &bytes)
            try append(bytes)
        }
        try append(try records([1]))
        let known = try #require(try log.committedEvent(id: EventID(high: 1, low: 1)))
        var skip = EventAmended(known, .skip, reason: "r", by: "ann")
        let valid = try skip.encoded()
        // Of another log, where the position was another.
        skip.position = 77
        let moved = try skip.encoded()
        try append("$amendment-\(known.id)", "EventAmended", Array("{}".utf8))
        try append("$amendment-\(known.id)", "EventForgotten", valid)
        try append("$amendment-\(EventID(high: 1, low: 2))", "EventAmended", valid)
        skip.event = EventID(high: 3, low: 3)
        try append("$amendment-\(skip.event)", "EventAmended", try skip.encoded())
        let reports = Mutex<[String]>([])
        let none = try Amendments(in: log) { report in reports.withLock { $0.append(report) } }
        #expect(none.byPosition.isEmpty)
        #expect(reports.withLock(\.count) == 4, "\(reports.withLock(\.self))")
        #expect(reports.withLock { $0.allSatisfy { $0.contains("has no effect: ") } })
        try append("$amendment-\(known.id)", "EventAmended", moved)
        #expect(try Amendments(in: log) { _ in }.byPosition == [1: .skip])
    }
}
