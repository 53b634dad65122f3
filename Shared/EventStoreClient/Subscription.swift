public import EventSourcing
import WireProtocol
import ZeroMQ

/// A catch-up subscription: reads the log until it has all of it, then lives off the feed.
///
///     for try await batch in try await client.subscribe(.categories(["order"]), after: .end) { … }
///
/// The feed may lose, repeat, delay or reorder messages; `FeedScope` says how that is seen. A
/// message is taken if it is the next one, passed over if it is known, and taken as a sign to read
/// the log if any is missing; a heartbeat tells of the last ones. What the feed brings while the
/// consumer is busy waits in the socket, which drops what is too much: it is in the log.
///
/// The sequence ends only by throwing, and goes on where it was when it is iterated again. It has
/// one consumer at a time.
public actor Subscription: AsyncSequence {
    public typealias Element = EventBatch

    /// At most so many messages are taken from the feed for a batch, and wait in the socket.
    private static let batch = 1000
    /// Without a message for so long, the log is asked; the feed's connection may be gone.
    private static let patience = Feed.heartbeatInterval * 8

    private let query: EventQuery
    private let scope: FeedScope
    private let client: EventStoreClient
    private let loop: SocketLoop
    private let feed: Socket
    private let log: EventID
    private var through: UInt64
    private var isBehind = true
    /// The log being read, while this is behind.
    private var reading: EventReading.Iterator?
    private var isTaken = false

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    init(
        _ query: EventQuery, after start: SubscriptionStart, in expected: EventID?,
        of client: EventStoreClient
    ) async throws {
        let welcome = try await client.welcome()
        guard let endpoint = welcome.feed else {
            throw ProtocolError(.notFound, "\(welcome.server) has no feed")
        }
        self.query = query
        self.client = client
        scope = FeedScope(query)
        loop = client.loop
        log = welcome.log
        if let expected, expected != log { throw DifferentLog(expected: expected, actual: log) }
        through =
            switch start {
            case .position(let position): position
            case .end: welcome.head
            }
        var options = Socket.Options()
        options.receiveHighWaterMark = Int32(Self.batch)
        feed = try Socket(.sub, on: client.loop, in: client.context, options: options)
        for topic in scope.topics { try feed.subscribe(topic) }
        try feed.connect(endpoint, to: EventStoreClient.name)
    }

    public nonisolated func makeAsyncIterator() -> Iterator { Iterator(subscription: self) }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let subscription: Subscription

        public func next(isolation actor: isolated (any Actor)?) async throws -> EventBatch? {
            try await subscription.next()
        }
    }

    /// The next batch, as soon as there is one; it may be empty, when only the checkpoint has
    /// moved.
    ///
    /// - Throws: `DifferentLog`, `CancellationError`, what the store refuses, and `Unavailable`
    ///   once the client is closed. A store that does not answer is waited for.
    public func next() async throws -> EventBatch {
        precondition(!isTaken, "a subscription has one consumer at a time")
        isTaken = true
        defer { isTaken = false }
        while true {
            try Task.checkCancellation()
            if let batch = isBehind ? try await readLog() : try drainFeed() { return batch }
            if !isBehind, try await !feed.readable(until: .now + Self.patience) {
                try await checkLog()
            }
        }
    }

    /// What the log has next; nil if there is nothing.
    private func readLog() async throws -> EventBatch? {
        let next = through == .max ? through : through + 1
        let reading =
            self.reading ?? client.read(ReadRequest(query, from: next)).makeAsyncIterator()
        // Put back when it has given something: one that has failed or ended is of no more use.
        self.reading = nil
        do {
            guard var batch = try await reading.next(isolation: self) else { return nil }
            let before = through
            through = Swift.max(through, batch.through)
            batch.through = through
            isBehind = !batch.isCaughtUp
            if isBehind { self.reading = reading }
            return through > before ? batch : nil
        } catch let error as Unavailable {
            if await client.isClosed { throw error }
            return nil
        }
    }

    /// What the feed has brought that comes next; nil if there is nothing.
    private func drainFeed() throws -> EventBatch? {
        let before = through
        var events: [RecordedEvent] = []
        var taken = 0
        while !isBehind, taken < Self.batch, let message = try feed.receiveMessage() {
            taken += 1
            guard message.count == 2 else { continue }
            let body = message[1]
            if message[0].elementsEqual(Feed.heartbeatTopic.utf8) {
                try note(Heartbeat(body.span))
            } else if let event = advance(to: try RecordedEvent(body[...])) {
                events.append(event)
            }
        }
        guard through > before else { return nil }
        return EventBatch(events: events, through: through, isCaughtUp: !isBehind)
    }

    private func note(_ heartbeat: Heartbeat) throws(DifferentLog) {
        try check(heartbeat.log)
        isBehind = heartbeat.head > through
    }

    /// The event if it comes next and matches; sees to it that what was missed is read.
    private func advance(to event: RecordedEvent) -> RecordedEvent? {
        guard event.position > through, scope.contains(event) else { return nil }
        guard scope.isNext(event, after: through) else {
            isBehind = true
            return nil
        }
        through = event.position
        return query.matches(event) ? event : nil
    }

    /// After a long silence: the store may have been replaced, or its feed be lost to us.
    private func checkLog() async throws {
        do {
            try check(try await client.welcome().log)
            isBehind = true
        } catch let error as Unavailable {
            if await client.isClosed { throw error }
        }
    }

    private func check(_ actual: EventID) throws(DifferentLog) {
        guard actual == log else { throw DifferentLog(expected: log, actual: actual) }
    }
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
