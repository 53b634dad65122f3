public import EventSourcing

/// The rule for the ids of orders, customers and accounts.
public enum Identifier {
    /// Throws unless `text` is 1 to 64 ASCII letters, digits, `_` and `.`.
    ///
    /// A stream name and a tag can hold these characters after their separators.
    ///
    /// - Parameter what: the kind of the id in the error, such as `order id`.
    public static func check(_ text: String, what: String) throws(DaybookError) {
        guard (1...64).contains(text.utf8.count), text.utf8.allSatisfy(allowed.contains) else {
            let shown = text.count > 80 ? text.prefix(80) + "…" : text[...]
            throw .invalid("\(what) '\(shown)' is not 1 to 64 letters, digits, '_' or '.'")
        }
    }

    private static let allowed = Set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.".utf8)
}
