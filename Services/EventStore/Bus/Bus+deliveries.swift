import EventSourcing
import EventStoreClient
import Logging
import WireProtocol

extension Bus {
    /// Changes the deliveries, and carries out what follows.
    func update<Result>(_ change: (inout Deliveries) throws -> Result) rethrows -> Result {
        defer { carryOut(deliveries.takeActions()) }
        return try change(&deliveries)
    }

    private func carryOut(_ actions: [Deliveries.Action]) {
        for action in actions {
            switch action {
            case .deadLetter(let entry, let queue, let cause):
                deadLetters.add(entry, of: queue, cause)
                deadLetterSignal.send()
            case .resume(let waiter): waiters.resume(CollectionOfOne(waiter))
            }
        }
    }

    /// Returns deliveries for a consumer, at once or as soon as there are any. Returns none when
    /// the consumer's wait has passed.
    func receive(_ request: ReceiveRequest) async throws -> [UInt8] {
        let receive = try deliveries.receive(request, at: clock.running)
        if deliveries.isRepeat(receive) {
            if let answer = deliveries.answer(to: receive) { return answer }
            try await suspend { deliveries.waitForAnswer(to: receive, $0) }
            return deliveries.answer(to: receive) ?? []
        }
        update { $0.begin(receive, at: clock.running) }
        var frame: [UInt8]?
        defer { update { $0.end(receive, with: frame, at: clock.running) } }
        let answer = try Delivery.frame(try await deliveries(for: receive))
        frame = answer
        return answer
    }

    private func deliveries(for receive: Deliveries.Receive) async throws -> [Delivery] {
        var lastLoad: UInt64?
        while true {
            let now = clock.now
            switch update({ $0.lease(for: receive, lastLoad: lastLoad, at: now) }) {
            case .deliveries(let leased):
                let (events, sent) = try await eventsThatFit(leased.map(\.entry.position))
                let delivered = try await deliver(leased, first: sent, of: events, to: receive)
                // Skipped events have left the queue, so that others are next.
                if delivered.isEmpty, events.values.contains(where: \.isSkipped) { continue }
                return delivered
            case .needsLoad(let sequence):
                lastLoad = sequence
                try await stored()
            case .wait: try await suspend { deliveries.wait(for: receive, $0) }
            case .nothing: return []
            }
        }
    }

    /// Returns the answer to a receive once its leases are on disk. From then on, no crash lets
    /// another consumer get the events before the leases expire. The acknowledgements of the
    /// events before them in their groups are on disk, too.
    ///
    /// - Parameter sent: how many of the leased entries fit into the answer. The others return to
    ///   the queue.
    private func deliver(
        _ leased: [QueueState.Delivery], first sent: Int, of events: [UInt64: RecordedEvent],
        to receive: Deliveries.Receive
    ) async throws -> [Delivery] {
        for event in events.values where event.isSkipped {
            logger.notice(
                "an event is not delivered, because it was amended to be skipped",
                metadata: ["queue": "\(receive.request.queue)", "position": "\(event.position)"])
        }
        let delivered = update { deliveries in
            deliveries.unsend(leased[sent...], of: receive, at: clock.now)
            return deliveries.deliver(
                Array(leased[..<sent]), of: events, to: receive, at: clock.now)
        }
        try await committed()
        return delivered
    }

    /// The size of the records in one answer, in bytes. An answer may have one larger record.
    static let answerBytes = 4 << 20
    /// How many events are read before their size is known.
    private static let firstEvents = 16

    /// Returns the first events at `positions` that fit into an answer, and how many they are. An
    /// event that can't be read counts, and is missing from the result. One that is skipped counts
    /// with its size, because its bytes are in memory, too.
    private func eventsThatFit(
        _ positions: [UInt64]
    ) async throws -> (events: [UInt64: RecordedEvent], count: Int) {
        var found: [UInt64: RecordedEvent] = [:]
        var (count, bytes) = (0, 0)
        while count < positions.count {
            // Later ones are probably as large as those before.
            let more =
                count == 0 ? Self.firstEvents : (Self.answerBytes - bytes) * count / max(bytes, 1)
            let part = positions[count...].prefix(max(more, 1))
            let events = try await events(at: Array(part))
            for position in part {
                let size = events[position]?.bytes.count ?? 0
                guard count == 0 || bytes + size <= Self.answerBytes else { return (found, count) }
                found[position] = events[position]
                bytes += size
                count += 1
            }
        }
        return (found, count)
    }

    /// Applies the consumer's verdicts and returns, once they are on disk, which of them took
    /// effect. A repeated verdict gets the first answer.
    func acknowledge(_ acknowledgements: [Acknowledgement], of queue: String) async throws -> [Bool]
    {
        let accepted = try update { try $0.apply(acknowledgements, to: queue, at: clock.now) }
        if accepted.contains(true) { try await committed() }
        return accepted
    }

    /// Returns the deliveries of a stopped consumer to the queue. Returns their number when that is
    /// on disk.
    func release(_ request: ReleaseRequest) async throws -> Int {
        let count = try update { try $0.release(request, at: clock.now) }
        if count > 0 { try await committed() }
        return count
    }

    // MARK: Loading

    /// Loads entries of queues that have room in memory, and those of unblocked groups.
    func loadEntries() async throws {
        for name in deliveries.names {
            if let queue = deliveries[name], let last = queue.recountAfter {
                queue.recount(try await store.count(of: queue.id, after: last), after: last)
            }
            while let load = deliveries[name]?.nextLoad() {
                let count = try await self.load(load)
                if case .after(_, let limit) = load.range {
                    // What is behind a full load follows after the next commit, so that no commit
                    // waits for a long queue.
                    if count == limit { commitSignal.send() }
                    break
                }
            }
        }
    }

    /// Reads entries from disk into memory. Returns their number.
    @discardableResult
    func load(_ load: EntryLoad) async throws -> Int {
        let entries = try await store.entries(for: load)
        update { $0.finish(load, with: entries, at: clock.now) }
        return entries.count
    }
}
