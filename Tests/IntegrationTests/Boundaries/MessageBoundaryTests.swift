import EventSourcing
import TestSupport
import Testing
import WireProtocol

/// A binary message. Its check writes a body and reads it, unless the body cannot be written.
private struct Message: Sendable, CustomStringConvertible {
    let description: String
    let kind: MessageKind?
    let check: @Sendable (Inventor) throws -> Void

    init(
        _ description: String, _ kind: MessageKind? = nil,
        _ check: @escaping @Sendable (Inventor) throws -> Void
    ) {
        self.description = description
        self.kind = kind
        self.check = check
    }

    static let all = [
        // These messages are JSON or have no body to read.
        Message("hello", .hello) { _ in }, Message("welcome", .welcome) { _ in },
        Message("call", .call) { _ in }, Message("result", .result) { _ in },
        Message("credit", .credit) { _ in }, Message("cancel", .cancel) { _ in },
        Message("append", .append) { inventor in
            let condition = inventor.condition()
            guard let bytes = written({ try condition.encoded() }) else { return }
            let read = try AppendCondition(bytes[...])
            #expect(read == condition)
        },
        Message("records of an append") { inventor in
            let event = inventor.newEvent()
            var bytes: [UInt8] = []
            guard (try? event.encode(into: &bytes)) != nil else {
                #expect(bytes.isEmpty, "a rejected event leaves bytes")
                return
            }
            let read = try RecordedEvent(bytes[...])
            #expect(read.id == event.id && read.stream == event.stream && read.type == event.type)
            #expect(read.tags == event.tags && Array(read.data) == event.data)
        },
        Message("appendMany", .appendMany) { inventor in
            let parts = (0..<inventor.count(0...3)).map { _ in
                AppendPart(condition: inventor.bytes(), records: inventor.bytes())
            }
            let frame = AppendPart.frame(parts)
            let read = try AppendPart.read(frame.span)
            #expect(read.map(\.condition) == parts.map(\.condition))
            #expect(read.map { Array(frame[$0.records]) } == parts.map(\.records))
        },
        Message("appendedMany", .appendedMany) { inventor in
            let outcomes = (0..<inventor.count(0...3)).map { _ in
                inventor.chance(50)
                    ? Result<Appended, ProtocolError>.success(inventor.appended())
                    : .failure(inventor.error())
            }
            var frame: [UInt8] = []
            for outcome in outcomes { AppendOutcomes.add(outcome, to: &frame) }
            let read = try AppendOutcomes.read(frame.span)
            #expect(read == outcomes)
        },
        Message("read", .read) { inventor in
            let request = inventor.readRequest()
            guard let bytes = written({ try request.encoded() }) else { return }
            let read = try ReadRequest(bytes[...])
            #expect(read == request)
        },
        Message("chunk", .chunk) { inventor in
            let header = ChunkHeader(
                next: inventor.integer(), head: inventor.integer(), count: inventor.integer(),
                isLast: inventor.chance(50))
            let bytes = header.bytes
            let read = try ChunkHeader(bytes.span)
            #expect(read == header)
        },
        Message("appended", .appended) { inventor in
            let appended = inventor.appended()
            let bytes = appended.bytes
            let read = try Appended(bytes.span)
            #expect(read == appended)
        },
        Message("error", .error) { inventor in
            let error = inventor.error()
            let bytes = error.bytes
            #expect(ProtocolError(bytes.span) == error)
        },
        Message("header") { inventor in
            let header = MessageHeader(.call, requestID: inventor.integer())
            let bytes = header.bytes
            let read = try MessageHeader(bytes.span)
            #expect(read == header)
        },
        Message("heartbeat") { inventor in
            let heartbeat = Heartbeat(
                head: inventor.integer(), time: inventor.time(), log: inventor.eventID())
            let bytes = heartbeat.bytes
            let read = try Heartbeat(bytes.span)
            #expect(read == heartbeat)
        },
        Message("acknowledgements") { inventor in
            let acknowledgements = (0..<inventor.count(0...3)).map { _ in inventor.acknowledgement()
            }
            let queue = inventor.text()
            guard let frame = written({ try Acknowledgement.frame(acknowledgements, of: queue) })
            else {
                return
            }
            let read = try Acknowledgement.read(frame)
            #expect(read.queue == queue && read.acknowledgements == acknowledgements)
        },
        Message("deliveries") { inventor in
            let deliveries = try (0..<inventor.count(0...3)).map { _ in try inventor.delivery() }
            guard let frame = written({ try Delivery.frame(deliveries) }) else { return }
            let read = try Delivery.read(frame)
            #expect(read.map(Fields.init) == deliveries.map(Fields.init))
        },
    ]

    private static func written(_ write: () throws -> [UInt8]) -> [UInt8]? {
        try? write()
    }

    /// The fields of a delivery, for comparison.
    private struct Fields: Hashable {
        let words: [Int64]
        let names: [String]
        let record: [UInt8]

