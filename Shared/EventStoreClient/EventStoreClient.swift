public import EventSourcing
import Foundation
import JSON
public import WireProtocol
public import ZeroMQ

/// The event store as an async API, over one connection.
public struct EventStoreClient: Sendable {
    /// The name of the event store's process.
    static let name = "event-store"

    private let connection: RequestClient
    private let appends: AppendQueue
    private let timeout: Duration
    let loop: SocketLoop
    let context: Context

    /// Starts to connect.
    ///
    /// If the store is not running yet, requests wait for it.
    ///
    /// - Parameter timeout: how long a request without a timeout of its own waits for an answer.
    /// - Throws: `ZeroMQError` if the endpoint is invalid or needs keys.
    public init(
        endpoint: String, on loop: SocketLoop, in context: Context,
        timeout: Duration = .seconds(30)
    ) async throws {
        connection = try await RequestClient(
            endpoint: endpoint, to: Self.name, argumentBytes: Limits.amendmentBytes, on: loop,
            in: context)
        appends = AppendQueue(connection)
        self.timeout = timeout
        self.loop = loop
        self.context = context
    }

    /// Closes the connection. Pending requests fail as unavailable.
    public func close() async { await connection.close() }

    /// Returns the identity and head of the log, and the endpoints of the feed and the bus.
    ///
    /// - Throws: `ProtocolError` if there is no common protocol version, `unavailable` if no answer
    ///   came within `timeout`.
    public func welcome(timeout: Duration? = nil) async throws -> Welcome {
        let hello = try JSON.encode(Hello(client: ProcessInfo.processInfo.processName))
        let answer = try await connection.request(.hello, within: timeout ?? self.timeout) { _ in
            [hello]
        }
        var welcome = try JSON.decode(Welcome.self, from: answer.body.first ?? [])
        welcome.feed = welcome.feed.map(reachable)
        welcome.bus = welcome.bus.map(reachable)
        return welcome
    }

    /// Returns an endpoint that this client can reach.
    ///
    /// A store that listens on all its addresses names none of them. It is where this client has
    /// reached it.
    private func reachable(_ endpoint: String) -> String {
        for anywhere in ["tcp://0.0.0.0:", "tcp://*:", "tcp://[::]:"]
        where endpoint.hasPrefix(anywhere) {
            guard let colon = connection.endpoint.lastIndex(of: ":") else { break }
            return "\(connection.endpoint[...colon])\(endpoint.dropFirst(anywhere.count))"
        }
        return endpoint
    }

    /// Appends the events, all or none, if the condition holds.
    ///
    /// Appends made at the same time through one client travel in one message. If no answer comes,
    /// the same events are sent again under the same ids. That is safe, because the store appends
    /// an id only once.
    ///
    /// - Throws: `ProtocolError` if the store rejects the append, `unavailable` if no answer came
    ///   within `timeout`, `invalid` if an event can't be encoded.
    public func append(
        _ events: [NewEvent], _ condition: AppendCondition = .any, timeout: Duration? = nil
    ) async throws -> Appended {
        var records: [UInt8] = []
        for event in events { try event.encode(into: &records) }
        // The store would close the connection because of a message that is too long, without
        // saying why.
        guard records.count <= Limits.appendBytes else {
            throw ProtocolError(
                .invalid, "an append has up to \(Limits.appendBytes) bytes, not \(records.count)")
        }
        return try await appends.append(
            AppendPart(condition: try condition.encoded(), records: records),
            timeout: timeout ?? self.timeout)
    }

    /// Returns the event with this id, or nil if the log lacks it.
    public func event(id: EventID) async throws -> RecordedEvent? {
        let record = try await connection.call(StoreCall.event, within: timeout) { _ in
            Array(id.description.utf8)
        }
        return record.isEmpty ? nil : try RecordedEvent(record[...])
    }

    /// Returns the event with this id or position.
    ///
    /// - Throws: `rejected` if it does not exist.
    public func event(_ reference: EventReference) async throws -> RecordedEvent {
        switch reference {
        case .id(let id):
            if let event = try await event(id: id) { return event }
        case .position(let position):
            let request = ReadRequest(from: position, to: position)
            for try await event in read(request).events { return event }
        }
        throw DaybookError(.rejected, "there is no event \(reference)")
    }

    /// Returns the event as it was appended, whatever amends it.
    public func original(of event: RecordedEvent) async throws -> RecordedEvent {
        guard event.isAmended || event.isSkipped else { return event }
        let request = ReadRequest(from: event.position, to: event.position, isRaw: true)
        for try await original in read(request).events { return original }
        return event
    }

