public import WireProtocol

extension Permissions {
    /// What a key of this name may do if nothing else is said of it.
    ///
    /// The suite's processes append to the streams that they own, and give nobody commands; the
    /// event store may do anything. Any other name is that of who operates: that one gives commands
    /// and administers, but does not write to the log itself.
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
