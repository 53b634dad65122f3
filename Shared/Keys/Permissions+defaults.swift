public import WireProtocol

extension Permissions {
    /// Returns the permissions of a key that was given no others, by its name.
    ///
    /// The event store may do everything. A service may append to the streams that it owns, and may
    /// not send commands. Every other name is an operator's: it may send commands and administer,
    /// but not append.
    public static func standard(of name: String) -> Permissions {
        switch name {
        case "event-store": .everything
        case "orders": Permissions(append: ["order"])
        case "route": Permissions(append: ["route"])
        case "balance", "withdraw", "credit": Permissions(append: ["account"])
        case "creditLimit": Permissions(append: ["creditLimit"])
        default: Permissions(commands: [any], administers: true)
        }
    }
}
