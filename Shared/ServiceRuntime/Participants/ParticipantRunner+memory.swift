import EventSourcing
import EventStoreClient
import HeapModule
import Logging
import WireProtocol

/// A participant's memory is a cache of the log. Sagas that it lacks are folded from the log, which
/// is read by the sagas' tags: all of them if the file was lost or the service moved to another
/// machine, otherwise those that were trimmed, and those that began in another log. The queue does
/// not deliver history, so the memory has it only once an event continues the saga.
extension ParticipantRunner {
    /// The remembered state of a saga, and its events that the memory lacks.
    struct SagaMemory: Sendable {
        /// The remembered state; nil if the saga is not in the memory.
        var saga: Saga<P.State>?
        /// The saga's events in the log that the memory may lack, in log order.
        var eventsToFold: [Recorded<P.Event>] = []

        /// The position of the last event in the remembered state, or 0.
        var lastPosition: UInt64 { saga?.lastPosition ?? 0 }

        /// The saga as it was before `event`, which may be its first.
        func saga(before event: Recorded<P.Event>) -> Saga<P.State> {
            let earlier = eventsToFold.prefix { $0.position < event.position }
            return folded(
                earlier, onto: saga ?? Saga(beginningWith: earlier.first ?? event, P.self))
        }

        /// Folds the events after `saga` onto it.
        func complete(_ saga: Saga<P.State>) -> Saga<P.State> {
            folded(eventsToFold[...], onto: saga)
        }

        /// The saga with all events up to now; nil if it has no events.
        var complete: Saga<P.State>? {
            (saga ?? eventsToFold.first.map { Saga(beginningWith: $0, P.self) }).map(complete)
        }

        private func folded(
            _ events: ArraySlice<Recorded<P.Event>>, onto saga: Saga<P.State>
        ) -> Saga<P.State> {
            // Filtered before folding: the events of a record that was split share a position.
            events.filter { $0.position > saga.lastPosition }
                .reduce(into: saga) { $0.fold($1, by: P.self) }
        }
    }

    /// How long a saga without a deadline is remembered after its last event, by the log's time.
    private static var retention: Duration { .seconds(30 * 86_400) }
    /// The pause between two rounds of trimming.
    private static var trimInterval: Duration { .seconds(600) }
    /// The largest number of sagas that one transaction removes, so that it does not delay events.
    private static var trimCount: Int { 5_000 }
    /// The largest number of sagas that one read looks for.
    private static var readCount: Int { 250 }

    // MARK: Loading

    /// Loads the memory from disk. A new memory first records where it begins, and finds the open
    /// sagas with a deadline in the log.
    func loadMemory() async throws {
        if let known = try await store.beginning() {
            beginning = known
        } else {
            let last = try await client.last(of: P.Event.query)?.position ?? 0
            let open = last > 0 && P.hasDeadlines ? try await sagasWithDeadline(through: last) : []
            try await store.begin(at: last, open)
            beginning = last
        }
        deadlines = .init(try await store.deadlines())
    }

    /// Returns the sagas that have a deadline, with the initial state. The actual state is folded
    /// from the log when it is needed.
    private func sagasWithDeadline(
        through last: UInt64
    ) async throws -> [SagaStore<P.State>.Entry] {
        var sagas: [String: (first: Saga<P.State>, state: P.State)] = [:]
        for try await record in client.read(ReadRequest(P.Event.query, to: last)).events {
            for event in readable(record) {
                let id = P.saga(of: event.event)
                let new = (first: Saga(beginningWith: event, P.self), state: P.initial)
                P.evolve(&sagas[id, default: new].state, with: event.event)
            }
        }
        return sagas.compactMap { id, saga in
            P.deadline(of: saga.state).map { (id, saga.first, $0) }
        }
    }

    /// Returns what is known of the sagas. Reads the log only for those that the memory may lack.
    func memories(of ids: Set<String>) async throws -> [String: SagaMemory] {
        var known = try await remembered(ids).mapValues { SagaMemory(saga: $0) }
        // A remembered saga had its history when it was first remembered.
        let history = known.count < ids.count ? try await historyEnd() : 0
        guard beginning > 0 || history > 0 else { return known }
        let incomplete = ids.filter { known[$0].map { $0.lastPosition < beginning } ?? true }
        let tags = incomplete.compactMap { id in P.tag(of: id).map { (tag: $0, id: id) } }
            // A longer tag is in no event, and the store would reject the query.
            .filter { $0.tag.utf8.count <= Limits.nameBytes }
        for start in stride(from: 0, to: tags.count, by: Self.readCount) {
            let part = tags[start..<min(start + Self.readCount, tags.count)]
            let found = try await retryWhileUnavailable {
                try await self.events(
                    of: Set(part.map(\.id)), tagged: part.map(\.tag),
                    through: max(self.beginning, history)
                ) { $0.position <= self.beginning || $0.isHistory }
            }
            for event in found {
                let id = P.saga(of: event.event)
                guard event.position > known[id]?.lastPosition ?? 0 else { continue }
                known[id, default: SagaMemory()].eventsToFold.append(event)
            }
        }
        return known
    }

