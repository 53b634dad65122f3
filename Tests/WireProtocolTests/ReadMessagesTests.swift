import EventSourcing
import Testing
import WireProtocol

@Suite struct `Read messages` {
    @Test func `Read request decodes to what was encoded`() throws {
        let request = ReadRequest(
            Sample.mixed, direction: .backwards, from: 9, to: 3,
            since: Timestamp(microseconds: -5), before: Timestamp(microseconds: 5), limit: 7,
            credit: 2, chunkBytes: 1024)
        #expect(try ReadRequest(request.encoded()[...]) == request)
    }

    @Test func `Read request asks for events as they were appended with one bit`() throws {
        let (plain, raw) = (
            try ReadRequest(.types(["V"])).encoded(),
            try ReadRequest(.types(["V"]), isRaw: true).encoded()
        )
        #expect(raw[1] == 1 && raw.dropFirst(2) == plain.dropFirst(2) && plain[1] == 0)
        #expect(try ReadRequest(raw[...]).isRaw && !ReadRequest(plain[...]).isRaw)
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

    @Test func `Query has at most 10,000 names in all`() throws {
        let names = (0..<1000).map { "c\($0)" }
        let full = EventQuery(
            [EventQuery.Item](repeating: .init(categories: names), count: 10))
        #expect(full.nameCount == 10_000)
        #expect(try ReadRequest(ReadRequest(full).encoded()[...]).query == full)
        var more = full
        more.items.append(.init(tags: ["x"]))
        let error = #expect(throws: ProtocolError.self) { try ReadRequest(more).encoded() }
        #expect(error?.code == .invalid)
        // A client of another kind encodes it all the same.
        var bytes = try ReadRequest(full).encoded()
        bytes[52] = 11
        bytes += [0, 0, 0, 0, 0, 0, 1, 0, 1, 0x78]
        let rejected = #expect(throws: ProtocolError.self) { try ReadRequest(bytes[...]) }
        #expect(rejected?.code == .invalid)
    }

    @Test func `Truncated or overlong read request is rejected`() throws {
        let read = try ReadRequest(Sample.mixed).encoded()
        for count in 0..<read.count {
            #expect(throws: ProtocolError.self) { try ReadRequest(read.prefix(count)) }
        }
        #expect(throws: ProtocolError.self) { try ReadRequest((read + [0])[...]) }
    }

    @Test func `Header of a chunk decodes to what was encoded`() throws {
        let chunk = ChunkHeader(next: 8, head: 100, count: 3, isLast: true)
        #expect(try ChunkHeader(chunk.bytes.span) == chunk)
    }
}
