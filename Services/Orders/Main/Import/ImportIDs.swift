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
        // With its length in front, no source can run into the fields.
        let name = "\(source.utf8.count):\(source):\(purchase.fields):\(purchase.occurrence)"
        let digits = namespace.derived(name).description.filter { $0 != "-" }
        let prefix = source.prefix(prefixLength).map { isAllowed($0) ? $0 : "_" }
        return "\(String(prefix)).\(digits.prefix(digestLength))"
    }

    /// The id that earlier versions gave the order, for any file.
    static func numbered(_ purchase: Purchase) -> String {
        "\(numberedSource).\(purchase.number)"
    }

    /// The id of the command that places the order.
    static func placing(_ order: String) -> EventID { namespace.derived(order) }

    /// The id of a command on a customer. All sources share it, as they share the customers.
    static func customer(_ customer: String, _ command: String) -> EventID {
        namespace.derived(customer).derived(command)
    }

    /// Whether an id of an order may hold the character.
    private static func isAllowed(_ character: Character) -> Bool {
        character.isASCII
            && (character.isLetter || character.isNumber || character == "_" || character == ".")
    }
}
