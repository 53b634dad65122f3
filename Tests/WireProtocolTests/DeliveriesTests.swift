import EventSourcing
import Foundation
import JSON
import Testing
import WireProtocol

@Suite struct `Delivery and verdict frames` {
    private static func event(_ position: UInt64) throws -> RecordedEvent {
        var bytes: [UInt8] = []
        try NewEvent(
            id: EventID(high: 1, low: position), stream: try StreamName("order-\(position)"),
            type: "T", data: Array("\(position)".utf8)
        ).encode(into: &bytes)
        return try RecordedEvent(bytes[...])
    }

    private static func deliveries() throws -> [Delivery] {
        [
            Delivery(
                event: try event(1), rule: "billing", replay: nil, receiveCount: 1,
                enqueuedAt: Timestamp(microseconds: 5),
                firstReceivedAt: Timestamp(microseconds: 6), sequence: 7, lease: .max),
            Delivery(
                event: try event(2), rule: "", replay: "again", receiveCount: 3,
                enqueuedAt: Timestamp(microseconds: -8),
                firstReceivedAt: Timestamp(microseconds: 9), sequence: .max, lease: 10),
        ]
    }

    private static let acknowledgements = [
        Acknowledgement(sequence: 1, lease: 2, .acknowledged),
        Acknowledgement(sequence: .max, lease: .max, .failed(error: "größer", delay: nil)),
        Acknowledgement(sequence: 3, lease: 4, .failed(error: "", delay: .milliseconds(1500))),
        Acknowledgement(sequence: 5, lease: 6, .failed(error: "now", delay: .zero)),
        Acknowledgement(sequence: 7, lease: 8, .extended(.seconds(43_200))),
        Acknowledgement(sequence: 9, lease: 10, .returned),
        Acknowledgement(sequence: 11, lease: 12, .unreadable(error: "unknown type")),
    ]

    @Test func `Delivery frame decodes to what was encoded`() throws {
        let deliveries = try Self.deliveries()
        let read = try Delivery.read(Delivery.frame(deliveries))
        #expect(read.count == 2)
        for (delivery, read) in zip(deliveries, read) {
            #expect(delivery.event.bytes == read.event.bytes)
            #expect(delivery.rule == read.rule && delivery.replay == read.replay)
            #expect(delivery.receiveCount == read.receiveCount)
            #expect(delivery.enqueuedAt == read.enqueuedAt)
            #expect(delivery.firstReceivedAt == read.firstReceivedAt)
            #expect(delivery.sequence == read.sequence && delivery.lease == read.lease)
        }
        #expect(try Delivery.read(Delivery.frame([])).isEmpty)
    }

