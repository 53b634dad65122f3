import EventSourcing

/// The ids of an import's orders and commands. They are derived, so that a repeated import does
/// nothing twice.
enum ImportIDs {
    private static let namespace = EventID(
        high: 0x6461_7962_6f6f_6b2d, low: 0xb26f_7264_6572_7300)

    /// The source whose orders earlier versions numbered by line: `cdnow.1`, `cdnow.2`.
    static let numberedSource = "cdnow"
    private static let prefixLength = 40
    private static let digestLength = 20

    /// Derives an order's id from the source, the line's fields, and the number of earlier lines
    /// with the same fields. The line's number is not part of it: a file may grow anywhere.
    static func order(_ purchase: Purchase, from source: String) -> String {
        // The length shows where the source ends. Without it a longer source with shorter fields
        // could give the same name.
        let name = "\(source.utf8.count):\(source):\(purchase.fields):\(purchase.occurrence)"
        let digits = namespace.derived(name).description.filter { $0 != "-" }
        let prefix = source.prefix(prefixLength).map { isAllowed($0) ? $0 : "_" }
        return "\(String(prefix)).\(digits.prefix(digestLength))"
    }

    /// Returns the id that earlier versions gave the order. It does not depend on the file's name.
    static func numbered(_ purchase: Purchase) -> String {
        "\(numberedSource).\(purchase.number)"
    }

    /// Returns the id of the command that places the order.
    static func placing(_ order: String) -> EventID { namespace.derived(order) }

    /// Returns the id of a command on a customer. All sources share it, because they share the
    /// customers.
    static func customer(_ customer: String, _ command: String) -> EventID {
        namespace.derived(customer).derived(command)
    }

    /// Returns whether an order's id keeps the character of its source. Ids may have more
    /// characters now, but those of earlier imports must not change.
    private static func isAllowed(_ character: Character) -> Bool {
        character.isASCII
            && (character.isLetter || character.isNumber || character == "_" || character == ".")
    }
}
