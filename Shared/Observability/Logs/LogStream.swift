import Bytes
import Foundation

/// Writes each entry of a text log to standard error, as one line whatever it contains.
///
/// Messages and metadata hold text of others, such as a consumer's error. Without the escapes they
/// could forge lines of the log.
package struct LogStream: TextOutputStream, Sendable {
    package init() {}

    /// Writes an entry, which ends with a line break.
    package mutating func write(_ entry: String) {
        FileHandle.standardError.writeIgnoringErrors(Self.line(entry))
    }

    /// Returns the entry as one line, with a line break at its end.
    static func line(_ entry: String) -> String {
        (entry.hasSuffix("\n") ? entry.dropLast() : entry[...]).visible + "\n"
    }
}
