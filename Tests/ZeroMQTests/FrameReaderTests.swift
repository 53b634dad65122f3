import TestSupport
import Testing

@testable import ZeroMQ

/// Writes what a peer sends by ZMTP 3.
struct Wire {
    var bytes: [UInt8]

    /// Begins with a greeting.
    init(mechanism: String = "NULL", major: UInt8 = 3) {
        bytes = [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, major, 1]
        bytes += mechanism.utf8
        bytes += [UInt8](repeating: 0, count: 64 - bytes.count)
    }

    mutating func add(
        _ body: [UInt8], more: Bool = false, isCommand: Bool = false, isLong: Bool = false
    ) {
        let isLong = isLong || body.count > 255
        bytes.append((more ? 1 : 0) | (isLong ? 2 : 0) | (isCommand ? 4 : 0))
        let size = (0..<8).map { UInt8(truncatingIfNeeded: body.count >> (56 - 8 * $0)) }
        bytes += isLong ? size : [UInt8(body.count)]
        bytes += body
    }

    mutating func add(command name: String, _ text: String = "") {
        add([UInt8(name.utf8.count)] + Array((name + text).utf8), isCommand: true)
    }
}

@Suite struct `Reader of frames` {
    private func read(_ wire: Wire) throws -> FrameReader {
        var reader = FrameReader()
        try reader.read(wire.bytes.span)
        return reader
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `Frames are counted alike however their bytes are cut`(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        var wire = Wire()
        wire.add(command: "READY", String(repeating: "x", count: 200))
        var (bytes, frames, unfinished, topics, topicBytes) = (0, 0, 0, 0, 0)
        for _ in 0..<200 {
            let body = [UInt8](
                repeating: .random(in: 0...3, using: &random),
                count: .random(in: 0...600, using: &random))
            let more = Bool.random(using: &random)
            wire.add(body, more: more, isLong: .random(using: &random))
            bytes += body.count + 64
            (frames, unfinished) = (frames + 1, unfinished + body.count + 64)
            if !more, frames == 1, let first = body.first, first <= 1 {
                topics = max(topics + (first == 1 ? 1 : -1), 0)
                topicBytes = max(topicBytes + (first == 1 ? 1 : -1) * (body.count - 1), 0)
            }
            if !more { (frames, unfinished) = (0, 0) }
            if Int.random(in: 0..<20, using: &random) == 0 { wire.add(command: "PING", "12345") }
        }
        var reader = FrameReader()
        var rest = wire.bytes[...]
        while !rest.isEmpty {
            let part = Array(rest.prefix(.random(in: 1...700, using: &random)))
            try reader.read(part.span)
            rest = rest.dropFirst(part.count)
        }
        #expect(reader.messageBytes == bytes)
        #expect(reader.unfinishedFrames == frames && reader.unfinishedBytes == unfinished)
        #expect(reader.topics == topics && reader.topicBytes == topicBytes)
        #expect(try read(wire).messageBytes == bytes)
    }

    @Test func `Part of a frame counts before its end`() throws {
        var wire = Wire()
        wire.add([UInt8](repeating: 7, count: 1000), more: true)
        wire.bytes.removeLast(400)
        let reader = try read(wire)
        #expect(reader.unfinishedFrames == 1)
        #expect(reader.unfinishedBytes == 664)
    }

    @Test func `Announced size costs nothing before its bytes come`() throws {
        var wire = Wire()
        wire.bytes += [2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]
        #expect(try read(wire).unfinishedBytes == 65)
    }

    @Test func `Subscriptions by message and by command are counted until they end`() throws {
        var wire = Wire()
        wire.add([1] + Array("orders".utf8))
        wire.add(command: "SUBSCRIBE", "accounts")
        #expect(try read(wire).topics == 2)
        #expect(try read(wire).topicBytes == 14)
        #expect(try read(wire).messageBytes == 1 + 6 + 64 + 1 + 8 + 64)
        wire.add(command: "CANCEL", "orders")
        wire.add([0] + Array("accounts".utf8))
        wire.add([0])
        let reader = try read(wire)
        #expect(reader.topics == 0 && reader.topicBytes == 0)
    }

    @Test func `Encrypted frames are whole messages without what encryption adds`() throws {
        var wire = Wire(mechanism: "CURVE")
        wire.add(command: "HELLO", String(repeating: "x", count: 190))
        for _ in 0..<30 { wire.add([UInt8](repeating: 1, count: 133)) }
        let reader = try read(wire)
        #expect(reader.messageBytes == 30 * 164)
        #expect(reader.unfinishedFrames == 0)
        // Nobody knows which of them begin subscriptions.
        #expect(reader.topics == 30 && reader.topicBytes == 30 * 100)
    }

    @Test func `Long command is rejected before its bytes come`() throws {
        var wire = Wire()
        wire.add(command: "READY", String(repeating: "x", count: 4090))
        #expect(try read(wire).commands == 1)
        wire.add(command: "READY", String(repeating: "x", count: 4091))
        wire.bytes.removeLast(4000)
        #expect(throws: FrameReader.Fault.longCommand) { try read(wire) }
    }

    @Test func `Frames that are no subscription are counted`() throws {
        var wire = Wire()
        wire.add([1] + Array("orders".utf8))
        wire.add([0] + Array("orders".utf8))
        wire.add(command: "SUBSCRIBE", "orders")
        #expect(try read(wire).others == 0)
        wire.add([])
        wire.add([2])
        wire.add([1], more: true)
        wire.add([1])
        #expect(try read(wire).others == 4)
    }

    @Test(arguments: ["GET / HTTP/1.1\r\n", "\u{1}\u{0}"])
    func `Other protocol is rejected at its first byte`(text: String) {
        var reader = FrameReader()
        #expect(throws: FrameReader.Fault.otherProtocol) { try reader.read(Array(text.utf8).span) }
    }

    @Test func `Command that is said to be a part of a message is rejected`() {
        var wire = Wire()
        wire.bytes += [5, 1, 1]
        #expect(throws: FrameReader.Fault.malformed) { try read(wire) }
    }

    @Test func `Version before 3 and unknown flags are rejected`() {
        #expect(throws: FrameReader.Fault.otherProtocol) { try read(Wire(major: 1)) }
        var wire = Wire()
        wire.bytes.append(8)
        #expect(throws: FrameReader.Fault.malformed) { try read(wire) }
    }
}
