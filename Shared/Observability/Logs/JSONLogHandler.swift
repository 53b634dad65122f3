import EventSourcing
import Foundation
import JSON
import Logging

/// Writes each entry of the log as a line of JSON to standard error: `time`, `level`, `service` and
/// `message`, and what else is known, such as `reason` and `correlationId`, by its name.
package struct JSONLogHandler: LogHandler {
    let label: String
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.notice

    package init(label: String) { self.label = label }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
        let line = Self.line(
            at: .now(), event.level, of: label, "\(event.message)", fields)
        FileHandle.standardError.tell(line)
    }

    /// What is logged has the last word on none of the first four names.
    static func line(
        at time: Timestamp, _ level: Logger.Level, of service: String, _ message: String,
        _ metadata: Logger.Metadata
    ) -> Data {
        var fields = metadata.mapValues(\.description)
        fields["time"] = time.description
        fields["level"] = level.rawValue
        fields["service"] = service
        fields["message"] = message
        // Text by text can always be encoded.
        var line = (try? JSON.data(fields)) ?? Data()
        line.append(UInt8(ascii: "\n"))
        return line
    }
}
