import ArgumentParser
import CommandLine
import EventLog
import EventSourcing
import Foundation
import Observability

/// Measures how fast the log engine alone appends.
struct FillBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fill", abstract: "Fill a log with events.")

    @Option(help: "The number of events to append.") var events: UInt64 = 10_000_000
    @Option(help: "The number of streams.") var streams: UInt64 = 1_000_000
    @Option(help: "The number of events in each conversation.")
    var conversation: UInt64 = 8
    @Option(help: "The folder of the log.") var folder: String

    func run() async throws {
        var log = try openLog(folder)
        let seconds = try append(
            events, to: &log, streams: streams, conversation: conversation)
        try log.close()
        var measurements = Measurements("fill")
        measurements.add("events_per_second", Double(events) / seconds)
        try measurements.show()
    }
}

/// Measures how fast a log is opened, and its memory after that and with all streams in use.
struct OpenBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Open a log, and append to each of its streams.")

    @Option(help: "The number of streams to append to.") var streams: UInt64 = 1_000_000
    @Option(help: "The folder of the log.") var folder: String

    func run() async throws {
        let started = ContinuousClock.now
        var log = try openLog(folder)
        var measurements = Measurements("open")
        measurements.add("events", Double(log.head))
        measurements.add("open_seconds", (ContinuousClock.now - started) / .seconds(1))
        measurements.add("rss_mib", Memory.residentMebibytes)
        measurements.add("conversation_ms", try findConversations(in: log) * 1000)
        let seconds = try append(streams, to: &log, streams: streams, conversation: 1)
        try log.close()
        measurements.add("appends_per_second", Double(streams) / seconds)
        measurements.add("rss_mib_with_streams_in_use", Memory.residentMebibytes)
        try measurements.show()
    }
}

private func openLog(_ folder: String) throws -> EventLog {
    let background = DispatchQueue(label: "log")
    return try EventLog(
        in: FileStorage(folder: folder), durability: .none,
        background: { background.async(execute: $0) }, now: { Timestamp.now() })
}

/// Returns the average seconds for reading one of the conversations of eight events that `fill`
/// makes, over samples from the whole log.
private func findConversations(in log: borrowing EventLog) throws -> Double {
    let samples: UInt64 = 1000
    let started = ContinuousClock.now
    for sample in 0..<samples {
        let id = Load.conversation(log.head / 8 * sample / samples)
        var read = LogRead(.correlations([id]))
        while try log.read(&read).count > 0 {}
    }
    return (ContinuousClock.now - started) / .seconds(1) / Double(samples)
}

/// Appends `count` events to the streams in turn, and returns the seconds that it took.
private func append(
    _ count: UInt64, to log: inout EventLog, streams: UInt64, conversation: UInt64
) throws -> Double {
    let names = try Load.streams(streams)
    let started = ContinuousClock.now
    var bar = ProgressBar("append", total: Int(count))
    var bytes: [UInt8] = []
    for number in 0..<count {
        bytes.removeAll(keepingCapacity: true)
        var event = Load.event(in: names[Int(number % streams)])
        if conversation > 1 {
            event.correlationID = Load.conversation(number / conversation)
        }
        try event.encode(into: &bytes)
        _ = try log.stage(bytes.span)
        guard number.isMultiple(of: 256) else { continue }
        try log.commit()
        bar.show(Int(number), "events")
    }
    try log.commit()
    bar.end()
    return (ContinuousClock.now - started) / .seconds(1)
}

enum Memory {
    /// The resident memory of this process, in MiB.
    static var residentMebibytes: Double {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return (Double(line.filter(\.isNumber)) ?? 0) / 1024
    }
}
