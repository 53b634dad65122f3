import EventSourcing
import Foundation
import JSON
import WireProtocol

@testable import EventBus
@testable import Keys

extension Fuzzer {
    /// A record, and records back to back.
    static let record = Fuzzer(name: "record") { input in
        guard let event = accepted({ try RecordedEvent(input[...]) }) else { return }
        _ = accepted { try event.verify() }
        let copy = NewEvent(
            id: event.id, stream: event.stream, type: event.type, tags: event.tags,
            correlationID: event.correlationID, causationID: event.causationID,
            contentType: event.contentType, metadata: Array(event.metadata),
            data: Array(event.data))
        var bytes: [UInt8] = []
        if accepted({ try copy.encode(into: &bytes) }) != nil {
            let again = accepted { try RecordedEvent(bytes[...]) }
            try check(
                again?.stream == event.stream && again?.type == event.type
                    && again?.tags == event.tags && again?.data == event.data
                    && again?.metadata == event.metadata,
                "an event changes when it is encoded and decoded")
        }
        guard let records = accepted({ try RecordSequence(input[...]) }) else { return }
        let size = records.reduce(0) { $0 + $1.bytes.count }
        try check(size == input.count, "the records of a sequence do not fill its frame")
    }

    /// The binary frames between processes. The first byte chooses the kind.
    static let message = Fuzzer(name: "message") { input in
        let (kind, frame) = input.headAndRest
        switch kind % 11 {
        case 0: _ = accepted { try MessageHeader(frame.span).checkVersion() }
        case 1:
            try survives(try? ReadRequest(frame[...])) { try ReadRequest(try $0.encoded()[...]) }
        case 2:
            try survives(try? AppendCondition(frame[...])) {
                try AppendCondition(try $0.encoded()[...])
            }
        case 3:
            let parts = accepted { try AppendPart.read(frame.span) } ?? []
            let copy = AppendPart.frame(
                parts.map { AppendPart(condition: $0.condition, records: Array(frame[$0.records])) }
            )
            try check(parts.isEmpty || copy == frame, "appends change when they are encoded again")
        case 4: _ = accepted { try AppendOutcomes.read(frame.span) }
        case 5:
            let known = accepted { try Acknowledgement.read(frame) }
            let again = known.flatMap { known in
                accepted {
                    try Acknowledgement.read(
                        try Acknowledgement.frame(known.acknowledgements, of: known.queue))
                }
            }
            try check(
                again?.acknowledgements.count == known?.acknowledgements.count,
                "verdicts are lost")
        case 6:
            let deliveries = accepted { try Delivery.read(frame) }
            let again = deliveries.flatMap { deliveries in
                accepted { try Delivery.read(Delivery.frame(deliveries)) }
            }
            try check(again?.count == deliveries?.count, "deliveries are lost")
        case 7: _ = ProtocolError(frame.span).description
        case 8: try survives(try? Heartbeat(frame.span)) { try Heartbeat($0.bytes.span) }
        case 9: try survives(try? Appended(frame.span)) { try Appended($0.bytes.span) }
        default: try survives(try? ChunkHeader(frame.span)) { try ChunkHeader($0.bytes.span) }
        }
    }

    /// The JSON of calls to the event store, the bus and the services. The first byte chooses the
    /// type.
    static let busCall = Fuzzer(name: "busCall") { input in
        let (kind, json) = input.headAndRest
        let parsers: [JSONParser] = [
            .init(Hello.self) { try? $0.checkVersion() }, .init(Welcome.self),
            .init(StreamsRequest.self), .init(LogHead.self), .init(StoreStatistics.self),
            .init(RuleDefinition.self) { _ = $0.fault },
            .init(QueueDefinition.self) { definition in
                if definition.fault == nil {
                    _ = definition.retry.delay(afterReceives: .max, random: 1)
                }
            },
            .init(ArchiveDefinition.self) { if $0.fault == nil { _ = $0.rule } },
            .init(ReplayDefinition.self) { _ = $0.fault }, .init(SetRuleEnabled.self),
            .init(SetPaused.self), .init(DeadLetterSelection.self), .init(CloseDeadLetters.self),
            .init(DeadLettersRequest.self), .init(ReceiveRequest.self),
            .init(ReleaseRequest.self), .init(CommandRequest<CloseDeadLetters>.self),
            .init(QueryRequest<DeadLettersRequest>.self), .init(CommandReply.self),
            .init(ServiceStatus.self), .init(Permissions.self),
        ]
        try parsers[Int(kind) % parsers.count].run(json)
    }

    /// The data of the bus's own events, which any client with permission to append can write.
    static let busEvent = Fuzzer(name: "busEvent") { input in
        let (kind, json) = input.headAndRest
        let parsers: [JSONParser] = [
            .init(RuleDefinition.self) { definition in
                guard definition.fault == nil else { return }
                let row = RuleRow(
                    rule: definition, changedAt: Timestamp(microseconds: 0), changedBy: "fuzzer")
                _ = accepted { try Rule(row) }
            },
            .init(QueueDefinition.self) { definition in
                if definition.fault == nil {
                    _ = definition.retry.delay(afterReceives: .max, random: 1)
                }
            },
            .init(DeadLetter.self), .init(DeadLetterClosure.self), .init(ReplayEnd.self),
            .init(ReplayDefinition.self) { _ = $0.fault },
            .init(ArchiveDefinition.self) { if $0.fault == nil { _ = $0.rule } },
        ]
        try parsers[Int(kind) % parsers.count].run(json)
    }

    /// What a commit wrote to the bus's journal.
    static let journal = Fuzzer(name: "journal") { input in
        var parts = JournalParts()
        _ = accepted { try parts.append(input[...]) }
        try survives(try? JournalRecord(input[...])) { try JournalRecord(try $0.encoded()[...]) }
    }

    /// The keyring.
    static let keyring = Fuzzer(name: "keyring") { input in
        try JSONParser(Keyring.self) { keyring in
            for caller in keyring.callers.values {
                _ = accepted { try caller.checkAppend(to: "account") }
                _ = accepted { try caller.checkCommand(to: "orders") }
                _ = accepted { try caller.checkRead() }
            }
            for key in keyring.keys { _ = keyring.key(of: key.name) }
        }.run(input)
    }

    /// An accepted value must be equal after it is encoded and decoded.
    private static func survives<Value: Equatable>(
        _ value: Value?, _ copy: (Value) throws -> Value
    ) throws(PropertyFailure) {
        guard let value else { return }
        let again = accepted { try copy(value) }
        try check(again == value, "\(value) changes when it is encoded and decoded")
    }
}

/// Decodes a type from JSON, uses it, and checks that it can be encoded and decoded again.
struct JSONParser {
    let run: (_ json: [UInt8]) throws(PropertyFailure) -> Void

    init<Value: Codable>(_ type: Value.Type, use: @escaping (Value) -> Void = { _ in }) {
        run = { json throws(PropertyFailure) in
            guard let value = accepted({ try JSON.decode(type, from: json) }) else {
                return
            }
            use(value)
            let text = accepted { try JSON.data(value) }
            let again = text.flatMap { text in
                accepted { try JSON.data(try JSON.decode(type, from: text)) }
            }
            try check(again != nil && again == text, "\(value) changes as JSON")
        }
    }
}
