import Bytes
import EventLog
import EventSourcing
import EventStoreServer
import Foundation
import Synchronization
import Testing
import WireProtocol

/// A folder whose writes or syncs fail once `fail(_:)` was called.
private final class FailingStorage: LogStorage {
    enum Operation { case write, sync }

    private let folder: FileStorage
    private let failing = Mutex<Operation?>(nil)

    init(folder: String) throws { self.folder = try FileStorage(folder: folder) }

    func fail(_ operation: Operation) { failing.withLock { $0 = operation } }

    private func check(_ operation: Operation, _ name: String) throws(LogError) {
        guard failing.withLock({ $0 == operation }) else { return }
        throw LogError.storage("\(operation)", name, reason: "injected")
    }

    func names() throws(LogError) -> [String] { try folder.names() }
    func size(of name: String) throws(LogError) -> Int { try folder.size(of: name) }
    func create(_ name: String, size: Int) throws(LogError) {
        try folder.create(name, size: size)
    }
    func read(_ name: String, at offset: Int, count: Int) throws(LogError) -> [UInt8] {
        try folder.read(name, at: offset, count: count)
    }
    func write(_ name: String, _ bytes: Span<UInt8>, at offset: Int) throws(LogError) {
        try check(.write, name)
        try folder.write(name, bytes, at: offset)
    }
    func sync(_ name: String) throws(LogError) {
        try check(.sync, name)
        try folder.sync(name)
    }
    func rename(_ name: String, to newName: String) throws(LogError) {
        try folder.rename(name, to: newName)
    }
    func remove(_ name: String) throws(LogError) { try folder.remove(name) }
}

/// Makes a log in `folder` whose first segment is sealed and has a damaged index. Only that segment
/// has the stream only-1.
private func damageIndex(in folder: String) throws {
    do {
        var log = try EventLog(
            in: FileStorage(folder: folder), segmentBytes: 4096, newID: EventID(high: 1, low: 2),
            now: { Timestamp(microseconds: 1_000) })
        for id in 1...100 {
            let bytes = try records([id], stream: id == 1 ? "only-1" : "s-1")
            _ = try log.stage(bytes.span)
            try log.commit()
        }
    }
    let path = "\(folder)/0000000000000001.index"
    var index = Array(try Data(contentsOf: URL(filePath: path)))
    // In an index file, the blocks follow the fences, the filter and the offsets.
    let (count, terms, words) = (number(index, 12), number(index, 56), number(index, 60))
    let blocks = (terms + 255) / 256
    for byte in 0..<blocks * 4_100 {
        index[80 + blocks * 8 + words * 8 + (count + 1) * 4 + byte] ^= 1
    }
    try Data(index).write(to: URL(filePath: path))
}

private func number(_ bytes: [UInt8], _ offset: Int) -> Int { Int(bytes.span.uint32(at: offset)) }

