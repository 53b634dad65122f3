public import EventSourcing
import JSON

/// Why a text is not an event pattern: the place, the reason and a correction.
public struct EventPatternError: ClassifiedError, Hashable {
    /// The line of the error, from 1.
    public let line: Int
    /// The column of the error in bytes, from 1.
    public let column: Int
    /// The path of the field, its names joined by dots, or empty.
    public let path: String
    /// The reason and a correction, in one line.
    public let reason: String

    init(_ error: JSONError, in text: [UInt8], path: [UInt8]) {
        let before = text.prefix(error.offset)
        let lineEnd = before.lastIndex(of: UInt8(ascii: "\n")) ?? -1
        line = before.count { $0 == UInt8(ascii: "\n") } + 1
        column = before.count - lineEnd
        self.path = String(decoding: path, as: UTF8.self)
        reason = error.reason
    }

    public var kind: DaybookError.Kind { .invalid }

    /// The error in one line, with its place.
    public var description: String {
        let place = "event pattern, line \(line), column \(column)"
        return path.isEmpty ? "\(place): \(reason)" : "\(place), at \(path): \(reason)"
    }
}