        init(_ delivery: Delivery) {
            words = [
                Int64(bitPattern: delivery.sequence), Int64(bitPattern: delivery.lease),
                delivery.enqueuedAt.microseconds, delivery.firstReceivedAt.microseconds,
                Int64(delivery.receiveCount),
            ]
            names = [delivery.rule, delivery.replay ?? ""]
            record = Array(delivery.event.bytes)
        }
    }
}

extension Inventor {
    fileprivate func bytes() -> [UInt8] { (0..<count(0...40)).map { _ in integer() } }

    /// True in most cases: lists of the greatest length take long, so they are rare.
    private func often() -> Bool { chance(97) }

    fileprivate func names() -> [String] {
        let count = often() ? self.count(0...2) : pick([1000, 1001])
        return (0..<count).map { _ in count > 2 ? "n" : text() }
    }

    fileprivate func query() -> EventQuery {
        let count = often() ? self.count(0...2) : pick([1000, 1001])
        return EventQuery(
            (0..<count).map { _ in
                guard count <= 2 else { return EventQuery.Item(types: ["T"]) }
                return EventQuery.Item(
                    streams: (0..<self.count(0...2)).map { _ in streamName() },
                    categories: names(), types: names(), tags: names(),
                    correlations: (0..<(often() ? self.count(0...2) : pick([1000, 1001]))).map {
                        _ in eventID()
                    })
            })
    }

    fileprivate func condition() -> AppendCondition {
        let count = often() ? self.count(0...3) : pick([Int(UInt16.max), Int(UInt16.max) + 1])
        let expected: [ExpectedRevision] = [.any, .noStream, .streamExists, .revision(integer())]
        let name = streamName()
        return AppendCondition(
            streams: (0..<count).map { _ in
                .init(count > 3 ? name : streamName(), count > 3 ? .any : pick(expected))
            },
            noneMatching: chance(50) ? .init(query(), after: integer()) : nil)
    }

    fileprivate func readRequest() -> ReadRequest {
        ReadRequest(
            query(), direction: chance(50) ? .forwards : .backwards, from: integer(),
            to: integer(), since: time(), before: time(), limit: integer(), credit: integer(),
            chunkBytes: integer(), isRaw: chance(50))
    }

    fileprivate func appended() -> Appended {
        Appended(
            first: integer(), last: integer(), lastRevision: integer(), time: time(),
            isRepeat: chance(50))
    }

    fileprivate func error() -> ProtocolError {
        ProtocolError(ProtocolError.Code(rawValue: integer()), detail: integer(), text())
    }

    fileprivate func newEvent() -> NewEvent {
        let tags = pick([0, 1, 64, 65])
        return NewEvent(
            id: eventID(), stream: streamName(), type: text(),
            tags: (0..<tags).map { tags > 2 ? "t\($0)" : text() }, correlationID: eventID(),
            causationID: eventID(), metadata: bytes(),
            data: chance(10) ? Array(repeating: 7, count: pick([1 << 20, 1_048_000])) : bytes())
    }

    fileprivate func acknowledgement() -> Acknowledgement {
        // The frame has whole milliseconds.
        let duration = pick([
            Duration.zero, .milliseconds(1), .seconds(1), .seconds(43_200), .seconds(86_400),
            .seconds(43_201), .seconds(86_401), .seconds(-1), .seconds(Int64.max),
        ])
        let error = pick(["", "a", "é", "\0", "😀"])
        return Acknowledgement(
            sequence: integer(), lease: integer(),
            pick([
                .acknowledged, .failed(error: error, delay: duration),
                .failed(error: error, delay: nil),
                .extended(duration), .unreadable(error: error),
            ]))
    }

    fileprivate func delivery() throws -> Delivery {
        var bytes: [UInt8] = []
        try NewEvent(stream: try StreamName("s-1"), type: "T", data: self.bytes())
            .encode(into: &bytes)
        let replay = text()
        return Delivery(
            event: try RecordedEvent(bytes[...]), rule: text(),
            replay: replay.isEmpty ? nil : replay,
            receiveCount: pick([0, 1, 1000, Int(UInt32.max)]), enqueuedAt: time(),
            firstReceivedAt: time(), sequence: integer(), lease: integer())
    }
}

@Suite(.mayBlock) struct `Binary messages` {
    @Test(arguments: Message.all)
    fileprivate func `Messages with extreme values are read as they were written`(
        message: Message
    ) throws {
        let inventor = Inventor(seed: 3)
        for _ in 0..<200 { try message.check(inventor) }
    }

    /// Fails if a new kind has no test.
    @Test func `Every kind of message is tested`() {
        let checked = Message.all.compactMap { $0.kind }
        for kind in (UInt8.min ... .max).compactMap(MessageKind.init(rawValue:)) {
            #expect(checked.contains(kind), "\(kind)")
        }
    }
}