@Suite(.timeLimit(.minutes(10))) struct `Failed appends` {
    private func outcome(_ result: Result<Appended, ProtocolError>) -> String {
        switch result {
        case .success(let appended): "\(appended.first)-\(appended.last)"
        case .failure(let error): "\(error.code)"
        }
    }

    @Test func `Append whose look-up fails is neither stored, counted nor published`() async throws
    {
        let store = try await Store(segmentBytes: 4096, prepare: damageIndex)
        let client = try await store.client()
        let subscriber = try await store.subscriber("")
        // The first heartbeat shows that the subscription has arrived.
        #expect(try await subscriber.receive()[0] == Array(Feed.heartbeatTopic.utf8))
        let half = try records([200], stream: "fresh-1") + records([201], stream: "only-1")
        try await client.send([header(.append, 1), [], half])
        #expect(problem(try await client.receive()[1]).code == .damaged)
        // The other appends of the message, which share its commit, succeed.
        let parts = AppendPart.frame([
            AppendPart(condition: [], records: try records([202], stream: "fresh-2")),
            AppendPart(condition: [], records: half),
            AppendPart(condition: [], records: try records([203], stream: "fresh-1")),
        ])
        try await client.send([header(.appendMany, 2), parts])
        let body = try await client.receive()[1]
        let outcomes = try AppendOutcomes.read(body.span)
        #expect(outcomes.map(outcome) == ["101-101", "damaged", "102-102"])
        var published: [UInt64] = []
        while published.last != 102 {
            let message = try await subscriber.receive()
            try #require(message.count == 2)
            guard message[0] != Array(Feed.heartbeatTopic.utf8) else { continue }
            let event = try RecordedEvent(message[1][...])
            published.append(event.position)
            #expect(!event.hasMoreOfAppend && event.revision == 0)
        }
        #expect(published == [101, 102])
        let metrics = await store.server.metrics().map { "\($0)" }
        for (name, value) in [
            ("daybook_store_head_position", 102), ("daybook_store_appends_total", 2),
            ("daybook_store_appended_events_total", 2),
        ] {
            let metric = metrics.first { $0.contains("\"\(name)\"") }
            #expect(metric?.contains("\(value)") == true, "\(name)")
        }
    }

    @Test(arguments: ["write", "sync"])
    func `Disk failure ends the server and leaves the append unanswered`(
        operation: String
    ) async throws {
        let disk = Mutex<FailingStorage?>(nil)
        let store = try await Store(storage: { folder in
            let storage = try FailingStorage(folder: folder)
            disk.withLock { $0 = storage }
            return storage
        })
        let client = try await store.client()
        try await client.send(try append(1, [1]))
        #expect(try appended(try await client.receive()[1]).first == 1)
        disk.withLock { $0?.fail(operation == "write" ? .write : .sync) }
        try await client.send(try append(2, [2]))
        let failure = await #expect(throws: LogError.self) { try await store.running.value }
        #expect(failure?.description == "can't \(operation) 0000000000000001.segment: injected")
        #expect(try await client.receive(within: .milliseconds(100)).isEmpty)
    }

    @Test func `Disk failure while the process itself appends ends the server`() async throws {
        let disk = Mutex<FailingStorage?>(nil)
        let store = try await Store(storage: { folder in
            let storage = try FailingStorage(folder: folder)
            disk.withLock { $0 = storage }
            return storage
        })
        disk.withLock { $0?.fail(.sync) }
        let event = NewEvent(stream: try StreamName("$rule-r"), type: "T", data: [])
        await #expect(throws: LogError.self) { try await store.server.append([event]) }
        await #expect(throws: LogError.self) { try await store.running.value }
    }
}

@Suite(.timeLimit(.minutes(10))) struct `Requests for positions beyond the log` {
    private static let beyond: [UInt64] = [101, 1 << 63, .max - 1, .max]

    private func log() async throws -> (Store, Wire) {
        let store = try await Store(segmentBytes: 4096)
        let client = try await store.client()
        for id in 1...100 { try await client.send(try append(UInt64(id), [id])) }
        for _ in 1...100 { #expect(try kind(try await client.receive()[0]).kind == .appended) }
        return (store, client)
    }

    private func read(_ request: ReadRequest, by client: Wire) async throws -> Int {
        try await client.send([header(.read, 200), try request.encoded()])
        var count = 0
        while true {
            let chunk = try await client.receive()
            try #require(chunk.count == 3)
            count += try Array(RecordSequence(chunk[2][...])).count
            if try chunkHeader(chunk[1]).isLast { return count }
        }
    }

    @Test(arguments: beyond)
    func `Request with a position beyond the log gets the existing events`(
        position: UInt64
    ) async throws {
        let (store, client) = try await log()
        defer { withExtendedLifetime(store) {} }
        #expect(try await read(ReadRequest(from: 1, to: position, credit: 99), by: client) == 100)
        #expect(try await read(ReadRequest(from: position, credit: 99), by: client) == 0)
        let back = ReadRequest(direction: .backwards, from: position, credit: 99)
        #expect(try await read(back, by: client) == 100)
        let none = ReadRequest(direction: .backwards, from: 0, to: position, credit: 99)
        #expect(try await read(none, by: client) == 0)
        let condition = AppendCondition(noneMatching: .init(.all, after: position))
        try await client.send(try append(1, [101], condition))
        #expect(try appended(try await client.receive()[1]).first == 101)
        try await client.send([
            header(.call, 2), Array("streams".utf8),
            Array(#"{"after":\#(position),"limit":10}"#.utf8),
        ])
        #expect(try await client.receive()[1] == Array("[]".utf8))
    }

    @Test func `Many reads under one request id do not block an append`() async throws {
        let (store, client) = try await log()
        defer { withExtendedLifetime(store) {} }
        for round in UInt64(1)...200 {
            let credit: UInt32 = round.isMultiple(of: 3) ? 0 : 5
            try await client.send([
                header(.read, 7),
                try ReadRequest(from: 1, credit: credit, chunkBytes: 300).encoded(),
            ])
        }
        try await client.send([header(.cancel, 7)])
        try await client.send(try append(9, [101]))
        while true {
            let answer = try await client.receive()
            try #require(!answer.isEmpty)
            if try kind(answer[0]).requestID == 9 {
                #expect(try appended(answer[1]).first == 101)
                break
            }
        }
    }
}
