public import EventSourcing
import Foundation
public import WireProtocol
public import ZeroMQ

/// The event store as an async API, over one connection.
public struct EventStoreClient: Sendable {
    /// The name of the process.
    static let name = "event-store"

    private let connection: RequestClient
    private let appends: AppendQueue
    let loop: SocketLoop
    let context: Context

    /// Begins to connect; a store that is not there yet is waited for by the requests.
    public init(endpoint: String, on loop: SocketLoop, in context: Context) async throws {
        connection = try await RequestClient(
            endpoint: endpoint, to: Self.name, on: loop, in: context)
        appends = AppendQueue(connection)
        self.loop = loop
        self.context = context
    }

    public func close() async { await connection.close() }

    /// What the store says of itself: its log, its head, its feed.
    public func welcome(timeout: Duration = .seconds(30)) async throws -> Welcome {
        let hello = Array(
            try JSONEncoder().encode(Hello(client: ProcessInfo.processInfo.processName)))
        let answer = try await connection.request(.hello, within: timeout) { _ in [hello] }
        var welcome = try JSONDecoder().decode(Welcome.self, from: Data(answer.body.first ?? []))
        welcome.feed = welcome.feed.map(reachable)
        welcome.bus = welcome.bus.map(reachable)
        return welcome
    }

    /// The endpoint as it is reached from here: a store that listens at all its addresses names
    /// none, and is where it was reached for this.
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
    /// What is appended at the same time through one client travels in one message. An answer that
    /// does not come is asked for again with the same events, under the same ids:
    /// that is safe, for the store keeps an id once.
    /// - Throws: `ProtocolError` for a refusal, `Unavailable` if no answer came within `timeout`,
    ///   `NameError` for an event that can't be written.
    public func append(
        _ events: [NewEvent], _ condition: AppendCondition = .any, timeout: Duration = .seconds(30)
    ) async throws -> Appended {
        var records: [UInt8] = []
        for event in events { try event.encode(into: &records) }
        // The store ends the connection of what is too long to be taken, and could not say why.
        guard records.count <= Limits.appendBytes else {
            throw ProtocolError(
                .invalid, "an append has up to \(Limits.appendBytes) bytes, not \(records.count)")
        }
        return try await appends.append(
            AppendPart(condition: try condition.encoded(), records: records), timeout: timeout)
    }

    /// The event of this id, if it is in the log.
    public func event(id: EventID, timeout: Duration = .seconds(30)) async throws -> RecordedEvent?
    {
        let record = try await connection.call(StoreCall.event, within: timeout) { _ in
            Array(id.description.utf8)
        }
        return record.isEmpty ? nil : try RecordedEvent(record[...])
    }

    /// Some of the streams that there are, in the order in which they began.
    public func streams(
        _ request: StreamsRequest = StreamsRequest(), timeout: Duration = .seconds(30)
    ) async throws -> [StreamEntry] {
        let answer = try await connection.call(StoreCall.streams, within: timeout) { _ in
            Array(try JSONEncoder().encode(request))
        }
        return try JSONDecoder().decode([StreamEntry].self, from: Data(answer))
    }

    /// How the store is doing.
    public func statistics(timeout: Duration = .seconds(30)) async throws -> StoreStatistics {
        let answer = try await connection.call(StoreCall.statistics, within: timeout) { _ in [] }
        return try JSONDecoder().decode(StoreStatistics.self, from: Data(answer))
    }

    /// Where the log ends, and the hash of its chain there.
    ///
    /// - Parameter timeout: of a log that was written before there were chains, the first answer
    ///   takes the time to read all of it.
    public func head(timeout: Duration = .seconds(30)) async throws -> LogHead {
        let answer = try await connection.call(StoreCall.chain, within: timeout) { _ in [] }
        return try JSONDecoder().decode(LogHead.self, from: Data(answer))
    }

    /// Reads what `request` asks for, as the consumer takes it.
    ///
    /// - Parameter timeout: how long a chunk is waited for, over restarts of the store.
    public func read(
        _ request: ReadRequest, timeout: Duration = .seconds(30)
    ) -> EventReading {
        EventReading(request: request, connection: connection, timeout: timeout)
    }

    /// Reads what `request` asks for, and hands it to `body` chunk by chunk.
    ///
    /// - Returns: the position up to which every matching event has been seen.
    @discardableResult
    public func read(
        _ request: ReadRequest, timeout: Duration = .seconds(30),
        _ body: ([RecordedEvent]) async throws -> Void
    ) async throws -> UInt64 {
        var through: UInt64 = 0
        for try await batch in read(request, timeout: timeout) {
            try await body(batch.events)
            through = batch.through
        }
        return through
    }

    /// Every event behind `position` that matches, for good: those in the log, then those to come.
    ///
    /// - Parameter log: The log that `position` belongs to. Without it, the position is taken for
    ///   one of the log that the store has now.
    /// - Throws: `DifferentLog` if the store has another log, `Unavailable` if it does not answer,
    ///   `ProtocolError` if it has no feed.
    public func subscribe(
        _ query: EventQuery = .all, after position: UInt64 = 0, in log: EventID? = nil
    ) async throws -> Subscription {
        try await Subscription(query, after: .position(position), in: log, of: self)
    }

    /// Every matching event behind `start`, for good; behind the end: whatever is appended from now
    /// on.
    public func subscribe(
        _ query: EventQuery = .all, after start: SubscriptionStart
    ) async throws -> Subscription {
        try await Subscription(query, after: start, in: nil, of: self)
    }

    var isClosed: Bool { get async { await connection.isClosed } }
}

/// Where a subscription begins.
public enum SubscriptionStart: Hashable, Sendable {
    /// Behind this position: a checkpoint, or 0 for the beginning of the log.
    case position(UInt64)
    /// Behind the last event that is in the log when the subscription is made.
    case end
}
