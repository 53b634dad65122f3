public import EventSourcing

/// What the holder of a key may do. Everybody may ask a process for its health.
public struct Permissions: Codable, Hashable, Sendable {
    /// The entry of a list that permits all names.
    public static let any = "*"
    /// The permission to do everything that a client can do. No client appends to system streams.
    public static let everything = Permissions(
        append: [any], read: [any], commands: [any], receive: [any], administers: true)

    /// The stream categories that the key may append to. System categories are never among them.
    public var append: [String]
    /// The categories of the events that the key may read, directly or in what derives from them.
    public var read: [String]
    /// The services that the key may send commands to.
    public var commands: [String]
    /// The queues that the key may receive from and acknowledge on.
    ///
    /// Nil in the keyrings of earlier versions: the queue with the name of the key.
    public var receive: [String]?
    /// Whether the key may change rules, queues, dead letters, archives and replays, receive from
    /// any queue, amend events, and make services rebuild their stores.
    public var administers: Bool

    /// Creates permissions. By default the key may read all events and nothing else.
    public init(
        append: [String] = [], read: [String] = [any], commands: [String] = [],
        receive: [String]? = [], administers: Bool = false
    ) {
        self.append = append
        self.read = read
        self.commands = commands
        self.receive = receive
        self.administers = administers
    }

    /// Whether the key may read all events.
    public var readsAll: Bool { read.contains(Self.any) }

    /// Returns whether the key may append to streams of the category.
    public func mayAppend(to category: String) -> Bool {
        !StreamName.isSystem(category: category) && append.holds(category)
    }

    /// Returns whether the key may read events of the category.
    public func mayRead(_ category: String) -> Bool { read.holds(category) }

    /// Returns whether the key may read all events that the query can match.
    public func mayRead(_ query: EventQuery) -> Bool {
        readsAll || query.categories.map { $0.allSatisfy(read.contains) } ?? false
    }
}

extension [String] {
    fileprivate func holds(_ name: String) -> Bool {
        contains(name) || contains(Permissions.any)
    }
}

/// The sender of a message, and what it may do.
public struct Caller: Hashable, Sendable {
    /// The name of the caller's key, or nil for a caller on this machine.
    public let name: String?
    /// What the caller may do.
    public let permissions: Permissions

    /// Creates a caller.
    public init(name: String?, permissions: Permissions) {
        self.name = name
        self.permissions = permissions
    }

    /// The caller on this machine, who may do everything.
    public static let local = Caller(name: nil, permissions: .everything)

    /// Returns the actor that events record: the key's name, followed by the name that the caller
    /// gave.
    public func actor(_ named: String) -> String {
        guard let name, name != named else { return named }
        return "\(name) (\(named))"
    }

    // MARK: Checks. All throw the error `denied`, whose message says who may not do what.

    /// Throws `denied` unless the caller may append to streams of the category. Nobody may append
    /// to system streams.
    public func checkAppend(to category: String) throws(ProtocolError) {
        guard !StreamName.isSystem(category: category) else {
            throw ProtocolError(
                .denied,
                "only the event store itself appends to streams of '\(category)'; change rules, "
                    + "queues, archives and replays with its commands")
        }
        try check(permissions.mayAppend(to: category), "append to streams of '\(category)'")
    }

    /// Throws `denied` unless the caller may read all events.
    public func checkRead() throws(ProtocolError) { try checkRead(.all) }

    /// Throws `denied` unless the caller may read all events that the query can match.
    public func checkRead(_ query: EventQuery) throws(ProtocolError) {
        try check(permissions.mayRead(query), "read other events than \(readable)")
    }

    /// Throws `denied` unless the caller may read events of the category.
    public func checkRead(_ category: String) throws(ProtocolError) {
        try check(permissions.mayRead(category), "read other events than \(readable)")
    }

    /// Throws `denied` unless the caller may send commands to the service. The bus's commands
    /// need `administers`.
    public func checkCommand(to service: String) throws(ProtocolError) {
        guard service != BusCall.service else { return try checkAdministers() }
        try check(permissions.commands.holds(service), "send commands to \(service)")
    }

    /// Throws `denied` unless the caller may administer the bus and the services.
    public func checkAdministers() throws(ProtocolError) {
        try check(permissions.administers, "administer")
    }

    /// Throws `denied` unless the caller may receive from the queue and acknowledge on it.
    ///
    /// Administrators may use all queues.
    public func checkQueue(_ queue: String) throws(ProtocolError) {
        let isAllowed = permissions.receive.map { $0.holds(queue) } ?? (queue == name)
        try check(isAllowed || permissions.administers, "receive from queue '\(queue)'")
    }

    private var readable: String {
        permissions.read.isEmpty ? "none" : "of " + permissions.read.joined(separator: ", ")
    }

    private func check(_ isAllowed: Bool, _ what: String) throws(ProtocolError) {
        guard isAllowed else {
            throw ProtocolError(.denied, "the key of \(name ?? "nobody") may not \(what)")
        }
    }
}

/// Finds the caller of each message by the key of its sender, and logs what callers are denied.
public struct AccessControl: Sendable {
    private let find: @Sendable (_ sender: String) -> Caller?
    private let note: @Sendable (_ caller: String, _ text: String) -> Void

    /// Access control without keys: no sender with a key is known.
    public static let none = AccessControl(find: { _ in nil }, note: { _, _ in })

    /// Creates access control.
    ///
    /// - Parameters:
    ///   - find: returns the caller whose valid key admitted the sender, or nil.
    ///   - note: logs what a caller was denied.
    public init(
        find: @escaping @Sendable (_ sender: String) -> Caller?,
        note: @escaping @Sendable (_ caller: String, _ text: String) -> Void
    ) {
        self.find = find
        self.note = note
    }

    /// Returns the caller, or nil if its key is no longer valid and the message must be ignored.
    public func caller(_ sender: String?) -> Caller? { sender.map(find) ?? .local }

    /// Logs the error if it is `denied`.
    public func note(_ error: any Error, of caller: Caller) {
        guard let error = error as? ProtocolError, error.code == .denied else { return }
        note(caller.name ?? "", error.message)
    }
}
