import Bytes
import EventSourcing
import Foundation
import JSON
import Logging

/// Writes each log entry to standard error as a line of JSON.
///
/// Its fields are `time`, `level`, `service`, `message`, and the metadata by name, such as `reason`
/// and `correlationId`.
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
        FileHandle.standardError.writeIgnoringErrors(line)
    }

    /// Returns a line of JSON. Metadata can't replace its first four fields.
    static func line(
        at time: Timestamp, _ level: Logger.Level, of service: String, _ message: String,
        _ metadata: Logger.Metadata
    ) -> Data {
        var fields = metadata.mapValues(\.description)
        fields["time"] = time.description
        fields["level"] = level.rawValue
        fields["service"] = service
        fields["message"] = message
        // A dictionary of strings can always be encoded.
        var line = Data((try? JSON.data(fields).visibleJSON) ?? [])
        line.append(UInt8(ascii: "\n"))
        return line
    }
}