    /// Returns the positions of the events that are read with other data or skipped, ascending.
    public func amendedPositions() async throws -> [UInt64] {
        try JSON.decode(
            from: try await connection.call(StoreCall.amendedPositions, within: .seconds(30)))
    }

    /// Returns streams in the order of their first events.
    public func streams(
        _ request: StreamsRequest = StreamsRequest()
    ) async throws -> [StreamEntry] {
        try await connection.call(StoreCall.streams, within: timeout, json: request)
    }

    /// Returns the store's figures.
    public func statistics() async throws -> StoreStatistics {
        try JSON.decode(from: try await connection.call(StoreCall.statistics, within: timeout))
    }

    /// Returns the head of the log and the hash of its chain.
    ///
    /// - Parameter timeout: how long to wait. The first answer for a log without a chain takes as
    ///   long as it takes to read the whole log.
    public func head(timeout: Duration? = nil) async throws -> LogHead {
        try JSON.decode(
            from: try await connection.call(StoreCall.chain, within: timeout ?? self.timeout))
    }

    /// Returns the requested events, in chunks that the store sends as the consumer takes them.
    ///
    /// - Parameter timeout: how long to wait for a chunk, also across restarts of the store.
    public func read(
        _ request: ReadRequest, timeout: Duration? = nil
    ) -> EventReading {
        EventReading(request: request, connection: connection, timeout: timeout ?? self.timeout)
    }

    /// Reads the requested events, and calls `body` with each chunk.
    ///
    /// - Returns: the position up to which every matching event was passed to `body`.
    @discardableResult
    public func read(
        _ request: ReadRequest, timeout: Duration? = nil,
        _ body: ([RecordedEvent]) async throws -> Void
    ) async throws -> UInt64 {
        var through: UInt64 = 0
        for try await batch in read(request, timeout: timeout) {
            try await body(batch.events)
            through = batch.through
        }
        return through
    }

    /// Subscribes to every matching event after `position`: first those in the log, then new ones.
    ///
    /// - Parameter log: The log that `position` belongs to. Without it, the position is taken for
    ///   one of the log that the store has now.
    /// - Throws: `internal` if the store has another log, `unavailable` if it does not answer,
    ///   `denied` if the key may not read every event.
    public func subscribe(
        _ query: EventQuery = .all, after position: UInt64 = 0, in log: EventID? = nil
    ) async throws -> Subscription {
        try await furtherConnection {
            try await Subscription(query, after: .position(position), in: log, of: self)
        }
    }

    /// Subscribes to every matching event after `start`.
    ///
    /// After the end, these are all events appended from now on.
    ///
    /// - Parameter onUnavailable: called each time the store does not answer, is stopping, has too
    ///   much to do or does not accept the key. The subscription keeps waiting for it.
    /// - Throws: `unavailable` if the store does not answer, `denied` if the key may not read every
    ///   event.
    public func subscribe(
        _ query: EventQuery = .all, after start: SubscriptionStart,
        onUnavailable: @escaping @Sendable (any ClassifiedError) -> Void = { _ in }
    ) async throws -> Subscription {
        try await furtherConnection {
            try await Subscription(
                query, after: start, in: nil, of: self, onUnavailable: onUnavailable)
        }
    }

    /// Subscribes to every event after `position` of a log in this process: first those in the log,
    /// then those of the groups that it commits.
    ///
    /// - Throws: `unavailable` if the store does not answer.
    public func subscribe(
        to groups: CommittedGroups, after position: UInt64
    ) async throws -> Subscription {
        try await Subscription(to: groups, after: position, of: self)
    }

    var isClosed: Bool { get async { await connection.isClosed } }

    /// Returns a connection beside the client's first one.
    ///
    /// - Throws: `unavailable` if the store's key was revoked since the first connection. A running
    ///   process waits until the keyring has a new key.
    func furtherConnection<Connection>(
        _ connect: () async throws -> Connection
    ) async throws -> Connection {
        do {
            return try await connect()
        } catch ZeroMQError.keysNeeded {
            throw DaybookError(
                .unavailable,
                "the keyring has no valid key of \(Self.name) any more; make a new one with: "
                    + "event-store keys new \(Self.name)")
        }
    }
}

/// Where a subscription starts.
public enum SubscriptionStart: Hashable, Sendable {
    /// After this position: a checkpoint, or 0 for the beginning of the log.
    case position(UInt64)
    /// After the last event in the log at the time of the subscription.
    case end
}
