public import EventSourcing

/// The rule for the ids of orders, customers and accounts. UUIDs and the usual e-mail addresses are
/// such ids.
public enum Identifier {
    /// The longest id, in bytes. A stream name and a tag have room for it behind their categories.
    private static let bytes = 128

    /// Throws unless `text` is 1 to 128 ASCII letters, digits and `_ . - @ +`, and does not begin
    /// with `-`.
    ///
    /// A stream name and a tag can hold these characters after their separators. A command line
    /// would take a leading `-` for an option.
    ///
    /// - Parameter what: the kind of the id in the error, such as `order id`.
    public static func check(_ text: String, what: String) throws(DaybookError) {
        guard (1...bytes).contains(text.utf8.count), text.utf8.allSatisfy(allowed.contains),
            text.utf8.first != UInt8(ascii: "-")
        else {
            let shown = text.count > 80 ? text.prefix(80) + "…" : text[...]
            throw .invalid(
                "\(what) '\(shown)' is not 1 to \(bytes) letters, digits and _ . - @ +, or begins "
                    + "with '-'")
        }
    }

    private static let allowed = Set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-@+".utf8)
}
