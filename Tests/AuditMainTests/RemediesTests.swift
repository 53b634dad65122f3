import EventSourcing
import TestSupport
import Testing
import WireProtocol

@testable import AuditDomain
@testable import AuditMain

/// The commands that the audit prints below a finding.
@Suite struct Remedies {
    private let trigger = Trigger(queue: "balance", position: 10, stream: "order-o", group: "o")
    private let replay =
        "event-store replays start audit-balance-10 --from-log --pattern "
        + #"'{"stream":["order-o"],"position":[10]}' --to-queue balance --wait"#

    /// The commands after these events, which have positions from 100 on.
    private func commands(
        _ events: (stream: String, type: BusEventType, data: String)...
    ) throws -> [String] {
        var remedies = AuditMain.Remedies()
        remedies.record(try record(at: 1, stream: "$queue-balance", type: "QueuePut", data: "{}"))
        for (index, event) in events.enumerated() {
            remedies.record(
                try record(
                    at: UInt64(100 + index), stream: event.stream, type: event.type.rawValue,
                    data: event.data))
        }
        return remedies.commands(for: trigger)
    }

    private func letter(_ position: UInt64, group: String, queue: String = "balance") -> String {
        """
        {"queue":"\(queue)","rule":"r","position":\(position),\
        "event":"00000000-0000-0000-0000-000000000001","type":"T","sequence":1,"group":"\(group)",\
        "cause":"MaximumReceives","receives":3,"enqueuedAt":"2026-01-01T00:00:00Z"}
        """
    }

    @Test func `Remedy for a lost event is a replay into its queue`() throws {
        #expect(try commands() == [replay])
        #expect(try commands(("$queue-balance", .queuePurged, "{}")) == [replay])
    }

    @Test func `Remedy's replay gets a name that was not used before`() throws {
        let used = try commands(
            ("$replay-audit-balance-10", .replayStarted, "{}"),
            ("$replay-audit-balance-10-2", .replayStarted, "{}"))
        #expect(used == [replay.replacing("balance-10 ", with: "balance-10-3 ")])
    }

    @Test func `Remedy for a dead letter is a redrive`() throws {
        let dead = ("$deadletter-balance", BusEventType.deadLettered, letter(10, group: "o"))
        #expect(try commands(dead) == ["event-store dlq redrive 100"])
        let end = #"{"queue":"balance","deadLetter":100,"position":10}"#
        #expect(try commands(dead, ("$deadletter-balance", .deadLetterRedriven, end)) == [replay])
        #expect(try commands(dead, ("$deadletter-balance", .deadLetterDiscarded, end)) == [replay])
    }

    @Test func `Remedy for a group behind a dead letter is a redrive`() throws {
        let dead = ("$deadletter-balance", BusEventType.deadLettered, letter(9, group: "o"))
        #expect(try commands(dead) == ["event-store dlq redrive 100"])
        let purge = ("$queue-balance", BusEventType.queuePurged, "{}")
        #expect(try commands(dead, purge) == ["event-store dlq redrive 100", replay])
        // Another group, another queue and a later event hold nothing back.
        let others = [
            letter(9, group: "p"), letter(9, group: "o", queue: "route"), letter(11, group: "o"),
        ]
        for other in others {
            #expect(try commands(("$deadletter-balance", .deadLettered, other)) == [replay])
        }
    }

    @Test func `Remedy for a paused queue is to resume it`() throws {
        let pause = ("$queue-balance", BusEventType.queuePaused, "{}")
        let resume = "event-store queues resume balance"
        #expect(try commands(pause) == [resume])
        #expect(try commands(pause, ("$queue-balance", .queuePurged, "{}")) == [resume, replay])
        #expect(try commands(pause, ("$queue-balance", .queueResumed, "{}")) == [replay])
    }

    @Test func `Remedy for a missing queue is to apply the rules`() throws {
        #expect(
            try commands(("$queue-balance", .queueDeleted, "{}"))
                == ["event-store rules apply Services/rules.json"])
    }

    @Test func `Invalid bus event does not change the remedy`() throws {
        #expect(try commands(("$deadletter-balance", .deadLettered, "{}")) == [replay])
        #expect(try commands(("$deadletter-balance", .deadLetterRedriven, "[]")) == [replay])
        #expect(try commands(("$queue-balance", .deadLettered, letter(10, group: "o"))) == [replay])
    }
}
