/// The name of a stream: a category and, behind the first hyphen, an identifier, as in
/// `account-00042`. A name without a hyphen is a category of one stream.
public struct StreamName: Hashable, Sendable {
    public let description: String

    /// Accepts `text` if it is a stream name.
    ///
    /// 1 to 255 bytes of ASCII letters, digits and `$ _ . : @ / + = ~ -`; the category is not empty
    /// and has no `.`, which ends it in a feed topic.
    public init(_ text: String) throws(DaybookError) {
        try NameRule.check(text, what: "stream name", extra: "-")
        guard let first = text.utf8.first, first != UInt8(ascii: "-") else {
            throw DaybookError(.invalid, "stream name '\(text)' has no category before its first '-'")
        }
        description = text
        guard !category.utf8.contains(UInt8(ascii: ".")) else {
            throw DaybookError(.invalid, "stream name '\(text)' has a '.' in its category")
        }
    }

    /// The stream `<category>-<id>`.
    public init(category: String, id: String) throws(DaybookError) {
        guard !category.utf8.contains(UInt8(ascii: "-")) else {
            throw DaybookError(.invalid, "category '\(category)' has a '-'")
        }
        try self.init("\(category)-\(id)")
    }

    /// A name that was checked before it was written: the log holds no other.
    @inlinable init(unchecked text: String) { description = text }

    /// What stands before the first hyphen.
    public var category: String { Self.category(of: description) }

    /// What stands behind the first hyphen, or nothing.
    public var id: String {
        description.utf8.firstIndex(of: UInt8(ascii: "-")).map {
            String(description[description.utf8.index(after: $0)...])
        } ?? ""
    }

    /// The part of a stream name before its first hyphen.
    public static func category(of stream: String) -> String {
        stream.utf8.firstIndex(of: UInt8(ascii: "-")).map { String(stream[..<$0]) } ?? stream
    }
}

extension StreamName: CustomStringConvertible, Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// The characters of names.
public enum NameRule {
    /// Checks the length of a name, and that every byte of it is allowed.
    static func check(
        _ text: String, what: String, extra: StaticString = "-"
    ) throws(DaybookError) {
        guard (1...Limits.nameBytes).contains(text.utf8.count) else {
            throw DaybookError(
                .invalid, "\(what) '\(text.prefix(40))' has \(text.utf8.count) bytes, not 1 to "
                    + "\(Limits.nameBytes)")
        }
        for byte in text.utf8 where !isNameByte(byte) {
            throw DaybookError(
                .invalid, "\(what) '\(text)' holds a character other than letters, digits and "
                    + "$ _ . : @ / + = ~ -")
        }
    }

    /// Letters, digits and `$ _ . : @ / + = ~ -`.
    @inlinable public static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "-")...UInt8(ascii: ":"),  // - . / 0-9 :
            UInt8(ascii: "$"), UInt8(ascii: "_"), UInt8(ascii: "@"), UInt8(ascii: "+"),
            UInt8(ascii: "="), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