    /// The expected bytes are the example in docs/protocol.md.
    @Test func `Delivery and verdict frames have the bytes of the protocol document`() throws {
        let delivery = Delivery(
            event: try Self.event(1), rule: "r", replay: nil, receiveCount: 2,
            enqueuedAt: Timestamp(microseconds: 3), firstReceivedAt: Timestamp(microseconds: 4),
            sequence: 5, lease: 6)
        let head: [UInt8] =
            [1, 0, 0, 0] + [5, 0, 0, 0, 0, 0, 0, 0] + [6, 0, 0, 0, 0, 0, 0, 0]
            + [3, 0, 0, 0, 0, 0, 0, 0] + [4, 0, 0, 0, 0, 0, 0, 0] + [2, 0, 0, 0]
            + [1, UInt8(ascii: "r"), 0]
        #expect(try Delivery.frame([delivery]) == head + Array(delivery.event.bytes))
        let acknowledgement = Acknowledgement(
            sequence: 5, lease: 6, .failed(error: "no", delay: .seconds(1)))
        #expect(
            try Acknowledgement.frame([acknowledgement], of: "q")
                == [1, UInt8(ascii: "q"), 1, 0, 0, 0] + [5, 0, 0, 0, 0, 0, 0, 0]
                + [6, 0, 0, 0, 0, 0, 0, 0] + [1, 0xE8, 3, 0, 0, 2, 0] + Array("no".utf8))
    }

    @Test func `Frame has at most as many acknowledgements as a receive has deliveries`() throws {
        let many = (0...UInt64(ReceiveRequest.maximumCount)).map {
            Acknowledgement(sequence: $0, lease: 1, .acknowledged)
        }
        _ = try Acknowledgement.frame(many.dropLast(), of: "q")
        let sent = #expect(throws: ProtocolError.self) { try Acknowledgement.frame(many, of: "q") }
        #expect(sent?.code == .invalid)
        let claims: [UInt8] = [1, UInt8(ascii: "q"), 0xFF, 0xFF, 0xFF, 0xFF]
        let read = #expect(throws: ProtocolError.self) { try Acknowledgement.read(claims) }
        #expect(read?.code == .invalid)
    }

    @Test func `Verdict frame decodes to what was encoded`() throws {
        let read = try Acknowledgement.read(
            Acknowledgement.frame(Self.acknowledgements, of: "invoices"))
        #expect(read.queue == "invoices")
        #expect(read.acknowledgements == Self.acknowledgements)
        #expect(
            try Acknowledgement.read(Acknowledgement.frame([], of: "q")).acknowledgements.isEmpty)
    }

    @Test func `Error text that is too long is cut between two characters`() throws {
        let long = String(repeating: "é", count: Acknowledgement.errorBytes)
        let acknowledgement = Acknowledgement(
            sequence: 1, lease: 1, .failed(error: "x" + long, delay: nil))
        let (_, read) = try Acknowledgement.read(Acknowledgement.frame([acknowledgement], of: "q"))
        let kept = "x" + long.prefix((Acknowledgement.errorBytes - 1) / 2)
        #expect(read.map(\.verdict) == [.failed(error: kept, delay: nil)])
    }

    @Test(arguments: [
        Acknowledgement.Verdict.failed(error: "", delay: .seconds(-1)),
        .failed(error: "", delay: .seconds(86_400.001)),
        .failed(error: "", delay: .seconds(Double(Int64.max))), .extended(.zero),
        .extended(.seconds(-1)), .extended(.seconds(43_200.001)), .extended(.seconds(1e20)),
    ])
    func `Verdict with a duration out of range is not encoded`(verdict: Acknowledgement.Verdict)
        throws
    {
        let acknowledgement = Acknowledgement(sequence: 1, lease: 1, verdict)
        let fault = try #require(acknowledgement.fault)
        #expect(throws: ProtocolError(.invalid, fault)) {
            try Acknowledgement.frame([acknowledgement], of: "q")
        }
    }

    @Test func `Received verdict with a duration out of range is rejected`() throws {
        let extended = Acknowledgement(sequence: 1, lease: 1, .extended(.seconds(1)))
        var frame = try Acknowledgement.frame([extended], of: "q")
        let milliseconds = 2 + 4 + 16 + 1
        for bytes: [UInt8] in [[0, 0, 0, 0], [1, 0x2E, 0x93, 2], [0xFE, 0xFF, 0xFF, 0xFF]] {
            frame.replaceSubrange(milliseconds..<milliseconds + 4, with: bytes)
            #expect(throws: ProtocolError.self) { try Acknowledgement.read(frame) }
        }
    }

    @Test func `Queue name of more than 255 bytes is not encoded`() throws {
        let name = String(repeating: "x", count: 256)
        #expect(throws: ProtocolError.self) { try Acknowledgement.frame([], of: name) }
        #expect(
            try Acknowledgement.read(Acknowledgement.frame([], of: String(name.dropLast()))).queue
                .utf8.count
                == 255)
    }

    @Test func `Truncated or overlong frame is rejected`() throws {
        let deliveries = try Delivery.frame(try Self.deliveries())
        for count in 0..<deliveries.count {
            #expect(throws: (any Error).self) { try Delivery.read(Array(deliveries[..<count])) }
        }
        #expect(throws: (any Error).self) { try Delivery.read(deliveries + [0]) }
        let acknowledgements = try Acknowledgement.frame(Self.acknowledgements, of: "invoices")
        for count in 0..<acknowledgements.count {
            #expect(throws: ProtocolError.self) {
                try Acknowledgement.read(Array(acknowledgements[..<count]))
            }
        }
        #expect(throws: ProtocolError.self) { try Acknowledgement.read(acknowledgements + [0]) }
    }

    @Test func `Unknown verdict is rejected`() throws {
        var frame = try Acknowledgement.frame(
            [Acknowledgement(sequence: 1, lease: 1, .acknowledged)], of: "q")
        let kind = 2 + 4 + 16
        frame[kind] = 5
        #expect(throws: ProtocolError(.malformed, "5 is not a verdict on a delivery")) {
            try Acknowledgement.read(frame)
        }
        // An extension without a duration.
        frame[kind] = 2
        #expect(throws: ProtocolError(.malformed, "2 is not a verdict on a delivery")) {
            try Acknowledgement.read(frame)
        }
    }

    @Test func `Frame that counts far more items than it has is rejected`() {
        let frame: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
        #expect(throws: ProtocolError.self) { try Delivery.read(frame) }
        #expect(throws: ProtocolError.self) { try Acknowledgement.read([0] + frame) }
    }
}
