/// The header `traceparent` of W3C Trace Context: the ids of a trace and of the calling span.
///
/// The suite passes it on unchanged.
public struct TraceParent: Hashable, Sendable, CustomStringConvertible {
    /// The form of the text, for error messages.
    public static let form = "00-<32 hexadecimal digits>-<16>-<2>, in lower case"
    /// The length of version 00, in bytes. Later versions may be longer, but not shorter.
    static let length = 55
    private static let maximumLength = 512

    /// The text of the header.
    public let description: String

    /// Returns nil if the text has another form, an impossible version or an id of zeros.
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

    /// The id that all spans of the trace share, 32 hexadecimal digits.
    public var traceID: Substring { description.split(separator: "-")[1] }
}

extension TraceParent: Codable {
    /// Decodes the text of the header.
    public init(from decoder: any Decoder) throws {
        self = try decoder.text(TraceParent.init, Self.form)
    }

    /// Encodes the text of the header.
    public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}
