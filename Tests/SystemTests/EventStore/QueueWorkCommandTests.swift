import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

/// The counts that `work --json` prints when it stops.
private struct Counts: Codable, Equatable {
    var acknowledged: Int
    var failed: Int
    var returned = 0
    var late = 0
}

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Queue worker command` {
    private let suite: IntegrationHarness.Suite
    private let store: EventStoreClient

    init() async throws {
        suite = try Suite()
        try suite.start("event-store")
        store = try await suite.eventStore()
    }

    private var executable: String {
        let folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        return folder.appending(path: "event-store").path
    }

    /// Starts a worker that writes its standard error to its standard output.
    private func worker(_ command: String, _ options: String...) throws -> Conversation {
        return try Conversation(
            URL(filePath: "/bin/sh"),
            ["-c", #"exec "$0" queues work q --exec "$@" 2>&1"#, executable, command] + options,
            environment: ["DAYBOOK_HOME": suite.home])
    }

    @Test func `Worker passes each event and its delivery to the command`() async throws {
        try suite.makeQueue("q")
        try await store.append(0..<20)
        let command = """
            read line; case $line in *'"data":'$(($DAYBOOK_POSITION - 3))'}') ;; *) exit 1 ;; esac
            [ "$DAYBOOK_QUEUE $DAYBOOK_RULE $DAYBOOK_REPLAY $DAYBOOK_RECEIVE_COUNT" = "q to-q  1" ]
            """
        let counts = try suite.bus(
            Counts.self, "queues", "work", "q", "--exec", command, "--until-empty",
            "--concurrency", "4")
        #expect(counts == [Counts(acknowledged: 20, failed: 0)])
        #expect(try suite.queue("q").acknowledged == 20)
        await store.close()
    }

    @Test func `Worker counts only acknowledgements that the store confirms`() async throws {
        try suite.makeQueue("q")
        try await store.append(0..<1)
        // The purge ends the worker's lease before its command ends.
        let command = #""\#(executable)" queues purge q --yes >&2"#
        let run = try suite.run(
            "event-store", "queues", "work", "q", "--exec", command, "--until-empty")
        #expect(run.status == 65, "\(run)")
        #expect(run.output == "0 acknowledged, 0 failed, 1 not confirmed\n", "\(run)")
        #expect(
            run.errors.contains(
                "the acknowledgement of Even at position 3, attempt 1, came too late: "),
            "\(run)")
        #expect(run.errors.hasSuffix("no delivery of queue 'q' was acknowledged\n"), "\(run)")
        try await store.append(1..<3)
        let counts = try suite.bus(
            Counts.self, "queues", "work", "q", "--exec", "true", "--until-empty")
        #expect(counts == [Counts(acknowledged: 2, failed: 0)])
        await store.close()
    }

    @Test func `Failed event becomes a dead letter, and redrive restores the order`() async throws {
        try suite.makeQueue(
            "q", "--grouping", "stream", "--maximum-receives", "2", "--backoff", "10ms")
        try await store.append(0..<4)
        // Only the event at position 3, whose data is 0, fails. The event 2 waits behind it.
        let failing = """
            [ $DAYBOOK_POSITION != 3 ] || { echo one >&2; echo "no $DAYBOOK_STREAM" >&2; exit 75; }
            """
        let run = try suite.run(
            "event-store", "queues", "work", "q", "--exec", failing, "--until-empty")
        #expect(run.status == 0 && run.output == "2 acknowledged, 2 failed\n", "\(run)")
        #expect(
            run.errors.contains("event-store: Even at position 3, attempt 2, failed: no even-1\n"))

        let letters = try suite.bus(DeadLetterView.self, "dlq", "list", "--queue", "q")
        let view = try #require(letters.first)
        #expect(letters.count == 1 && view.waitingBehind == 1)
        #expect(view.letter.position == 3 && view.letter.error == "no even-1")
        #expect(view.letter.receives == 2 && view.letter.cause == .maximumReceives)
        #expect(view.letter.group == "even-1" && view.letter.rule == "to-q")
        for (status, filter, reason) in [
            (0, ["--group", "odd-1"], ""),
            (65, ["--queue", "none"], "there is no queue 'none'; list them with: "),
            (65, ["--rule", "to-p"], "there is no rule 'to-p'; did you mean 'to-q'?\n"),
        ] as [(Int32, [String], String)] {
            let none = try suite.run(["event-store", "dlq", "list", "--json"] + filter)
            #expect(none.status == status && none.output.isEmpty, "\(filter): \(none)")
            #expect(
                reason.isEmpty ? none.errors.isEmpty : none.errors.contains(reason),
                "\(filter): \(none)")
        }
        let shown = try suite.bus("dlq", "show", "\(view.id)")
        #expect(shown.contains("waiting behind  1\n") && shown.hasSuffix("even-1@0\tEven\t0\n"))

        // The queue delivers the events of the group in log order.
        let some = try suite.run("event-store", "dlq", "redrive", "\(view.id)", "3", "99")
        #expect(some.status == 65 && some.output.isEmpty, "\(some)")
        #expect(
            some.errors
                == "event-store: dead letters redriven: 1; but these ids name no waiting dead "
                + "letter: 3, 99; list the waiting ones with: event-store dlq list\n")
        let order = try suite.bus(
            "queues", "work", "q", "--exec", "echo $DAYBOOK_POSITION", "--until-empty")
        #expect(order == "3\n5\n2 acknowledged, 0 failed\n")
        #expect(try suite.bus(DeadLetterView.self, "dlq", "list").isEmpty)
        await store.close()
    }

    @Test func `Discarded dead letter unblocks its group, and the log has the reason`() async throws
    {
        try suite.makeQueue("q", "--grouping", "stream", "--maximum-receives", "1")
        try await store.append(0..<4)
        try suite.bus(
            "queues", "work", "q", "--exec", "[ $DAYBOOK_POSITION != 3 ]", "--until-empty")
        #expect(
            try suite.bus(
                "dlq", "discard", "--all", "--reason", "not ours", "--actor", "ann")
                == "dead letters discarded: 1\n")
        let order = try suite.bus(
            "queues", "work", "q", "--exec", "echo $DAYBOOK_POSITION", "--until-empty")
        #expect(order == "5\n1 acknowledged, 0 failed\n")
        let events = try suite.bus("read", "--type", "DeadLetterDiscarded", "--json")
        #expect(events.contains(#""reason":"not ours""#) && events.contains("ann"), "\(events)")
        await store.close()
    }

    @Test func `Worker that stops finishes the running command and starts no other`() async throws {
        try suite.makeQueue("q", "--grouping", "unordered")
        try await store.append(0..<3)
        let gate = "\(suite.home)/gate"
        #expect(unsafe mkfifo(gate, 0o600) == 0)
        let worker = try worker("echo begun; cat \(gate); echo ended")
        #expect(await worker.line() == "begun")
        worker.signal(SIGTERM)
        #expect(await worker.line() == "event-store: stopping; events still in flight: 1")
        try "go\n".write(toFile: gate, atomically: false, encoding: .utf8)
        #expect(await worker.line() == "go")
        #expect(await worker.line() == "ended")
        #expect(await worker.line() == "1 acknowledged, 0 failed")
        #expect(await worker.exitStatus() == 0)
        let view = try suite.queue("q")
        #expect(view.acknowledged == 1 && view.depth == 2 && view.inFlight == 0)
        await store.close()
    }

    @Test func `Worker that stops ends commands at the drain timeout and requeues events`()
        async throws
    {
        try suite.makeQueue("q")
        try await store.append(0..<1)
        let worker = try worker("echo begun; sleep 1000 & sleep 1000", "--drain-timeout", "0")
        #expect(await worker.line() == "begun")
        worker.signal(SIGTERM)
        #expect(await worker.line() == "event-store: stopping; events still in flight: 1")
        let fault = "was stopped: the command was ended by signal 15"
        #expect(
            await worker.line() == "event-store: Even at position 3, attempt 1, \(fault)")
        #expect(await worker.line() == "0 acknowledged, 0 failed, 1 returned")
        #expect(await worker.exitStatus() == 0)
        let view = try suite.queue("q")
        #expect(view.acknowledged == 0 && view.depth == 1 && view.inFlight == 0)
        await store.close()
    }

    @Test func `Worker does not start if its command's program does not exist`() async throws {
        try suite.makeQueue("q")
        try await store.append(0..<3)
        let run = try suite.run("event-store", "queues", "work", "q", "--exec", "./missing")
        #expect(run.status == 64, "\(run)")
        #expect(run.errors == "event-store: --exec: there is no file ./missing\n", "\(run)")
        let view = try suite.queue("q")
        #expect(view.depth == 3 && view.inFlight == 0)
        await store.close()
    }

    @Test func `Worker whose command can't be started ends, and its events do not fail`()
        async throws
    {
        try suite.makeQueue("q", "--grouping", "unordered", "--maximum-receives", "1")
        try await store.append(0..<10)
        let run = try suite.run(
            "event-store", "queues", "work", "q", "--exec", "exec ./missing", "--until-empty",
            "--concurrency", "4")
        #expect(run.status == 69 && run.output.isEmpty, "\(run)")
        #expect(run.errors.contains("event-store: the command can't run: "), "\(run)")
        #expect(run.errors.contains("(exit status 127)"), "\(run)")
        let view = try suite.queue("q")
        #expect(view.depth == 10 && view.inFlight == 0 && view.deadLetters == 0)
        // The first delivery that counts is the one that runs.
        let counts = try suite.bus(
            Counts.self, "queues", "work", "q", "--exec", "[ $DAYBOOK_RECEIVE_COUNT = 1 ]",
            "--until-empty")
        #expect(counts == [Counts(acknowledged: 10, failed: 0)])
        await store.close()
    }

    @Test func `Worker whose command always fails slows down and says so once`() async throws {
        try suite.makeQueue("q", "--grouping", "unordered", "--maximum-receives", "1")
        try await store.append(0..<7)
        let run = try suite.run(
            "event-store", "queues", "work", "q", "--exec", "false", "--until-empty")
        #expect(run.status == 65, "\(run)")
        #expect(run.output == "0 acknowledged, 7 failed\n", "\(run)")
        let notices = run.errors.split(separator: "\n").filter { $0.contains("pauses up to") }
        #expect(notices.count == 1, "\(run.errors)")
        #expect(run.errors.hasSuffix("no delivery of queue 'q' was acknowledged\n"), "\(run)")
        await store.close()
    }

    @Test func `Worker receives new events after the store is killed and restarted`() async throws {
        try suite.makeQueue("q", "--backoff", "10ms")
        try await store.append(0..<2)
        let worker = try worker("echo $DAYBOOK_POSITION")
        var seen = [await worker.line(), await worker.line()]
        #expect(seen == ["3", "4"])
        suite.kill("event-store")
        try suite.start("event-store")
        try await store.append(2..<4)
        // The store redelivers events that were not acknowledged before.
        while !seen.contains("6") { seen.append(await worker.line()) }
        #expect(seen.contains("5"))
        worker.signal(SIGTERM)
        while let line = await worker.line() { seen.append(line) }
        // A retried acknowledgement counts as too late if the kill took only its answer.
        #expect(seen.last??.contains(" acknowledged, 0 failed") == true, "\(seen)")
        #expect(await worker.exitStatus() == 0)
        await store.close()
    }
}
