public import EventSourcing
import WireProtocol
import ZeroMQ

/// Some events of one ordered sequence without a duplicate and without a hole.
public struct EventBatch: Sendable {
    public var events: [RecordedEvent]
    /// Every matching event up to here has been given: the checkpoint to go on from.
    public var through: UInt64
    /// Whether that was the head of the log when the batch was made.
    public var isCaughtUp: Bool
}

/// The feed follows another log than the one that was subscribed to: positions of the one mean
/// nothing in the other.
public struct DifferentLog: Error, Hashable, CustomStringConvertible {
    public let expected: EventID
    public let actual: EventID

    public var description: String {
        "the event store has log \(actual), not log \(expected), which was followed until now"
    }
}

/// A catch-up subscription: reads the log until it has all of it, then lives off the feed.
///
/// The feed may lose, repeat or delay messages; positions have no gaps. So a message is taken if it is
/// the next one, passed over if it is known, and taken as a sign to read the log if any is missing;
/// a heartbeat tells of the last ones. What the feed brings meanwhile waits in the socket, which
/// drops what is too much: it is in the log.
public actor Subscription {
    /// Events given at a time in catching up.
    private static let batch: UInt64 = 500
    /// Without a message for so long, the log is asked; the feed's connection may be gone.
    private static let patience = Feed.heartbeatInterval * 8

    private let query: EventQuery
    private let client: EventStoreClient
    private let loop: SocketLoop
    private let feed: Socket
    private let log: EventID
    private var through: UInt64
    private var isBehind = true

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    init(_ query: EventQuery, after position: UInt64, of client: EventStoreClient) async throws {
        let welcome = try await client.welcome()
        guard let endpoint = welcome.feed else {
            throw ProtocolError(.notFound, "\(welcome.server) has no feed")
        }
        self.query = query
        self.client = client
        loop = client.loop
        log = welcome.log
        through = position
        var options = Socket.Options()
        options.receiveHighWaterMark = 10_000
        feed = try Socket(.sub, on: client.loop, in: client.context, options: options)
        // All topics: only a sequence without gaps shows that nothing is missing between categories.
        try feed.subscribe("")
        try feed.connect(endpoint)
    }

    /// The next batch, as soon as there is one; it may be empty, when only the checkpoint has moved.
    ///
    /// - Throws: `DifferentLog`, `CancellationError`, and what the store refuses. A store that does not
    ///   answer is waited for.
    public func next() async throws -> EventBatch {
        while true {
            try Task.checkCancellation()
            if isBehind {
                do {
                    if let batch = try await catchUp() { return batch }
                } catch is Unavailable {
                    continue
                }
            }
            if let batch = try drainFeed() { return batch }
            if isBehind { continue }
            if try await !feed.readable(until: .now + Self.patience) { isBehind = true }
        }
    }

    /// What the log has behind `through`; nil if there is nothing.
    private func catchUp() async throws -> EventBatch? {
        let before = through
        var events: [RecordedEvent] = []
        let request = ReadRequest(query, from: through + 1, limit: Self.batch)
        through = max(through, try await client.read(request) { events += $0 })
        isBehind = events.count == Int(Self.batch)
        guard through > before else { return nil }
        return EventBatch(events: events, through: through, isCaughtUp: !isBehind)
    }

    /// What the feed has brought that comes next; nil if there is nothing.
    private func drainFeed() throws -> EventBatch? {
        let before = through
        var events: [RecordedEvent] = []
        while !isBehind, let message = try feed.receiveMessage() {
            guard message.count == 2 else { continue }
            let body = message[1]
            if message[0].elementsEqual(Feed.heartbeatTopic.utf8) {
                let heartbeat = try Heartbeat(body.span)
                guard heartbeat.log == log else {
                    throw DifferentLog(expected: log, actual: heartbeat.log)
                }
                isBehind = heartbeat.head > through
                continue
            }
            let event = try RecordedEvent(body[...])
            guard event.position > through else { continue }
            guard event.position == through + 1 else {
                isBehind = true
                break
            }
            through = event.position
            if query.matches(event) { events.append(event) }
        }
        guard through > before else { return nil }
        return EventBatch(events: events, through: through, isCaughtUp: !isBehind)
    }
}
