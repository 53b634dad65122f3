import EventSourcing
import Foundation
import JSON
import Trace
import WireProtocol

/// An event with defaults, so that a test names only what matters. Its position gives its id.
struct Sample {
    var position: UInt64
    var type = "T"
    var stream = "s-1"
    /// The position of the event that caused it; 0 for none.
    var cause: UInt64 = 0
    /// Milliseconds after 2026-01-31T12:00:00Z.
    var after: Int64 = 0
    var by: EventMetadata? = EventMetadata(actor: "ann@desk")
    var tags: [String] = []
    var conversation: UInt64 = 1
    var data = Array("{}".utf8)

    static func id(_ position: UInt64) -> EventID { EventID(high: 7, low: position) }

    static func json(_ value: some Encodable) -> [UInt8] {
        // Strings and numbers can always be encoded as JSON.
        Array(try! JSON.data(value))
    }

    static func conversation(_ number: UInt64) -> EventID { EventID(high: 9, low: number) }

    func event() throws -> RecordedEvent {
        var bytes: [UInt8] = []
        try NewEvent(
            id: Self.id(position), stream: StreamName(stream), type: type, tags: tags,
            correlationID: Self.conversation(conversation),
            causationID: cause == 0 ? .none : Self.id(cause), metadata: by?.encoded() ?? [],
            data: data
        ).encode(into: &bytes)
        let time = UInt64(1_769_860_800_000_000 + after * 1000)
        // The store fills in these fields.
        for (offset, value) in [(RecordLayout.position, position), (RecordLayout.time, time)] {
            for byte in 0..<8 {
                bytes[offset + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte))
            }
        }
        return try RecordedEvent(bytes[...])
    }
}

extension CausalTree {
    init(_ samples: [Sample]) throws {
        try self.init(samples.map { try $0.event() }) { event in
            ["order": "orders", "route": "route"][event.category]
        }
    }

    /// The positions of the events, each after one dot per level of its depth.
    var outline: [String] {
        nodes.map { String(repeating: ".", count: $0.depth) + "\($0.event.position)" }
    }
}

extension Sample {
    /// An order that became a dead letter, was routed after its redrive, and was then reversed.
    static let order: [Sample] = {
        let dead = "$deadletter-route"
        let letter = DeadLetter(
            queue: "route", rule: "plan", replay: nil, position: 5, event: id(5), type: "Placed",
            sequence: 1, group: "g", cause: .maximumReceives,
            error: "no <hubs> & \"no\" routes\u{1B}[31m\nat all", receives: 3,
            enqueuedAt: Timestamp(microseconds: 0), firstReceivedAt: nil)
        let redrive = DeadLetterClosure(queue: "route", deadLetter: 6, position: 5)
        let (store, route) = (EventMetadata(actor: "event-store"), EventMetadata(actor: "route"))
        return [
            Sample(position: 5, type: "Placed", stream: "order-1"),
            Sample(
                position: 6, type: "DeadLettered", stream: dead, cause: 5, after: 250, by: store,
                data: json(letter)),
            Sample(
                position: 7, type: "DeadLetterRedriven", stream: dead, cause: 5, after: 1000,
                by: .init(actor: "bob"), data: json(redrive)),
            Sample(
                position: 8, type: "Routed", stream: "route-1", cause: 5, after: 1010, by: route),
            Sample(
                position: 9, type: "Announced", stream: "shop-1", cause: 8, after: 1020,
                by: .init(actor: "shop", attempt: 2)),
            Sample(
                position: 10, type: "Noted", stream: "route-1", cause: 5, after: 1030, by: route),
            Sample(
                position: 12, type: "Unplaced", stream: "order-1", cause: 5, after: 9000,
                by: .init(actor: "bob"), tags: ["reverses:\(id(5))"]),
        ]
    }()
}
