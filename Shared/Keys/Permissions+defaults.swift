public import WireProtocol

extension Permissions {
    /// Returns the permissions of a key that was given no others, by its name.
    ///
    /// The event store may do everything. A service may append to the streams that it owns, and may
    /// not send commands. Every other name is an operator's: it may send commands and administer,
    /// but not append.
    public static func standard(of name: String) -> Permissions {
        if name == "event-store" { return .everything }
        guard let service = SuiteService.all.first(where: { $0.name == name }) else {
            return Permissions(commands: [any], administers: true)
        }
        return Permissions(append: [service.category])
    }
}
