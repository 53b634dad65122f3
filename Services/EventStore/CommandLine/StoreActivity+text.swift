import Bytes
import CommandLine
import EventSourcing
import EventStoreClient

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
        func table(_ heads: [String], _ rows: [[String]]) -> [String] {
            rows.isEmpty ? [] : [""] + Output.lines(heads, rows)
        }
        return ["\(time)", summary]
            + table(
                ["queue", "queued", "in flight", "dead", "oldest", "done/s"],
                queues.map {
                    [
                        $0.name, "\($0.depth)", "\($0.inFlight)", "\($0.deadLetters)",
                        "\(Int(clamping: $0.oldestSeconds)) s",
                        "\(Int(clamping: $0.acknowledgedPerSecond.rounded()))",
                    ]
                })
            + table(
                ["service", "lag", ""],
                services.map { [$0.name, $0.lag.map(String.init) ?? "?", $0.fault ?? ""] })
            + table(["archive", "lag"], archives.map { [$0.name, "\($0.lag)"] })
    }

    private var summary: String {
        let commit = commitSeconds.map { ", a commit \(milliseconds($0))" } ?? ""
        return "head \(head)  \(Int(clamping: appendedPerSecond.rounded())) appended/s\(commit)  "
            + "\(Int(clamping: readPerSecond.rounded())) read/s, \(openReads) reads open  "
            + "\(subscriptions) topics"
    }
}
