import ArgumentParser
import Bytes
import CommandLine
import EventStoreClient
import Foundation
import JSON
import ServiceRuntime
import WireProtocol

struct Health: ProgramCommand {
    static let abstract = "Exit with 0 if the log and the bus answer, with 69 if not."

    @OptionGroup var options: CallOptions

    func run() async throws {
        let head = try await options.withStore { try await $0.welcome() }.head
        let queues = try await options.withBus { try await $0.all(QueueView.self) }
        if options.json { return try Output.json(["head": head, "queues": UInt64(queues.count)]) }
        try Output.print("healthy, at \(head)")
    }
}

struct Statistics: ProgramCommand {
    static let commandName: String? = "stats"
    static let abstract = "Show the statistics of the event store."

    @OptionGroup var options: CallOptions
    @Flag(help: "Show rates, queues and lags once a second, until SIGTERM or SIGINT.")
    var watch = false

    func run() async throws {
        if watch { endOnSignalWhileStarting() }
        try await options.withStore { client in
            guard watch else { return try show(try await client.statistics()) }
            try await options.withBus { bus in
                let (json, home) = (options.json, options.home)
                let watch = try await StoreWatch(client, bus) { Endpoints.services(home: home) }
                try await untilSignalled { try await WatchDisplay.run(watch, json: json) }
            }
        }
    }

    private func show(_ found: StoreStatistics) throws {
        if options.json { return try Output.json(found) }
        let commitSeconds = found.commitSeconds / Double(max(found.commits, 1))
        let mean = found.commits > 0 ? ", of \(milliseconds(commitSeconds))" : ""
        try Output.fields([
            ("log", found.log), ("events", found.head), ("streams", found.streams),
            ("amended", found.amendedEvents),
            ("on disk", "\(found.bytes) bytes in \(found.segments) segments"),
            ("durability", found.durability), ("up", "\(found.uptimeSeconds) s"),
            ("requests", "\(found.requests), of them \(found.appends) appends"),
            ("commits", "\(found.commits)\(mean)"),
            ("events read", "\(found.eventsRead), \(found.openReads) reads open"),
            ("feed", "\(found.subscriptions) topics subscribed to"),
        ])
    }
}

/// Returns seconds as text in milliseconds, rounded to hundredths, such as `1.25 ms`.
func milliseconds(_ seconds: Double) -> String {
    "\((seconds * 100_000).rounded() / 100) ms"
}

/// Shows the states of a watch as they come.
///
/// On a terminal it redraws the screen. Elsewhere it prints one line each time.
enum WatchDisplay {
    /// Shows the states until the task is cancelled.
    ///
    /// - Throws: `ExitCode.success` if the reader has closed the output.
    static func run(_ watch: StoreWatch, json: Bool) async throws {
        signal(SIGPIPE, SIG_IGN)
        var watch = watch
        let isInPlace = !json && isatty(STDOUT_FILENO) == 1
        // The screen is cleared once. Later output overwrites the lines, to avoid flicker.
        if isInPlace { try write("\u{1B}[2J") }
        while true {
            let activity = try await watch.next()
            let text =
                if json {
                    String(decoding: try JSON.data(activity).visibleJSON, as: UTF8.self) + "\n"
                } else if isInPlace {
                    "\u{1B}[H" + activity.lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J"
                } else {
                    activity.line + "\n"
                }
            try write(text)
        }
    }

    private static func write(_ text: String) throws {
        try Output.stream(text.utf8)
    }
}

extension StoreActivity {
    /// The state in one line, for output that is not a terminal.
    var line: String {
        let waiting = queues.reduce(0) { $0 + $1.depth }
        let inFlight = queues.reduce(0) { $0 + $1.inFlight }
        let dead = queues.reduce(0) { $0 + $1.deadLetters }
        let behind = services.map { "\($0.name) \($0.lag.map(String.init) ?? "?")" }
        return "\(time)  \(summary)  \(waiting) queued, \(inFlight) in flight, \(dead) dead  "
            + "lag: \(behind.joined(separator: ", "))"
    }

    /// The state as lines with tables, for a terminal.
    var lines: [String] {
        func table<Row>(_ rows: [Row], _ columns: [Output.Column<Row>]) -> [String] {
            rows.isEmpty ? [] : [""] + Output.lines(rows, columns)
        }
        return ["\(time)", summary]
            + table(
                queues,
                [
                    ("queue", \.name), ("queued", \.depth), ("in flight", \.inFlight),
                    ("dead", \.deadLetters),
                    ("oldest", { "\(Int(clamping: $0.oldestSeconds)) s" }),
                    ("done/s", { Int(clamping: $0.acknowledgedPerSecond.rounded()) }),
                ])
            + table(
                services,
                [
                    ("service", \.name), ("lag", { $0.lag?.description ?? "?" }),
                    ("", { $0.fault ?? "" }),
                ])
            + table(archives, [("archive", \.name), ("lag", \.lag)])
    }

    private var summary: String {
        let commit = commitSeconds.map { ", a commit \(milliseconds($0))" } ?? ""
        return "head \(head)  \(Int(clamping: appendedPerSecond.rounded())) appended/s\(commit)  "
            + "\(Int(clamping: readPerSecond.rounded())) read/s, \(openReads) reads open  "
            + "\(subscriptions) topics"
    }
}
