import Bytes
import CloudEvents
import CommandLine
import EventSourcing
import Foundation
import JSON

/// Prints each event on one line, as text for people or as a CloudEvent.
struct EventPrinter {
    let log: EventID
    let json: Bool
    /// The file to write to, or nil for standard output.
    var output: FileHandle?
    /// Whether the output says which events are amended.
    var showsAmendments = true

    func print(_ events: some Sequence<RecordedEvent>) throws {
        var lines: [UInt8] = []
        for event in events {
            lines += json ? try line(event) : Array(Self.text(event).utf8)
            lines.append(UInt8(ascii: "\n"))
        }
        guard !lines.isEmpty else { return }
        let isForPeople = output == nil && json
        try Output.stream(
            isForPeople ? Output.printable(jsonLines: lines) : lines, to: output ?? .standardOutput)
    }

    private func line(_ event: RecordedEvent) throws -> [UInt8] {
        var line = try CloudEvents.line(event, of: log)
        guard showsAmendments, event.isAmended || event.isSkipped else { return line }
        line.removeLast()
        line.append(member: event.isSkipped ? "skipped" : "amended", "true".utf8)
        return line + [UInt8(ascii: "}")]
    }

    private static func text(_ event: RecordedEvent) -> String {
        let mark = event.isSkipped ? " (skipped)" : event.isAmended ? " (amended)" : ""
        return Output.tabbed([
            event.position, event.occurredAt, "\(event.stream)@\(event.revision)",
            "\(event.type)\(mark)", data(of: event),
        ])
    }

    /// Returns the data if it is text without control characters, or else its size and type.
    static func data(of event: RecordedEvent) -> String {
        guard let text = String(validating: event.data, as: UTF8.self), text.isVisible else {
            return "(\(event.data.count) bytes of \(event.contentType))"
        }
        return text
    }
}
