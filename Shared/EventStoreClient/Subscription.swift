import EventSourcing
import WireProtocol
public import ZeroMQ

/// A catch-up subscription: it reads the log until it has caught up, then receives the feed.
///
///     for try await batch in try await client.subscribe(.categories(["order"]), after: .end) { … }
///
/// The feed may lose, repeat, delay or reorder messages. `FeedScope` explains how a subscription
/// detects this. It takes the next message, skips a known one, and reads the log if one is missing.
/// Heartbeats reveal the last ones. While the consumer is busy, messages wait in the socket. The
/// socket drops what exceeds its limit, but the log has it.
///
/// The sequence ends only by throwing. A new iteration continues where the last one stopped. It has
/// one consumer at a time.
public actor Subscription: AsyncSequence, LoopActor {
    /// Batches of events.
    public typealias Element = EventBatch

    /// The largest number of feed messages in a batch, and in the socket.
    private static let batch = 1000
    /// How long to wait for a message before checking the log. The connection to the feed may be
    /// lost.
    private static let patience = Feed.heartbeatInterval * 8

    private let query: EventQuery
    private let scope: FeedScope
    private let client: EventStoreClient
    /// The thread of the client, on which the subscription runs.
    public nonisolated let loop: SocketLoop
    private let source: Source
    private let log: EventID
    private var through: UInt64
    private var isBehind = true
    /// The read of the log while the subscription is behind.
    private var reading: EventReading.Iterator?
    private var isTaken = false
    private let onUnavailable: @Sendable (any ClassifiedError) -> Void

    /// What brings new events.
    private enum Source: ~Copyable {
        case socket(Socket)
        case groups(CommittedGroups)
    }

    /// Creates a subscription to all events after `position`. `groups` brings the new ones.
    init(to groups: CommittedGroups, after position: UInt64, of client: EventStoreClient)
        async throws
    {
        query = .all
        self.client = client
        onUnavailable = { _ in }
        scope = .all
        loop = client.loop
        log = try await client.welcome().log
        through = position
        source = .groups(groups)
    }

    init(
        _ query: EventQuery, after start: SubscriptionStart, in expected: EventID?,
        of client: EventStoreClient,
        onUnavailable: @escaping @Sendable (any ClassifiedError) -> Void = { _ in }
    ) async throws {
        let welcome = try await client.welcome()
        guard let endpoint = welcome.feed else {
            // The store names its feed to every key that may listen to it.
            throw ProtocolError(
                .denied,
                "the key may not read every event, which the feed needs; read the log instead, or "
                    + "use a key that may read everything")
        }
        self.query = query
        self.client = client
        self.onUnavailable = onUnavailable
        scope = FeedScope(query)
        loop = client.loop
        log = welcome.log
        if let expected, expected != log { throw DaybookError.otherLog(log, than: expected) }
        through =
            switch start {
            case .position(let position): position
            case .end: welcome.head
            }
        var options = Socket.Options()
        options.receiveHighWaterMark = Int32(Self.batch)
        let feed = try Socket(.sub, on: client.loop, in: client.context, options: options)
        for topic in scope.topics { try feed.subscribe(topic) }
        try feed.connect(endpoint, to: EventStoreClient.name)
        source = .socket(feed)
    }

    /// Returns an iterator that continues where the subscription is.
    public nonisolated func makeAsyncIterator() -> Iterator { Iterator(subscription: self) }

    /// An iterator over batches.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let subscription: Subscription

        /// Returns the next batch. See ``Subscription/next()``.
        public func next(isolation actor: isolated (any Actor)?) async throws -> EventBatch? {
            try await subscription.next()
        }
    }

    /// Returns the next batch as soon as there is one. It may be empty when only the checkpoint has
    /// moved.
    ///
    /// It waits for a store that does not answer.
    ///
    /// - Throws: `internal`, `CancellationError`, the store's `ProtocolError`, and
    ///   `unavailable` once the client is closed.
    public func next() async throws -> EventBatch {
        precondition(!isTaken, "a subscription has one consumer at a time")
        isTaken = true
        defer { isTaken = false }
        while true {
            try Task.checkCancellation()
            if let batch = isBehind ? try await readLog() : try takeNew() { return batch }
            if !isBehind { try await waitForNew() }
        }
    }

    private func waitForNew() async throws {
        switch source {
        case .groups(let groups): await groups.added()
        case .socket(let feed):
            if try await !feed.readable(until: .now + Self.patience) { try await checkLog(feed) }
        }
    }

    /// Returns the next batch of the log, or nil if it has no more.
    private func readLog() async throws -> EventBatch? {
        let next = through == .max ? through : through + 1
        let reading =
            self.reading ?? client.read(ReadRequest(query, from: next)).makeAsyncIterator()
        // Restored only after success, because a failed or finished read is useless.
        self.reading = nil
        do {
            guard var batch = try await reading.next(isolation: self) else { return nil }
            let before = through
            through = Swift.max(through, batch.through)
            batch.through = through
            isBehind = !batch.isCaughtUp
            if isBehind { self.reading = reading }
            return through > before ? batch : nil
        } catch let error as any ClassifiedError where error.isTemporary {
            try await wait(after: error)
            return nil
        }
    }

    /// Returns the new events, or nil if there are none.
    private func takeNew() throws -> EventBatch? {
        let before = through
        let events =
            switch source {
            case .socket(let feed): try drain(feed)
            case .groups(let groups): try drain(groups)
            }
        guard through > before else { return nil }
        return EventBatch(events: events, through: through, isCaughtUp: !isBehind)
    }

    private func drain(_ groups: CommittedGroups) throws -> [RecordedEvent] {
        let (waiting, hasGap) = groups.take()
        let events = try waiting.flatMap { try RecordedEvent.events(of: $0) }
        if hasGap { isBehind = true }
        return events.compactMap { isBehind ? nil : advance(to: $0) }
    }

    private func drain(_ feed: borrowing Socket) throws -> [RecordedEvent] {
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
        return events
    }

    private func note(_ heartbeat: Heartbeat) throws(DaybookError) {
        try check(heartbeat.log)
        isBehind = heartbeat.head > through
    }

    /// Returns the event if it is the next one and matches. If an event is missing, marks the
    /// subscription as behind.
    private func advance(to event: RecordedEvent) -> RecordedEvent? {
        guard event.position > through, scope.contains(event) else { return nil }
        guard scope.isNext(event, after: through) else {
            isBehind = true
            return nil
        }
        through = event.position
        return query.matches(event) ? event : nil
    }

    /// Checks the log after a long silence. The store may have been replaced, or the feed may be
    /// lost.
    private func checkLog(_ feed: borrowing Socket) async throws {
        // A subscriber that the feed refuses reads the log instead.
        _ = try feed.reconnectIfRefused()
        do {
            try check(try await client.welcome().log)
            isBehind = true
        } catch let error as any ClassifiedError where error.isTemporary {
            try await wait(after: error)
        }
    }

    private func wait(after error: any ClassifiedError) async throws {
        if await client.isClosed { throw error }
        onUnavailable(error)
        // The store may have answered at once, because it is stopping.
        try await Task.sleep(for: retryPause)
    }

    private func check(_ actual: EventID) throws(DaybookError) {
        guard actual == log else { throw DaybookError.otherLog(actual, than: log) }
    }
}

extension DaybookError {
    /// The error that the store now has another log than the subscription follows. Positions of one
    /// log mean nothing in another.
    fileprivate static func otherLog(_ actual: EventID, than expected: EventID) -> DaybookError {
        DaybookError(
            .internal,
            "the event store has log \(actual), not log \(expected), which was followed until now")
    }
}
