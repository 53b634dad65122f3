/// Where a trace comes from, as W3C's Trace Context puts it in its header `traceparent`: its id and
/// that of the span that calls. It is handed on as it is.
public struct TraceParent: Hashable, Sendable, CustomStringConvertible {
    /// What one is, for who gave none.
    public static let form = "00-<32 hexadecimal digits>-<16>-<2>, in lower case"
    /// So many bytes has one of version 00; later versions may have more, but no less.
    static let length = 55
    private static let maximumLength = 512

    public let description: String

    /// Nil if the text is none: another form, a version there can't be, ids of zeros.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard (Self.length...Self.maximumLength).contains(bytes.count) else { return nil }
        let parts = bytes.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        let digits = Set("0123456789abcdef".utf8)
        guard parts.count >= 4, parts.prefix(4).map(\.count) == [2, 32, 16, 2],
            parts.prefix(4).allSatisfy({ $0.allSatisfy(digits.contains) }),
            !parts[0].elementsEqual("ff".utf8),
            parts[1...2].allSatisfy({ $0.contains { $0 != UInt8(ascii: "0") } }),
            bytes.count == Self.length || !parts[0].elementsEqual("00".utf8) && parts.count > 4
        else { return nil }
        description = text
    }

    /// What all that is part of the same trace has in common.
    public var traceID: Substring { description.split(separator: "-")[1] }
}

extension TraceParent: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let found = TraceParent(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "'\(text)' is not \(Self.form)")
        }
        self = found
    }

    public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}
