import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import TestSupport
import Testing
import WireProtocol

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Export and import` {
    private func started() throws -> IntegrationHarness.Suite {
        let suite = try Suite()
        try suite.start("event-store")
        return suite
    }

    /// All events as their producers wrote them, in log order.
    private func written(_ store: EventStoreClient) async throws -> [NewEvent] {
        var written: [NewEvent] = []
        try await store.read(ReadRequest()) { events in
            written += events.map {
                NewEvent(
                    id: $0.id, stream: $0.stream, type: $0.type, tags: $0.tags,
                    correlationID: $0.correlationID, causationID: $0.causationID,
                    contentType: $0.contentType, metadata: Array($0.metadata),
                    data: Array($0.data))
            }
        }
        return written
    }

    private func times(
        _ store: EventStoreClient, _ time: (RecordedEvent) -> Timestamp
    ) async throws -> [Timestamp] {
        var times: [Timestamp] = []
        try await store.read(ReadRequest()) { times += $0.map(time) }
        return times
    }

    private func fill(_ store: EventStoreClient) async throws {
        let data = [#"{ "b":1.0, "a":1e3, "a":12345678901234567890 }"#, "{\n}", "no JSON", ""]
        let events = try (0..<1200).map { number in
            NewEvent(
                stream: try StreamName("s-\(number % 7)"), type: "T", tags: ["a,b:\(number)", "%"],
                correlationID: .random(), causationID: .random(),
                contentType: number.isMultiple(of: 5) ? "image/png" : "application/json",
                metadata: Array(#"{"actor":"a"}"#.utf8),
                data: Array(data[number % 4].utf8) + (number.isMultiple(of: 3) ? [0xFF] : []))
        }
        _ = try await store.append(events)
    }

    @Test func `Import copies each event of a log unchanged and only once`() async throws {
        let (from, to) = (try started(), try started())
        let (source, target) = (try await from.eventStore(), try await to.eventStore())
        try await fill(source)
        // The target has some of the events already, and other events.
        let part = "\(from.home)/part.jsonl"
        #expect(try from.run("event-store", "export", "--stream", "s-3", part).status == 0)
        try await target.append(0..<2)
        let first = try to.run("event-store", "import", part)
        #expect(first.output == "171 events imported, 0 were there already\n")

        let file = "\(from.home)/log.jsonl"
        let export = try from.run("event-store", "export", file)
        #expect(export.output == "exported 1200 events to \(file)\n", "\(export.errors)")
        let rest = try to.run("event-store", "import", file)
        #expect(rest.output == "1029 events imported, 171 were there already\n", "\(rest.errors)")
        let again = try to.run("event-store", "import", "--json", file)
        #expect(
            again.output == "{\"alreadyThere\":1200,\"imported\":0,\"leftOut\":0}\n",
            "\(again.errors)")
        #expect(try await target.welcome().head == 1202)

        let (before, after) = (try await written(source), try await written(target).dropFirst(2))
        #expect(after.count == 1200 && Set(before) == Set(after))
        await source.close()
        await target.close()
    }

    /// Starts a store with rules, appends some events to it, and exports its log.
    private func export(to file: String, of suite: IntegrationHarness.Suite) async throws {
        try suite.start("event-store")
        for command in [
            ["queues", "create", "q"],
            ["rules", "put", "r", "--pattern", #"{"detail-type":["None"]}"#, "--target", "q"],
        ] {
            let run = try suite.run(["event-store"] + command)
            #expect(run.status == 0, "\(run)")
        }
        let store = try await suite.eventStore()
        try await fill(store)
        await store.close()
        #expect(try suite.run("event-store", "queues", "pause", "q").status == 0)
        let export = try suite.run("event-store", "export", file)
        #expect(export.output == "exported 1203 events to \(file)\n", "\(export)")
    }

    @Test func `Import leaves out system events and counts them`() async throws {
        let (from, to) = (try Suite(), try started())
        let file = "\(from.home)/log.jsonl"
        try await export(to: file, of: from)
        let first = try to.run("event-store", "import", file)
        #expect(
            first.output
                == "1200 events imported, 0 were there already, left out 3 system events\n",
            "\(first)")
        let again = try to.run("event-store", "import", "--json", file)
        #expect(again.output == "{\"alreadyThere\":1200,\"imported\":0,\"leftOut\":3}\n")
        // Also when the others go to another stream.
        let moved = try started().run("event-store", "import", file, "--stream", "moved")
        #expect(moved.output == first.output, "\(moved)")
        #expect(try to.run("event-store", "queues", "show", "q").status == 65)
        let direct = try to.run(
            "event-store", "append", "--stream", "$queue-q", "--type", "QueueDeleted", "--data",
            "{}")
        #expect(direct.status == 65, "\(direct)")
        #expect(direct.errors.contains("only the event store itself appends"), "\(direct)")
        for options in [
            ["--stream", "$queue-q"], ["--system", "--stream", "s-1"],
            ["--system", "--endpoint", to.endpoint(of: "event-store")],
        ] {
            let run = try to.run(["event-store", "import", file] + options)
            #expect(run.status == 64 && run.output.isEmpty, "\(options): \(run)")
        }
    }

    @Test func `Import of system events copies a whole log into a new one that is not served`()
        async throws
    {
        let (from, to) = (try Suite(), try Suite())
        let file = "\(from.home)/log.jsonl"
        try await export(to: file, of: from)
        // An import that was interrupted after 700 lines, and is run again.
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        let part = "\(from.home)/part.jsonl"
        try lines.prefix(700).joined(separator: "\n")
            .write(toFile: part, atomically: true, encoding: .utf8)
        let begun = try to.run("event-store", "import", "--system", part)
        #expect(begun.output == "700 events imported, 0 were there already\n", "\(begun)")
        let rest = try to.run("event-store", "import", "--system", file)
        #expect(rest.output == "503 events imported, 700 were there already\n", "\(rest)")
        try to.start("event-store")
        let (source, target) = (try await from.eventStore(), try await to.eventStore())
        #expect(try await written(source) == written(target))
        #expect(try to.run("event-store", "queues", "show", "q").status == 0)
        await source.close()
        await target.close()
        // A store serves this log.
        let served = try to.run("event-store", "import", "--system", file)
        #expect(served.status == 69 && served.errors.contains("stop it first"), "\(served)")
        #expect(to.terminate("event-store") == 0)
        let whole = try to.run("event-store", "import", "--system", file)
        #expect(whole.output == "0 events imported, 1203 were there already\n", "\(whole)")
        // The log has other events than this file begins with.
        let first = lines[0].replacing(#/"id":"[^"]*"/#, with: #""id":"\#(EventID.random())""#)
        try ([first] + lines.dropFirst()).joined(separator: "\n")
            .write(toFile: part, atomically: true, encoding: .utf8)
        let other = try to.run("event-store", "import", "--system", part)
        #expect(other.status == 65, "\(other)")
        #expect(other.errors.contains("import system events into a new log"), "\(other)")
    }

    @Test func `Import of system events accepts only the export of a whole log`() async throws {
        let (from, to) = (try Suite(), try Suite())
        let file = "\(from.home)/log.jsonl"
        try await export(to: file, of: from)
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        let foreign = Self.line(1)
        for (wrong, error) in [
            (lines.dropFirst(), "line 1: it had position 2 and would get 1, but system events"),
            (lines.prefix(2) + lines.dropFirst(3), "line 3: it had position 4 and would get 3"),
            (lines.prefix(2) + [Substring(foreign)], "line 3: it is of another producer"),
        ] {
            let part = "\(from.home)/part.jsonl"
            try wrong.joined(separator: "\n")
                .write(toFile: part, atomically: true, encoding: .utf8)
            let run = try to.run("event-store", "import", "--system", part)
            #expect(run.status == 65 && run.errors.contains(error), "\(run)")
        }
        // The lines before the wrong one are those of the whole log.
        let whole = try to.run("event-store", "import", "--system", file)
        #expect(whole.output == "1201 events imported, 2 were there already\n", "\(whole)")
    }

    @Test func `Import keeps the order of the log, and export overwrites no file`() async throws {
        let (from, to) = (try started(), try started())
        let (source, target) = (try await from.eventStore(), try await to.eventStore())
        try await fill(source)
        let file = "\(from.home)/log.jsonl"
        _ = try from.run("event-store", "export", file)
        #expect(try to.run("event-store", "import", file).status == 0)
        #expect(try await written(source) == written(target))
        // The events are history now, with the times of their own log, and are exported unchanged.
        #expect(try await times(target, \.occurredAt) == times(source, \.time))
        #expect(try await target.welcome().history == 1200)
        let again = "\(to.home)/again.jsonl"
        #expect(try to.run("event-store", "export", again).status == 0)
        let (log, other) = (try await source.welcome().log, try await target.welcome().log)
        #expect(
            try String(contentsOfFile: file, encoding: .utf8)
                == String(contentsOfFile: again, encoding: .utf8)
                .replacing(other.description, with: log.description))
        // A log that has the events of its own leaves them as they are.
        let own = try from.run("event-store", "import", again)
        #expect(own.output == "0 events imported, 1200 were there already\n", "\(own)")
        #expect(try await source.welcome().history == nil)
        let second = try from.run("event-store", "export", file)
        #expect(second.status == 65 && second.errors.contains("exists already"))
        await source.close()
        await target.close()
    }

    private static func line(_ id: Int, _ data: String = "1", subject: String = "a-1") -> String {
        #"{"specversion":"1.0","id":"\#(id)","source":"s","type":"T","#
            + #""subject":"\#(subject)","data":\#(data)}"#
    }

    @Test func `Import stops at the first invalid line and names it`() async throws {
        let suite = try started()
        let store = try await suite.eventStore()
        let file = "\(suite.home)/events.jsonl"
        func imports(_ lines: [String], _ options: String...) throws -> IntegrationHarness.Suite.Run
        {
            try lines.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
            return try suite.run(["event-store", "import", file] + options)
        }
        let wrong = try imports([Self.line(1), Self.line(2), "{", Self.line(3)])
        #expect(wrong.status == 65)
        #expect(
            wrong.errors
                == "event-store: line 3: it is not JSON at byte 2: expected a name in quotes; "
                + "2 events imported, 0 were there already\n")
        #expect(try await store.welcome().head == 2)

        // No event of the batch is appended if one of its ids is taken.
        let other = try imports([Self.line(4), Self.line(2, "2"), Self.line(5)])
        #expect(other.status == 65)
        #expect(
            other.errors.contains("line 2: event ") && other.errors.contains("0 events imported"))
        #expect(try await store.welcome().head == 2)

        let repeated = try imports([Self.line(1), Self.line(6), Self.line(6), Self.line(2)])
        #expect(repeated.output == "1 events imported, 3 were there already\n")
        let spaced = try imports(["\u{FEFF}" + Self.line(8), "", " \t\r", Self.line(9), ""])
        #expect(spaced.output == "2 events imported, 0 were there already\n", "\(spaced)")
        let counted = try imports(["", Self.line(8), "", "{"])
        #expect(counted.errors.contains("line 4: it is not JSON"), "\(counted)")
        let nowhere = try imports([Self.line(7, subject: "a file.txt")])
        #expect(nowhere.status == 65 && nowhere.errors.contains("--stream"))
        let given = try imports([Self.line(7, subject: "a file.txt")], "--stream", "files")
        #expect(given.status == 0, "\(given.errors)")
        #expect(
            try suite.run("event-store", "read", "--stream", "files").output.hasSuffix("T\t1\n"))
        #expect(try suite.run("event-store", "import", "/nonexistent").status == 65)
        await store.close()
    }
}

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Read command` {
    @Test func `Read applies its filters, and invalid option values are rejected`() async throws {
        let suite = try Suite()
        try suite.start("event-store")
        let store = try await suite.eventStore()
        try await store.append(0..<6)
        var times: [String] = []
        try await store.read(ReadRequest()) { times += $0.map { "\($0.time)" } }
        let expected: [([String], [String])] = [
            (["--since", times[2], "--until", times[4]], ["2", "3"]),
            (["--since", times[3], "--type", "Even"], ["4"]),
            (["--category", "even", "--category", "odd", "--limit", "3"], ["0", "1", "2"]),
            (["--backwards", "--from", "4", "--limit", "2"], ["3", "2"]),
            (["--tag", "number:1", "--stream", "odd-1"], ["1"]),
            (["--tag", "number:1", "--tag", "number:2"], []),
            (["--json", "--from", "6"], [#""data":5}"#]),
        ]
        for (options, data) in expected {
            let run = try suite.run(["event-store", "read"] + options)
            let lines = run.output.split(separator: "\n")
            #expect(lines.count == data.count, "\(options): \(run)")
            for (line, data) in zip(lines, data) { #expect(line.hasSuffix(data), "\(options)") }
        }
        let wrong = [
            ["read", "--since", "yesterday"], ["read", "--from", "0"], ["read", "--limit", "0"],
            ["read", "--since", times[2], "--until", times[2]], ["export", "--from", "0"],
            ["tail", "--from", "1", "--last", "1"], ["tail", "--last", "1", "--since", times[0]],
            ["tail", "--limit", "0"],
        ]
        for arguments in wrong {
            let run = try suite.run(["event-store"] + arguments)
            #expect(run.status == 64 && run.output.isEmpty, "\(arguments): \(run)")
        }
        #expect(try suite.run("event-store", "read", "--stream", "a b").status == 65)
        await store.close()
    }
}
