public import EventSourcing

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

    init(_ reason: String, at offset: Int, of text: Span<UInt8>, path: String = "") {
        var (line, column) = (1, 1)
        for index in 0..<min(offset, text.count) {
            column += 1
            if text[index] == UInt8(ascii: "\n") { (line, column) = (line + 1, 1) }
        }
        (self.line, self.column, self.path, self.reason) = (line, column, path, reason)
    }

    public var kind: DaybookError.Kind { .invalid }

    /// The error in one line, with its place.
    public var description: String {
        let place = "event pattern, line \(line), column \(column)"
        return path.isEmpty ? "\(place): \(reason)" : "\(place), at \(path): \(reason)"
    }
}
