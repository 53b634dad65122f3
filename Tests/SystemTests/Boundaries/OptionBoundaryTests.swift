import CommandLine
import Foundation
import IntegrationHarness
import TestSupport
import Testing

/// A command with an option or argument that takes a number or a time. VALUE is its placeholder.
private struct Row: Sendable {
    let command: [String]
    let values: [String]

    init(_ command: String, _ values: [String] = numbers, but excluded: Set<String> = []) {
        self.command = command.split(separator: " ").map(String.init)
        self.values = values.filter { !excluded.contains($0) }
    }

    static let numbers = [
        "-1", "nan", "inf", "1e300", "9223372036854775807", "9223372036854775808",
        "18446744073709551615", "18446744073709551616",
    ]
    static let times = [
        "0000-01-01", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59Z", "10000-01-01",
    ]

    private static let place = "orders place --customer c --to LHR --item cd:1:1.00"
    private static let append = "event-store append --stream a-1 --type T --data 1"

    static let all = [
        Row("\(place) --deadline=VALUE"),
        Row("orders place --customer c --to LHR --item=cd:VALUE:1"),
        Row("orders place --customer c --to LHR --item=cd:1:VALUE"),
        Row("balance show c --timeout=VALUE"), Row("balance show c --position=VALUE"),
        Row("balance show c --at=VALUE", times), Row("balance show c --without=VALUE"),
        Row("balance diff c --from=VALUE"), Row("balance diff c --from=1 --to=VALUE"),
        Row("balance diff c --from=VALUE", times), Row("balance reverse VALUE --reason r"),
        Row("balance health --lag=VALUE"), Row("balance rebuild --into=none/x --until=VALUE"),
        Row("credit c VALUE"), Row("withdraw c VALUE"), Row("creditLimit set c VALUE"),
        Row("route plan LHR --hours=VALUE"), Row("route plan LHR --quantity=VALUE"),
        Row("event-store read --from=VALUE"), Row("event-store read --limit=VALUE"),
        Row("event-store read --since=VALUE", times), Row("event-store read --until=VALUE", times),
        Row("event-store read --correlation=VALUE"),
        Row("event-store streams --after=VALUE"), Row("event-store streams --limit=VALUE"),
        Row("event-store export --from=VALUE"),
        // The command waits for a future position.
        Row(
            "event-store tail --limit=1 --from=VALUE",
            but: ["9223372036854775807", "9223372036854775808", "18446744073709551615"]),
        Row("event-store tail --limit=1 --last=VALUE"),
        Row("event-store tail --last=1 --limit=VALUE", ["-1", "0", "nan", "18446744073709551616"]),
        Row("event-store tail --limit=1 --since=VALUE", times, but: ["9999-12-31T23:59:59Z"]),
        Row("event-store amend VALUE --reason r"),
        Row("\(append) --expect=VALUE"), Row("event-store serve --segment-size=VALUE"),
        Row("event-store queues create x --visibility-timeout=VALUE"),
        Row("event-store queues create x --maximum-receives=VALUE"),
        Row("event-store queues create x --maximum-age=VALUE"),
        Row("event-store queues create x --backoff=VALUE"),
        Row("event-store queues create x --maximum-backoff=VALUE"),
        Row("event-store queues create x --start=VALUE"),
        Row("event-store queues create x1 --start=time:VALUE", times),
        Row("event-store queues receive q --max=VALUE"),
        Row("event-store queues receive q --wait=VALUE"),
        Row("event-store queues receive q --visibility-timeout=VALUE"),
        Row("event-store queues ack q VALUE:1"), Row("event-store queues ack q 1:VALUE"),
        Row("event-store queues nack q 1:1 --delay=VALUE"),
        Row("event-store queues nack q 1:1 --delay=VALUE", ["-1s", "86401", "1e9", "100000000d"]),
        Row("event-store queues extend q 1:1 --by=VALUE"),
        Row("event-store queues extend q 1:1 --by=VALUE", ["0", "43201", "1e9", "100000000d"]),
        Row("event-store queues work q --exec true --concurrency=VALUE"),
        Row("event-store queues work q --exec true --visibility-timeout=VALUE"),
        Row("event-store queues work q --exec true --drain-timeout=VALUE"),
        Row("event-store replays start x --from-log --to-queue q --rate=VALUE", but: ["nan"]),
        Row("event-store replays start x --from-log --to-queue q --speed=VALUE"),
        Row("event-store archives create x --to none --retention=VALUE"),
        Row("event-store dlq show VALUE"), Row("event-store dlq redrive VALUE"),
        Row("event-store dlq discard VALUE --reason r"),
        Row("event-store rules test --pattern {} --last=VALUE"),
        Row("orders import BOOK --limit=VALUE", but: ["9223372036854775807"]),
        Row("orders import BOOK --window=VALUE"), Row("orders import BOOK --deadline=VALUE"),
    ]

