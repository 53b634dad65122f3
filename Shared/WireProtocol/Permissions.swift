public import EventSourcing

/// What the holder of a key may do. It may always ask a process how it is doing.
public struct Permissions: Codable, Hashable, Sendable {
    /// In a list: whatever there is.
    public static let any = "*"
    public static let everything = Permissions(
        append: [any], read: [any], commands: [any], administers: true)

    /// The categories of the streams that it may append to.
    public var append: [String]
    /// The categories of the events that it may read, and be shown what follows from.
    public var read: [String]
    /// The services that it may send commands to.
    public var commands: [String]
    /// Whether it may change rules, queues, dead letters, archives and replays, receive from any
    /// queue, and have services build their stores anew.
    public var administers: Bool

    public init(
        append: [String] = [], read: [String] = [any], commands: [String] = [],
        administers: Bool = false
    ) {
        self.append = append
        self.read = read
        self.commands = commands
        self.administers = administers
    }

    public var readsAll: Bool { read.contains(Self.any) }

    public func mayAppend(to category: String) -> Bool { append.holds(category) }

    public func mayRead(_ category: String) -> Bool { read.holds(category) }

    /// Whether the query asks for nothing else than it may read.
    public func mayRead(_ query: EventQuery) -> Bool {
        readsAll || query.categories.map { $0.allSatisfy(read.contains) } ?? false
    }

    /// The bus's commands administer.
    func maySendCommands(to service: String) -> Bool {
        service == BusCall.service ? administers : commands.holds(service)
    }
}

extension [String] {
    fileprivate func holds(_ name: String) -> Bool {
        contains(name) || contains(Permissions.any)
    }
}

/// Who has sent a message, and what it may do.
public struct Caller: Hashable, Sendable {
    /// Of the key; nil for one on the same machine, where the system guards the endpoints.
    public let name: String?
    public let permissions: Permissions

    public init(name: String?, permissions: Permissions) {
        self.name = name
        self.permissions = permissions
    }

    public static let local = Caller(name: nil, permissions: .everything)

    /// The actor that the log tells of: who holds the key, and whom that one names.
    public func actor(_ named: String) -> String {
        guard let name, name != named else { return named }
        return "\(name) (\(named))"
    }

    // MARK: Checks. All throw the error `forbidden`, in words that say who may not do what.

    public func checkAppend(to category: String) throws(ProtocolError) {
        try check(permissions.mayAppend(to: category), "append to streams of '\(category)'")
    }

    /// Every event in the log, or what shows it.
    public func checkRead() throws(ProtocolError) { try checkRead(.all) }

    public func checkRead(_ query: EventQuery) throws(ProtocolError) {
        try check(permissions.mayRead(query), "read other events than \(readable)")
    }

    public func checkRead(_ category: String) throws(ProtocolError) {
        try check(permissions.mayRead(category), "read other events than \(readable)")
    }

    public func checkCommand(to service: String) throws(ProtocolError) {
        let isBus = service == BusCall.service
        try check(
            permissions.maySendCommands(to: service),
            isBus ? "administer" : "send commands to \(service)")
    }

    public func checkAdministers() throws(ProtocolError) {
        try check(permissions.administers, "administer")
    }

    /// A process has the queue that is named as it is.
    public func checkQueue(_ queue: String) throws(ProtocolError) {
        try check(
            queue == name || permissions.administers, "work on queue '\(queue)', only on its own")
    }

    private var readable: String {
        permissions.read.isEmpty ? "none" : "of " + permissions.read.joined(separator: ", ")
    }

    private func check(_ isAllowed: Bool, _ what: String) throws(ProtocolError) {
        guard isAllowed else {
            throw ProtocolError(.forbidden, "the key of \(name ?? "nobody") may not \(what)")
        }
    }
}

/// Who is behind what a process receives.
public struct AccessControl: Sendable {
    private let find: @Sendable (_ sender: String) -> Caller?
    private let note: @Sendable (_ caller: String, _ text: String) -> Void

    /// Where there are no keys: nobody who has one is known.
    public static let none = AccessControl(find: { _ in nil }, note: { _, _ in })

    /// - Parameters:
    ///   - find: whose valid key it is, by what its handshake was admitted as.
    ///   - note: writes down what a caller was refused.
    public init(
        find: @escaping @Sendable (_ sender: String) -> Caller?,
        note: @escaping @Sendable (_ caller: String, _ text: String) -> Void
    ) {
        self.find = find
        self.note = note
    }

    /// Who that is; nil for one whose key is not valid any more: it is to be heard no more.
    public func caller(_ sender: String?) -> Caller? { sender.map(find) ?? .local }

    /// Writes the error down if it is that something is not allowed.
    public func note(_ error: any Error, of caller: Caller) {
        guard let error = error as? ProtocolError, error.code == .forbidden else { return }
        note(caller.name ?? "", error.message)
    }
}
