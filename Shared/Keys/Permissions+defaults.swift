public import WireProtocol

extension Permissions {
    private static let eventStore = "event-store"

    /// Returns the permissions of a key whose entry in the keyring has none, by its name.
    ///
    /// The event store may do everything. A service may append to the streams that it owns and
    /// receive from its own queue, but not send commands. Every other name is an operator's: it may
    /// send commands and administer, but not append. Such entries are from earlier versions.
    public static func standard(of name: String) -> Permissions {
        if name == eventStore { return .everything }
        guard let service = SuiteService.all.first(where: { $0.name == name }) else {
            return Permissions(commands: [any], administers: true)
        }
        return Permissions(append: [service.category], receive: [name])
    }

    /// Returns the permissions of a new key that was given none: nil for a process of the suite,
    /// which keeps what ``standard(of:)`` says, otherwise to read everything and nothing else.
    static func ofNewKey(named name: String) -> Permissions? {
        name == eventStore || SuiteService.all.contains { $0.name == name } ? nil : Permissions()
    }
}
