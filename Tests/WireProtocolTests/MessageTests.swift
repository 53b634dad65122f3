import EventSourcing
import Foundation
import Testing
import WireProtocol

@Suite struct `Message encoding` {
    private static let query = EventQuery([
        .init(
            streams: [try! StreamName("a-1")],  // The literal is a valid name.
            categories: ["order"], types: ["T", "U"], tags: ["x:1"]),
        .init(types: ["V"]),
    ])

    private static let mixed = EventQuery(
        query.items + [.init(tags: ["y"], correlations: [.none, EventID(high: 1, low: 2)])])

    private static let condition = AppendCondition(
        streams: [
            // The literals are valid names.
            .init(try! StreamName("a-1"), .noStream), .init(try! StreamName("a-2"), .any),
            .init(try! StreamName("a-3"), .streamExists),
            .init(try! StreamName("a-4"), .revision(41)),
        ], noneMatching: .init(query, after: 17))

    @Test func `Message header decodes to what was encoded`() throws {
        for kind in [MessageKind.hello, .append, .read, .credit, .cancel, .call, .error] {
            let header = MessageHeader(kind, requestID: 0x0102_0304_0506_0708)
            #expect(header.bytes.count == MessageHeader.size)
            #expect(try MessageHeader(header.bytes.span) == header)
        }
    }

    @Test(arguments: [
        [], Array("DB".utf8), [UInt8](repeating: 0, count: 16),
        MessageHeader(.read, requestID: 1).bytes + [0],
        [0x44, 0x42, 1, 77] + [UInt8](repeating: 0, count: 12),
    ])
    func `Malformed message header is rejected`(bytes: [UInt8]) {
        #expect(throws: ProtocolError.self) { try MessageHeader(bytes.span) }
    }

    @Test func `Error codes have the names that the protocol document gives them`() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../docs/protocol.md")
        let rows = try String(contentsOf: file, encoding: .utf8)
            .matches(of: /\n\| (\d+) \| ([a-z]\w+) \| [^|]+ \| (?:no|later|decide again) \|/)
        #expect(rows.count == 13)
        for row in rows {
            let code = ProtocolError.Code(rawValue: try #require(UInt16(row.output.1)))
            #expect("\(code)" == row.output.2)
        }
        #expect("\(ProtocolError.Code(rawValue: 999))" == "999")
    }

    @Test func `Append condition decodes to what was encoded`() throws {
        let bytes = try Self.condition.encoded()
        #expect(try AppendCondition(bytes[...]) == Self.condition)
        #expect(try AppendCondition.any.encoded() == [])
        #expect(try AppendCondition([]) == .any)
    }

    @Test func `Read request decodes to what was encoded`() throws {
        let request = ReadRequest(
            Self.mixed, direction: .backwards, from: 9, to: 3,
            since: Timestamp(microseconds: -5), before: Timestamp(microseconds: 5), limit: 7,
            credit: 2, chunkBytes: 1024)
        #expect(try ReadRequest(request.encoded()[...]) == request)
    }

    @Test func `Query without correlation ids is encoded as in earlier versions`() throws {
        let frame = try ReadRequest(.types(["V"])).encoded().dropFirst(52)
        #expect(Array(frame) == [1, 0, 0, 0, 0, 0, 1, 0, 1, 0x56, 0, 0])
        let id = EventID(high: 0x0102_0304_0506_0708, low: 0x090A_0B0C_0D0E_0F10)
        let two = try ReadRequest(EventQuery([.init(correlations: [id]), .init()])).encoded()
        #expect(
            Array(two.dropFirst(52)) == [2, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]
                + Array(1...16) + [UInt8](repeating: 0, count: 10))
    }

    @Test func `Answers decode to what was encoded`() throws {
        let appended = Appended(
            first: 5, last: 7, lastRevision: 2, time: Timestamp(microseconds: 99), isRepeat: true)
        #expect(try Appended(appended.bytes.span) == appended)
        let chunk = ChunkHeader(next: 8, head: 100, count: 3, isLast: true)
        #expect(try ChunkHeader(chunk.bytes.span) == chunk)
        let heartbeat = Heartbeat(
            head: 4, time: Timestamp(microseconds: 3), log: EventID(high: 1, low: 2))
        #expect(try Heartbeat(heartbeat.bytes.span) == heartbeat)
        let error = ProtocolError(.wrongRevision, detail: 4, "stream a-1 is at revision 3")
        #expect(ProtocolError(error.bytes.span) == error)
    }

    @Test func `Batch of appends and its outcomes decode only if they are complete`() throws {
        let parts = [
            AppendPart(condition: [], records: [1, 2, 3]),
            AppendPart(condition: try Self.condition.encoded(), records: [4]),
        ]
        let frame = AppendPart.frame(parts)
        let read = try AppendPart.read(frame.span).map {
            AppendPart(condition: $0.condition, records: Array(frame[$0.records]))
        }
        #expect(read == parts)
        let outcomes: [Result<Appended, ProtocolError>] = [
            .success(
                Appended(
                    first: 1, last: 2, lastRevision: 3, time: Timestamp(microseconds: 4),
                    isRepeat: true)),
            .failure(ProtocolError(.wrongRevision, detail: 4, "stream a-1 is at revision 3")),
        ]
        var answer: [UInt8] = []
        for outcome in outcomes { AppendOutcomes.add(outcome, to: &answer) }
        #expect(try AppendOutcomes.read(answer.span) == outcomes)
        for count in 1..<frame.count where count != 11 {
            let cut = Array(frame.prefix(count))
            #expect(throws: ProtocolError.self) { try AppendPart.read(cut.span) }
        }
        for count in 1..<answer.count where count != 45 {
            let cut = Array(answer.prefix(count))
            #expect(throws: ProtocolError.self) { try AppendOutcomes.read(cut.span) }
        }
    }

    @Test func `Truncated append condition or read request is rejected`() throws {
        let condition = try Self.condition.encoded()
        for count in 1..<condition.count {
            #expect(throws: ProtocolError.self) { try AppendCondition(condition.prefix(count)) }
        }
        let read = try ReadRequest(Self.mixed).encoded()
        for count in 0..<read.count {
            #expect(throws: ProtocolError.self) { try ReadRequest(read.prefix(count)) }
        }
        #expect(throws: ProtocolError.self) { try ReadRequest((read + [0])[...]) }
    }

    @Test func `Decoding random bytes does not trap`() {
        var generator = SplitMix(state: 42)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...80, using: &generator)).map { _ in
                // Mostly small bytes, because decoding fails at once on large lengths.
                UInt8.random(in: 0...(Bool.random(using: &generator) ? 3 : 255), using: &generator)
            }
            _ = try? AppendCondition(bytes[...])
            _ = try? ReadRequest(bytes[...])
            _ = try? MessageHeader(bytes.span)
            _ = try? RecordedEvent(bytes[...])
            _ = try? AppendPart.read(bytes.span)
            _ = try? AppendOutcomes.read(bytes.span)
            _ = ProtocolError(bytes.span)
        }
    }
}

/// Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014: a seeded
/// generator.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