    /// Returns the sagas with all events up to now. Omits sagas without events.
    func completeSagas(_ ids: Set<String>) async throws -> [String: Saga<P.State>] {
        try await memories(of: ids).compactMapValues(\.complete)
    }

    /// Folds the remembered sagas that may have an amended event from the log again, up to their
    /// last event.
    func refold(_ notices: [AmendmentNotice]) async throws {
        let tags = Set(notices.flatMap(\.event.tags))
        let amended = try await store.ids().filter { P.tag(of: $0).map(tags.contains) ?? false }
        for start in stride(from: 0, to: amended.count, by: Self.readCount) {
            let ids = Set(amended[start..<min(start + Self.readCount, amended.count)])
            var sagas = try await store.sagas(ids)
            let last = sagas.values.map(\.lastPosition).max() ?? 0
            let found = try await retryWhileUnavailable {
                try await self.events(
                    of: ids, tagged: ids.compactMap(P.tag(of:)), through: last)
            }
            for id in ids { sagas[id]?.state = P.initial }
            for event in found {
                let id = P.saga(of: event.event)
                // The last event stays the last, even if it is skipped now.
                guard var saga = sagas[id], event.position <= saga.lastPosition else { continue }
                P.evolve(&saga.state, with: event.event)
                sagas[id] = saga
            }
            try await remember(sagas)
        }
        try await store.markAmended(through: notices.map(\.position).max() ?? 0)
    }

    /// Returns the position of the last event that was imported from another log, or 0.
    private func historyEnd() async throws -> UInt64 {
        try await retryWhileUnavailable { try await client.welcome().history ?? 0 }
    }

    /// Returns the sagas' events in the log up to `last`, of those that `isWanted` accepts.
    private func events(
        of sagas: Set<String>, tagged tags: [String], through last: UInt64,
        where isWanted: (RecordedEvent) -> Bool = { _ in true }
    ) async throws -> [Recorded<P.Event>] {
        let query = EventQuery(tags.map { .init(tags: [$0]) })
        let taken = P.Event.query
        var events: [Recorded<P.Event>] = []
        for try await record in client.read(ReadRequest(query, to: last)).events
        where taken.matches(record) && isWanted(record) {
            events += readable(record).filter { sagas.contains(P.saga(of: $0.event)) }
        }
        return events
    }

    /// Returns the events that the record holds. Skips a record that can't be read: it became a
    /// dead letter and was never handled.
    func readable(_ record: RecordedEvent) -> [Recorded<P.Event>] {
        do {
            return try Recorded<P.Event>.events(in: record, by: P.self)
        } catch {
            logger.warning(
                "\(record.type) at position \(record.position) can't be read and is skipped",
                metadata: ["reason": "\(error)"])
            return []
        }
    }

    // MARK: Remembering

    private func remembered(_ ids: Set<String>) async throws -> [String: Saga<P.State>] {
        var sagas: [String: Saga<P.State>] = [:]
        var missing: Set<String> = []
        for id in ids {
            if let saga = cache[id] { sagas[id] = saga } else { missing.insert(id) }
        }
        return sagas.merging(try await store.sagas(missing)) { cached, _ in cached }
    }

    /// Stores the sagas on disk. Their events may be acknowledged once this returns.
    func remember(_ sagas: [String: Saga<P.State>]) async throws {
        try await store.commit(sagas.map { ($0, $1, P.deadline(of: $1.state)) })
        for (id, saga) in sagas {
            cache[id] = saga
            if let deadline = P.deadline(of: saga.state) {
                deadlines.insert(Deadline(time: deadline, saga: id))
            }
        }
    }

    /// Removes some of the sagas without a recent event, at most once per `trimInterval` unless
    /// more are left.
    func trim() async throws {
        guard nextTrim <= .now, lastTime.microseconds > 0 else { return }
        let (count, last) = try await store.trim(
            before: lastTime + (.zero - Self.retention), atMost: Self.trimCount)
        beginning = max(beginning, last)
        if count < Self.trimCount { nextTrim = .now + Self.trimInterval }
    }
}

extension Saga {
    /// A saga with the initial state, before its first event.
    init<P: Participant>(
        beginningWith event: Recorded<P.Event>, _ participant: P.Type
    ) where P.State == State {
        self.init(
            state: P.initial, correlationID: event.correlationID, lastEventID: event.id,
            lastPosition: 0, lastTime: event.time)
    }

    /// Adds the event to the state, and makes it the saga's last event.
    mutating func fold<P: Participant>(
        _ event: Recorded<P.Event>, by participant: P.Type
    ) where P.State == State {
        P.evolve(&state, with: event.event)
        lastEventID = event.id
        lastPosition = event.position
        lastTime = event.time
    }
}
