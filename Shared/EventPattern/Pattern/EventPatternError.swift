public import EventSourcing

/// A text that is no event pattern: where it goes wrong, why, and what would be right.
public struct EventPatternError: ClassifiedError, Hashable {
    /// From 1.
    public let line: Int
    /// In bytes, from 1.
    public let column: Int
    /// The field it is about, its names joined by dots; empty if it is about none.
    public let path: String
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

    public var description: String {
        let place = "event pattern, line \(line), column \(column)"
        return path.isEmpty ? "\(place): \(reason)" : "\(place), at \(path): \(reason)"
    }
}
