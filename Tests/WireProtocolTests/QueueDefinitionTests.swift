import EventSourcing
import Foundation
import JSON
import Testing
import WireProtocol

@Suite struct `Queue and rule definitions` {
    private static func read<Value: Decodable>(_ text: String) throws -> Value {
        try JSON.decode(Value.self, from: text.utf8)
    }

    private static func expectRoundTrip<Value: Codable & Equatable>(_ value: Value) throws {
        let read = try JSON.decode(Value.self, from: try JSON.data(value))
        #expect(read == value)
    }

    @Test func `Queue definition has defaults for everything but its name`() throws {
        let queue: QueueDefinition = try Self.read(#"{"name": "q"}"#)
        #expect(queue == QueueDefinition(name: "q"))
        #expect(queue.grouping == .correlation && queue.start == .end)
        #expect(queue.visibilityTimeout == 30 && queue.hasDeadLetters && queue.afterDeath == .wait)
        #expect(
            queue.retry
                == RetryPolicy(
                    maximumReceives: 10, maximumAge: 86_400, backoff: 1, maximumBackoff: 300))
        #expect(throws: DecodingError.self) { try Self.read("{}") as QueueDefinition }
    }

    @Test func `Queue and rule definitions decode to what was encoded`() throws {
        let time = Timestamp(microseconds: 1_769_860_800_000_001)
        try Self.expectRoundTrip(
            QueueDefinition(
                name: "q", grouping: .paths(["a.b", "c"]), visibilityTimeout: 0.5,
                retry: RetryPolicy(
                    maximumReceives: 1, maximumAge: 2, backoff: 0, maximumBackoff: 4),
                afterDeath: .proceed, hasDeadLetters: false, start: .time(time)))
        try Self.expectRoundTrip(
            RuleDefinition(
                name: "r", description: "d", pattern: "{}", targets: ["q", "p"], isEnabled: false))
        for text in ["q", "archive:a", "archive:", "lambda:x", ":", ""] {
            #expect(RuleTarget(text).description == text)
            try Self.expectRoundTrip(RuleTarget(text))
        }
        for grouping in [Grouping.correlation, .stream, .unordered, .paths(["a"])] {
            #expect(Grouping(grouping.description) == grouping)
            try Self.expectRoundTrip(grouping)
        }
        for start in [QueueStart.end, .beginning, .position(17), .time(time)] {
            #expect(QueueStart(start.description) == start)
            try Self.expectRoundTrip(start)
        }
    }

    @Test(arguments: ["", "Stream", "path", "path:", "path:a,,b", "path:a..b", "path:,"])
    func `Malformed grouping is rejected`(text: String) {
        #expect(Grouping(text) == nil)
        #expect(throws: DecodingError.self) { try Self.read("\"\(text)\"") as Grouping }
    }

    @Test(arguments: ["", "start", "position:", "position:-1", "time:", "time:today"])
    func `Malformed queue start is rejected`(text: String) {
        #expect(QueueStart(text) == nil)
        #expect(throws: DecodingError.self) { try Self.read("\"\(text)\"") as QueueStart }
    }

    @Test func `Fault of an invalid definition is one line, and a valid one has none`() {
        #expect(QueueDefinition(name: "a.b-c_9").fault == nil)
        let pattern = "{}"
        #expect(RuleDefinition(name: "r", pattern: pattern, targets: ["q"]).fault == nil)
        let faults = [
            QueueDefinition(name: "").fault, QueueDefinition(name: "a b").fault,
            QueueDefinition(name: String(repeating: "x", count: 65)).fault,
            QueueDefinition(name: "q", visibilityTimeout: 0).fault,
            QueueDefinition(name: "q", visibilityTimeout: .nan).fault,
            QueueDefinition(name: "q", retry: RetryPolicy(maximumReceives: 0)).fault,
            QueueDefinition(name: "q", retry: RetryPolicy(maximumAge: 0)).fault,
            QueueDefinition(name: "q", retry: RetryPolicy(backoff: -1)).fault,
            QueueDefinition(name: "q", retry: RetryPolicy(backoff: 2, maximumBackoff: 1)).fault,
            RuleDefinition(name: "a/b", pattern: pattern, targets: ["q"]).fault,
            RuleDefinition(name: "r", pattern: pattern, targets: []).fault,
            RuleDefinition(name: "r", pattern: pattern, targets: ["q", "q"]).fault,
            RuleDefinition(name: "r", pattern: pattern, targets: ["q q"]).fault,
            RuleDefinition(
                name: "r", pattern: pattern, targets: (0...10).map { "q\($0)" }
            ).fault,
        ]
        for (index, fault) in faults.enumerated() {
            #expect(fault?.contains("\n") == false, "\(index)")
        }
    }
}
