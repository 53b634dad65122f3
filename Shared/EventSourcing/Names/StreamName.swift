/// The name of a stream: a category and, after the first hyphen, an id, as in `account-00042`.
///
/// A name without a hyphen is a category with a single stream.
public struct StreamName: Hashable, Sendable {
    /// The name as text.
    public let description: String

    /// Creates a name from text.
    ///
    /// A name is 1 to 255 bytes of ASCII letters, digits and `$ _ . : @ / + = ~ -`. Its category is
    /// not empty and has no `.`, because a `.` ends the category in a feed topic.
    ///
    /// - Throws: an error of kind `invalid` if the text breaks these rules.
    public init(_ text: String) throws(DaybookError) {
        try NameRule.check(text, what: "stream name")
        guard let first = text.utf8.first, first != UInt8(ascii: "-") else {
            throw .invalid("stream name '\(text)' has no category before its first '-'")
        }
        description = text
        guard !category.utf8.contains(UInt8(ascii: ".")) else {
            throw .invalid("stream name '\(text)' has a '.' in its category")
        }
    }

    /// Creates the name `<category>-<id>`.
    ///
    /// - Throws: `invalid` if it is not a stream name, or the category has a hyphen.
    public init(category: String, id: String) throws(DaybookError) {
        guard !category.utf8.contains(UInt8(ascii: "-")) else {
            throw .invalid("category '\(category)' has a '-'")
        }
        try self.init("\(category)-\(id)")
    }

    /// Creates a name without checking it. Names in the log were checked before the append.
    @inlinable init(unchecked text: String) { description = text }

    /// The part before the first hyphen.
    public var category: String { Self.category(of: description) }

    /// Returns whether streams of the category are system streams: those of the event store's own
    /// events, to which no client appends. The names of their categories begin with `$`.
    public static func isSystem(category: String) -> Bool {
        category.utf8.first == UInt8(ascii: "$")
    }

    /// Returns whether the bytes are the name of a system stream.
    public static func isSystem(_ name: Span<UInt8>) -> Bool {
        !name.isEmpty && name[0] == UInt8(ascii: "$")
    }

    /// The category of the events that say how other events are read: with other data, or not at
    /// all. A subscriber to any other category follows this one, too.
    public static let amendmentCategory = "$amendment"

    /// The part after the first hyphen, or empty.
    public var id: String {
        description.utf8.firstIndex(of: UInt8(ascii: "-")).map {
            String(description[description.utf8.index(after: $0)...])
        } ?? ""
    }

    /// Returns the part of a stream name before its first hyphen.
    public static func category(of stream: String) -> String {
        stream.utf8.firstIndex(of: UInt8(ascii: "-")).map { String(stream[..<$0]) } ?? stream
    }
}

extension StreamName: CustomStringConvertible, Codable {
    /// Reads a name from its text.
    ///
    /// - Throws: `invalid` if it is not a stream name.
    public init(from decoder: any Decoder) throws {
        try self.init(String(from: decoder))
    }

    /// Writes the name as text.
    public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}

/// The characters of names.
public enum NameRule {
    /// Throws unless `text` has a valid length and only characters that names may have.
    static func check(_ text: String, what: String) throws(DaybookError) {
        guard (1...Limits.nameBytes).contains(text.utf8.count) else {
            throw .invalid(
                "\(what) '\(text.prefix(40))' has \(text.utf8.count) bytes, not 1 to "
                    + "\(Limits.nameBytes)")
        }
        for byte in text.utf8 where !isNameByte(byte) {
            throw .invalid(
                "\(what) '\(text)' holds a character other than letters, digits and "
                    + "$ _ . : @ / + = ~ -")
        }
    }

    /// Returns whether the byte is a letter, a digit or one of `$ _ . : @ / + = ~ -`.
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