    /// The names of the command's options that take VALUE.
    var options: [String] {
        command.filter { $0.hasPrefix("--") && $0.contains("VALUE") }
            .compactMap { $0.dropFirst(2).split(separator: "=").first.map(String.init) }
    }
}

@Suite(.mayBlock, .timeLimit(.minutes(10))) struct `Option boundaries` {
    private static let root = URL(filePath: #filePath).appending(path: "../../../..")
        .standardizedFileURL

    /// Fails if a new option is not in the table.
    @Test func `Every option that takes a number or a time is in the table`() throws {
        let declaration = #/@Option[^@]*?var (\w+)(?:: ([\w\[\]]+)\??)?(?: = ([^\n]+))?/#
        let types = [
            "Double", "Int", "UInt64", "Seconds", "Days", "Pace", "Timestamp", "Moment",
            "QueueStart", "EventReference", "[EventID]",
        ]
        let rows = Set(Row.all.flatMap(\.options))
        var found = 0
        for folder in ["Services", "Shared/CommandLine"] {
            let files = FileManager.default.enumerator(
                atPath: Self.root.appending(path: folder).path)
            for case let file as String in try #require(files)
            where file.hasSuffix(".swift")
                && (folder != "Services" || file.contains(#/\/(Main|CommandLine)\//#))
            {
                let text = try String(
                    contentsOf: Self.root.appending(path: "\(folder)/\(file)"), encoding: .utf8)
                for match in text.matches(of: declaration) {
                    let type = match.output.2.map(String.init)
                    let initial = match.output.3.map(String.init) ?? ""
                    guard
                        types.contains(type ?? "")
                            || type == nil
                                && initial.contains(
                                    #/^(?:[\d.]+$|Int\.max|Seconds\(|Timeout\(|.*Lag$)/#)
                    else { continue }
                    found += 1
                    let given = match.output.0.firstMatch(of: #/customLong\("([\w-]+)"\)/#)
                    let name =
                        given.map(\.output.1)
                        ?? match.output.1.replacing(#/[A-Z]/#) { "-\($0.output.lowercased())" }
                    #expect(rows.contains(String(name)), "--\(name) in \(file)")
                }
            }
        }
        #expect(found > 30)
    }

    @Test func `No option value crashes a command or the process that it calls`() async throws {
        let suite = try Suite()
        try await suite.startAll()
        for arguments in [
            ["balance", "open", "c"], ["event-store", "queues", "create", "q"],
        ] {
            let run = try suite.run(arguments)
            #expect(run.status == 0, "\(arguments): \(run.errors)")
        }
        let book = "\(suite.home)/book"
        try Data("head\n 1 19970101 1 11.77\n".utf8).write(to: URL(filePath: book))
        for row in Row.all {
            let commands = row.values.map { value in
                row.command.map { $0 == "BOOK" ? book : $0.replacing("VALUE", with: value) }
            }
            // Runs the first and the last, the greatest, of the values that the parser accepts.
            var taken: [[String]] = []
            var rejections: [ParserAnswer] = []
            for command in commands {
                let rejection = try await Executable.answer(to: command)
                if let rejection { rejections.append(rejection) } else { taken.append(command) }
            }
            #expect([nil, 64].contains(rejections.first?.status), "\(row.command)")
            for command in Set([taken.first, taken.last].compactMap(\.self)) {
                try expectAnswer(command, of: suite)
            }
        }
        try importColumns(suite)
        for name in Suite.services + ["event-store"] {
            #expect(suite.isRunning(name), "\(name): \(suite.log(of: name).suffix(2000))")
        }
    }

    /// Runs a command that may be rejected, but must not crash.
    private func expectAnswer(_ command: [String], of suite: Suite) throws {
        let run = try suite.run(command, timeout: 60)
        #expect([0, 64, 65, 69].contains(run.status), "\(command): \(run)")
        #expect(run.status == 0 || !run.errors.isEmpty, "\(command) prints no error")
    }

    /// Imports a book with extreme values in every column: first all or nothing, then without the
    /// invalid lines.
    private func importColumns(_ suite: Suite) throws {
        let line = ["1", "19970101", "1", "11.77"]
        let extremes = [
            "-0005", "-1", "x", "99999999999999999999", "9223372036854775808", "1e300", "nan",
            "00000000", "99991231", "100000101", "-11.77", "0.00",
            String(repeating: "1", count: 300),
        ]
        var lines = ["head"]
        for column in line.indices {
            for value in extremes {
                var fields = line
                fields[column] = value
                lines.append(" " + fields.joined(separator: " "))
            }
        }
        let book = "\(suite.home)/columns"
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: book))
        let command = ["orders", "import", book, "--timeout", "5"]
        let refused = try suite.run(command)
        #expect(refused.status == 65, "\(refused)")
        for number in [2, 4, 20, lines.count] {
            #expect(refused.errors.contains("line \(number)"), "\(refused)")
        }
        try expectAnswer(command + ["--skip-invalid"], of: suite)
    }
}
