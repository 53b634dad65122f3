import EventSourcing
import EventStoreClient
import Foundation
import Logging
import Observability
import Synchronization
import Testing
import WireProtocol

/// A log of an earlier version, in which clients could append to system streams, can hold any event
/// there. So can an import of system events.
@Suite(.timeLimit(.minutes(10))) struct `Invalid bus events` {
    private struct Case: CustomStringConvertible {
        let stream: String
        let type: String
        let data: String

        init(_ stream: String, _ type: String, _ data: String = "{}") {
            self.stream = stream
            self.type = type
            self.data = data
        }

        var description: String { "\(type) in \(stream): \(data)" }
    }

    /// Invalid values for the integer fields of the bus's events, as JSON.
    private static let figures = [
        "-1", "9223372036854775807", "9223372036854775808", "18446744073709551615",
        "18446744073709551616", "1e300", "-1e300", "null", "\"1\"", "[]", "1e400", "0.5",
    ]

    private static let outOfRange = figures.filter { $0 != "null" && $0 != "0.5" }

    private static let times = [
        "0000-01-01T00:00:00Z", "0000-12-31T23:59:59Z", "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00", "10000-01-01T00:00:00Z", "", "now",
    ]

    private static func letter(_ changes: [String: String]) -> String {
        object(
            [
                "queue": "\"q\"", "rule": "\"r\"", "position": "1",
                "event": "\"00000000-0000-0007-0000-000000000001\"", "type": "\"T\"",
                "sequence": "1", "group": "\"g\"", "cause": "\"MaximumAge\"", "receives": "1",
                "enqueuedAt": "\"2026-01-31T12:00:00Z\"",
            ], changes)
    }

    private static func object(_ fields: [String: String], _ changes: [String: String]) -> String {
        let fields = fields.merging(changes) { $1 }.sorted { $0.key < $1.key }
        return "{" + fields.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
    }

    private static var deadLetters: [Case] {
        var letters = ["", "[]", "{}", letter(["position": "0"]), letter(["position": "1000"])]
        for field in ["sequence", "position", "receives"] {
            letters += figures.map { letter([field: $0]) }
        }
        letters += times.map { letter(["enqueuedAt": "\"\($0)\""]) }
        letters.append(letter(["receives": "1001"]))
        letters.append(letter(["sequence": "4611686018427387904"]))
        for (field, text) in [
            ("queue", "other"), ("queue", ""), ("rule", "a b"), ("replay", ""), ("event", "1"),
            ("cause", "Fate"),
        ] {
            letters.append(letter([field: "\"\(text)\""]))
        }
        var cases = letters.map { Case("$deadletter-q", "DeadLettered", $0) }
        for id in figures + ["0", "1", "1000"] {
            let end = object(["queue": "\"q\"", "position": "1"], ["deadLetter": id])
            cases.append(Case("$deadletter-q", "DeadLetterRedriven", end))
            cases.append(Case("$deadletter-q", "DeadLetterDiscarded", end))
        }
        return cases
    }

    private static var replays: [Case] {
        let start = ["name": "\"x\"", "rules": "[]", "queue": "\"q\""]
        var starts: [String] = []
        for field in ["rate", "speed"] {
            starts += outOfRange.map { object(start, [field: $0]) }
        }
        starts += times.map { object(start, ["since": "\"\($0)\""]) }
        for (field, json) in [
            ("queue", "\"none\""), ("name", "\"y\""), ("rules", #"["r"]"#),
            ("archive", "\"none\""), ("pattern", "\"{\""), ("queue", "null"),
        ] {
            starts.append(object(start, [field: json]))
        }
        starts.append(object(start, ["queue": "null", "rules": #"["none"]"#]))
        let noon = "\"2026-01-31T12:00:00Z\""
        starts.append(object(start, ["since": noon, "until": noon]))
        var cases = starts.map { Case("$replay-x", "ReplayStarted", $0) }
        for type in ["ReplayPaused", "ReplayResumed", "ReplayCancelled"] {
            cases.append(Case("$replay-x", type))
        }
        for state in ["RUNNING", "PAUSED", "STARTING", "COMPLETED", "x"] {
            let end = object(["position": "1", "delivered": "0"], ["state": "\"\(state)\""])
            cases.append(Case("$replay-x", "ReplayEnded", end))
        }
        return cases
    }

    private static var definitions: [Case] {
        let queue = ["name": "\"new\""]
        var queues = ["null"]
        queues += (outOfRange + ["0"]).map { object(queue, ["visibilityTimeout": $0]) }
        for field in ["maximumReceives", "maximumAge", "backoff", "maximumBackoff"] {
            queues += outOfRange.map { object(queue, ["retry": object([:], [field: $0])]) }
        }
        queues += times.map { object(queue, ["start": "\"time:\($0)\""]) }
        for (field, text) in [
            ("start", "position:18446744073709551616"), ("grouping", "path:"), ("name", "q"),
            ("name", ""),
        ] {
            queues.append(object(queue, [field: "\"\(text)\""]))
        }
        var cases = queues.map { Case("$queue-new", "QueuePut", $0) }
        // A queue keeps its grouping, and its start once a rule has targeted it.
        for change in [["grouping": "\"stream\""], ["start": "\"beginning\""]] {
            let changed = object(["name": "\"q\"", "visibilityTimeout": "5"], change)
            cases.append(Case("$queue-q", "QueuePut", changed))
        }
        let rule = [
            "name": "\"s\"", "description": "\"\"", "pattern": "\"{}\"", "targets": #"["q"]"#,
            "isEnabled": "true",
        ]
        for (field, json) in [
            ("targets", "[]"), ("pattern", "\"{\""), ("name", "\"r\""), ("targets", #"["a b"]"#),
        ] {
            cases.append(Case("$rule-s", "RulePut", object(rule, [field: json])))
        }
        let archive = ["name": "\"a\"", "place": "\"/tmp\""]
        for days in outOfRange + ["0"] {
            cases.append(
                Case("$archive-a", "ArchiveCreated", object(archive, ["retentionDays": days])))
        }
        for place in ["here", "", "s4://bucket", "s3://"] {
            let changed = object(archive, ["place": "\"\(place)\""])
            cases.append(Case("$archive-a", "ArchiveCreated", changed))
        }
        for (stream, type) in [
            ("$rule-none", "RuleDeleted"), ("$queue-none", "QueueDeleted"),
            ("$queue-none", "QueuePaused"), ("$queue-none", "QueueResumed"),
            ("$queue-none", "QueuePurged"), ("$archive-none", "ArchiveDeleted"),
            ("$rule-q", "QueuePaused"), ("$queue-r", "RuleDeleted"), ("$rule", "RuleDeleted"),
            ("$queue-q", "Nonsense"),
        ] {
            cases.append(Case(stream, type))
        }
        return cases
    }

    @Test func `Invalid bus events have no effect, at append and after a restart`() async throws {
        let log = LoggedErrors()
        let bus = try await RunningBus(logger: log.logger)
        try await bus.put(QueueDefinition(name: "q"))
        try await bus.put(rule: "r", to: "q")
        try await bus.append(2)
        let before = try await state(of: bus)
        let cases = Self.deadLetters + Self.replays + Self.definitions
        try await bus.appendOwn(
            cases.map { invalid in
                NewEvent(
                    stream: try StreamName(invalid.stream), type: invalid.type,
                    data: Array(invalid.data.utf8))
            })
        #expect(try await state(of: bus) == before)
        let ignored = log.positions
        #expect(ignored.count == cases.count, "an event was not logged exactly once")
        #expect(Set(ignored).count == cases.count)

        await bus.stop()
        try await bus.start()
        #expect(try await state(of: bus) == before)
        #expect(log.positions == ignored, "an event was logged again after the restart")
        // The bus still works as before.
        let last = try await bus.append(1)
        #expect(try await bus.drain("q").suffix(1) == [last.lowerBound])
        await bus.stop()
    }

    /// Everything that events of the bus can change.
    private func state(of bus: RunningBus) async throws -> [String] {
        let head = try await bus.store.welcome().head
        let admin = bus.admin
        let queues: [QueueView] = try await admin.query(BusCall.queues, Nothing(), atLeast: head)
        let rules: [RuleView] = try await admin.query(BusCall.rules, Nothing(), atLeast: head)
        let replays: [ReplayView] = try await admin.query(BusCall.replays, Nothing())
        let archives: [ArchiveView] = try await admin.query(BusCall.archives, Nothing())
        return queues.map { "\($0.queue) \($0.isPaused) \($0.depth) \($0.deadLetters)" }
            + rules.map { "\($0.rule)" } + replays.map { "\($0.replay)" }
            + archives.map { "\($0.archive)" }
            + (try await bus.deadLetters()).map { "\($0.letter)" }
    }
}

/// Records the events that were logged as having no effect.
private final class LoggedErrors: Sendable {
    private let found = Mutex<[String]>([])

    var positions: [String] { found.withLock { $0 } }

    var logger: Logger {
        Logger(label: "bus") { _ in
            Handler { position in self.found.withLock { $0.append(position) } }
        }
    }

    private struct Handler: LogHandler {
        let note: @Sendable (String) -> Void
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.error

        init(_ note: @escaping @Sendable (String) -> Void) { self.note = note }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            guard event.message.description == "an event has no effect",
                let position = event.metadata?["position"]
            else { return }
            note("\(position)")
        }
    }
}
