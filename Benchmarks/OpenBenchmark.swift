import ArgumentParser
import EventLog
import EventSourcing
import Foundation
import ServiceKit

/// How fast a log of many events is filled and opened, and how much memory that takes.
struct OpenBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Fill a log, then open it and look things up.")

    @Option(help: "The events to fill the log with; 0 to open the one that is there.")
    var events: UInt64 = 10_000_000
    @Option(help: "The streams that they go to.") var streams: UInt64 = 1_000_000
    @Option(help: "The folder of the log.") var folder: String

    func run() async throws {
        let background = DispatchQueue(label: "log")
        if events > 0 { try fill(background) }
        let started = ContinuousClock.now
        var log = try EventLog(
            in: FileStorage(folder: folder), background: { background.async(execute: $0) },
            now: { Timestamp.now() })
        var figures = Figures("open")
        figures.add("events", Double(log.head))
        figures.add("seconds", (ContinuousClock.now - started) / .seconds(1))
        figures.add("rss_mib", Memory.residentMebibytes)
        try touchStreams(&log, &figures)
        figures.show()
    }

    private func fill(_ background: DispatchQueue) throws {
        var log = try EventLog(
            in: FileStorage(folder: folder), durability: .none,
            background: { background.async(execute: $0) }, now: { Timestamp.now() })
        var bar = ProgressBar("fill", total: Int(events))
        let started = ContinuousClock.now
        var bytes: [UInt8] = []
        for number in 0..<events {
            bytes.removeAll(keepingCapacity: true)
            try Load.event(number, streams: streams).encode(into: &bytes)
            _ = try log.stage(bytes.span)
            if number.isMultiple(of: 256) {
                try log.commit()
                bar.show(Int(number))
            }
        }
        try log.close()
        bar.end()
        var figures = Figures("fill")
        figures.add(
            "events_per_second", Double(events) / ((ContinuousClock.now - started) / .seconds(1)))
        figures.add("rss_mib", Memory.residentMebibytes)
        figures.show()
    }

    /// Appends to each stream once, so that every one of them is in use.
    private func touchStreams(_ log: inout EventLog, _ figures: inout Figures) throws {
        let started = ContinuousClock.now
        var bytes: [UInt8] = []
        for number in 0..<streams {
            bytes.removeAll(keepingCapacity: true)
            try Load.event(number, streams: streams).encode(into: &bytes)
            _ = try log.stage(bytes.span)
            if number.isMultiple(of: 256) { try log.commit() }
        }
        try log.close()
        figures.add(
            "touch_per_second", Double(streams) / ((ContinuousClock.now - started) / .seconds(1)))
        figures.add("rss_mib_in_use", Memory.residentMebibytes)
    }
}

enum Memory {
    /// What of this process is in memory, as the system counts it.
    static var residentMebibytes: Double {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return (Double(line.filter(\.isNumber)) ?? 0) / 1024
    }
}
