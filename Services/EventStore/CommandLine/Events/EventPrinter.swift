import ArgumentParser
import CloudEvents
import EventSourcing
import Foundation

/// Prints each event on one line, as text for people or as a CloudEvent.
struct EventPrinter {
    let log: EventID
    let json: Bool
    var output = FileHandle.standardOutput

    func print(_ events: some Sequence<RecordedEvent>) throws {
        var lines: [UInt8] = []
        for event in events {
            lines += json ? try CloudEvents.line(event, of: log) : Array(Self.text(event).utf8)
            lines.append(UInt8(ascii: "\n"))
        }
        guard !lines.isEmpty else { return }
        try output.writeLines(lines)
    }

    private static func text(_ event: RecordedEvent) -> String {
        "\(event.position)\t\(event.occurredAt)\t\(event.stream)@\(event.revision)\t\(event.type)\t"
            + data(of: event)
    }

    /// Returns the data if it is text without control characters, or else its size and type.
    static func data(of event: RecordedEvent) -> String {
        guard let text = String(validating: event.data, as: UTF8.self),
            text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else { return "(\(event.data.count) bytes of \(event.contentType))" }
        return text
    }
}

extension FileHandle {
    /// Writes all of `lines`.
    ///
    /// - Throws: `ExitCode.success` if the reader has closed the output. It needs no more, so the
    ///   command need not read the rest from the store. `storage` for any other failure.
    func writeLines(_ lines: [UInt8]) throws {
        fflush(nil)  // Earlier output of print() is still in its buffer and must come first.
        do {
            try write(contentsOf: Data(lines))
        } catch {
            let cause = ((error as? CocoaError)?.underlying ?? error) as NSError
            if cause.domain == NSPOSIXErrorDomain, cause.code == EPIPE { throw ExitCode.success }
            throw DaybookError(.storage, "can't write the output: \(cause.localizedDescription)")
        }
    }
}
