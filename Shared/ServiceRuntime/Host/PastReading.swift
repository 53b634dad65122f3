package import EventSourcing
package import EventStoreClient
import GRDB
import Observability
package import WireProtocol

/// Queries of a service's past or hypothetical state, answered from the log alone.
///
/// The running service answers with it, and so does a command with `--offline`. Neither touches the
/// live read model. A query of one entity reads only the events of that entity. A query of all
/// entities reads the log. Events are folded batch by batch, and a cancelled task stops after its
/// current batch.
package struct PastReading<S: Service>: Sendable {
    /// A callback with the position that the reading has reached, and the position where it ends.
    package typealias Progress = (_ through: UInt64, _ end: UInt64) -> Void

    let client: EventStoreClient
    /// The service's own folder, which also holds the snapshots of past states.
    let folder: String
    /// The smallest number of events between two snapshots of a past state.
    ///
    /// The actual distance is up to twice as large, because events arrive in batches.
    let snapshotInterval: Int

    /// Creates a reader that keeps its snapshots in the service's own `folder`.
    package init(client: EventStoreClient, folder: String, snapshotInterval: Int = 1000) {
        self.client = client
        self.folder = folder
        self.snapshotInterval = snapshotInterval
    }

    /// Returns the query's answer at `moment`, or the current one if `moment` is nil.
    package func answer<Argument, Answer>(
        _ query: ServiceQuery<S, Argument, Answer>, _ argument: Argument,
        asOf moment: Moment?, _ progress: Progress = { _, _ in }
    ) async throws -> Answer {
        try await marked(query, argument, asOf: moment, progress).answer
    }

    /// Returns the query's answer, as ``answer(_:_:asOf:_:)`` does, with its marks.
    ///
    /// An answer about one entity is folded from its events only. So its marks do not count events
    /// that can't be read and name no entity.
    package func marked<Argument, Answer>(
        _ query: ServiceQuery<S, Argument, Answer>, _ argument: Argument,
        asOf moment: Moment?, _ progress: Progress = { _, _ in }
    ) async throws -> Marked<Answer> {
        try await model(for: query, argument, asOf: moment, progress).marked(argument)
    }

    /// Returns the query's answer at `moment` as if the event had not happened.
    ///
    /// - Throws: `rejected` if the event is not one of the service's own events, or if the answer
    ///   does not depend on it.
    package func hypothetical<Argument, Answer>(
        _ query: ServiceQuery<S, Argument, Answer>, _ argument: Argument,
        without reference: EventReference, asOf moment: Moment?,
        _ progress: Progress = { _, _ in }
    ) async throws -> Hypothetical<Answer> {
        let scope = try query.scope(argument)
        let event = try await self.event(reference, in: scope, asOf: moment)
        var past = try PastModel(query)
        try await read(scope, asOf: moment, progress) { events in
            try past.fold(events.filter { $0.id != event.id })
        }
        var answer = Hypothetical<Answer>(without: PastEvent(event))
        do {
            answer.state = try past.answer(argument)
        } catch let rejection as DaybookError where rejection.kind == .rejected {
            answer.refusal = rejection.description
        }
        answer.noLongerAllowed = try await objections(without: event, asOf: moment)
        return answer
    }

    /// Returns how the events between two points in the log changed the entity.
    ///
    /// - Throws: `rejected` if `from` is after `to`, if the entity has no events by then, or if
    ///   there are too many events between them.
    package func difference(
        _ request: DifferenceRequest
    ) async throws -> Difference<S.Entity> where S: EntityService {
        let (query, id) = (S.entity, request.id)
        let start = request.from ?? .position(0)
        let first = try await client.position(of: start)
        let last = try await client.position(of: request.to)
        try require(
            first <= last, .rejected,
            "--from (position \(first)) is after --to (position \(last))")
        var past = try await model(for: query, id, asOf: start)
        let before = try past.state(id)
        var difference = Difference(id: id, from: first, to: last, before: before, after: before)
        try await read(query.scope(id), asOf: request.to ?? .position(last), after: start) {
            for event in $0 where !event.isSkipped {
                try past.fold([event])
                try difference.add(PastEvent(event), after: try past.state(id))
            }
        }
        try require(
            before != nil || !difference.events.isEmpty, .rejected,
            "\(id) has no events up to position \(last)")
        return difference
    }

    /// Returns the current answer, and the answer as if the events had happened. An answer is nil
    /// if the query is rejected.
    func compare<Argument, Answer>(
        _ query: ServiceQuery<S, Argument, Answer>, _ argument: Argument,
        after events: [RehearsedEvent]
    ) async throws -> (now: Answer?, then: Answer?) {
        var past = try await model(for: query, argument, asOf: nil)
        let now = try past.state(argument)
        try past.fold(events)
        return (now, try past.state(argument))
    }

    /// Returns the model with the events up to `moment`. Folds them onto the nearest snapshot, and
    /// stores further snapshots.
    private func model<Argument, Answer>(
        for query: ServiceQuery<S, Argument, Answer>, _ argument: Argument,
        asOf moment: Moment?, _ progress: Progress = { _, _ in }
    ) async throws -> PastModel<S, Argument, Answer> {
        var past = try PastModel(query)
        let scope = try query.scope(argument)
        guard past.isInMemory, !scope.isAll else {
            try await read(scope, asOf: moment, progress) { try past.fold($0) }
            return past
        }
        // Without the permission to read amendments, nothing shows that a snapshot is current.
        var snapshots: PastSnapshots<S>?
        if let amendment = try await Amendments.last(client) {
            snapshots = try PastSnapshots(
                in: folder, log: await client.welcome().log, amendment: amendment, of: query.name,
                argument)
        }
        if let snapshot = snapshots?.nearest(to: moment),
            try await client.event(id: snapshot.event)?.position == snapshot.position
        {
            past.snapshot = snapshot
        }
        var unkept = 0
        let start = Moment.position(past.snapshot.position)
        try await read(scope, asOf: moment, after: start, progress) { events in
            var kept: [PastSnapshots<S>.Snapshot] = []
            for start in stride(from: 0, to: events.count, by: snapshotInterval) {
                let some = Array(events[start..<min(start + snapshotInterval, events.count)])
                try past.fold(some)
                unkept += some.count
                guard unkept >= snapshotInterval, isComplete(through: some, asOf: moment)
                else { continue }
                kept.append(past.snapshot)
                unkept = 0
            }
            // Written with each batch: the snapshots of a long history do not fit into memory.
            snapshots?.keep(kept)
        }
        return past
    }

    /// Whether a read as of `moment` returned every event up to the last of `events`.
    ///
    /// A read up to a time skips history from after that time. But no event before a new one is
    /// later than the new one.
    private func isComplete(through events: [RecordedEvent], asOf moment: Moment?) -> Bool {
        guard case .time = moment else { return true }
        return events.last?.isHistory == false
    }

    /// Passes the events in `scope` after `start` that the service's projection reads to `body`.
    private func read(
        _ scope: EventQuery, asOf moment: Moment?, after start: Moment = .position(0),
        _ progress: Progress = { _, _ in }, _ body: ([RecordedEvent]) throws -> Void
    ) async throws {
        let end = scope.isAll ? try await client.position(of: moment) : nil
        let moment = moment ?? end.map(Moment.position)
        let query = scope.narrowed(to: S.ReadProjection.query)
        for try await batch in try await client.read(query, asOf: moment, after: start) {
            try body(batch.events)
            if let end { progress(min(batch.through, end), end) }
            // Other queries on the same thread get their turn.
            await Task.yield()
        }
    }

    private func event(
        _ reference: EventReference, in scope: EventQuery, asOf moment: Moment?
    ) async throws -> RecordedEvent {
        let event = try await client.event(reference)
        // The caller may not be permitted to read the event, so the error does not describe it.
        try require(
            event.category == S.Subject.category, .rejected,
            "event \(reference) is not one of \(S.name)'s own events")
        let subject = "event \(reference), \(event.type) in stream \(event.stream),"
        try require(
            scope.matches(event), .rejected, "\(subject) does not affect the requested answer")
        try require(
            moment?.includes(event) ?? true, .rejected,
            "\(subject) had not happened at the requested time or position")
        return event
    }

    /// Returns the later events of the stream that could not have happened without `missing`.
    private func objections(
        without missing: RecordedEvent, asOf moment: Moment?
    ) async throws -> [Objection] {
        var state = S.Subject.initial
        var objections: [Objection] = []
        for try await record in try await client.read(.stream(missing.stream), asOf: moment).events
        where record.id != missing.id {
            for recorded in try Recorded<S.Subject.Event>.required(
                in: record, by: S.Subject.self)
            {
                if record.position > missing.position,
                    let reason = S.Subject.objection(to: recorded.event, given: state)
                {
                    objections.append(Objection(event: PastEvent(record), reason: reason))
                }
                S.Subject.evolve(&state, with: recorded.event)
            }
        }
        return objections
    }
}

/// An in-memory read model of selected events, and a query of it.
private struct PastModel<S: Service, Argument, Answer>
where Argument: Codable & Sendable, Answer: Codable & Sendable {
    private let query: ServiceQuery<S, Argument, Answer>
    /// The model, and the last event in it.
    var snapshot = PastSnapshots<S>.Snapshot()
    /// The tables that the live model has on disk. Nil if the query does not read them.
    private var rows: DatabaseQueue?

    init(_ query: ServiceQuery<S, Argument, Answer>) throws {
        self.query = query
        guard case .disk = query.source else { return }
        rows = try DatabaseQueue()
        try rows?.write { try ProjectedModel<S.ReadProjection>.createTables($0) }
    }

    /// Whether the query reads the model only, so that the model alone is a complete snapshot.
    var isInMemory: Bool { rows == nil }

    mutating func fold(_ records: [RecordedEvent]) throws {
        snapshot.model.fold(records)
        if let last = records.last {
            (snapshot.position, snapshot.event) = (last.position, last.id)
            snapshot.time = records.reduce(snapshot.time) { max($0, $1.occurredAt) }
        }
        try write()
    }

    /// Folds rehearsed events as if they happened now.
    mutating func fold(_ events: [RehearsedEvent]) throws {
        for event in events {
            guard let shown = try event.decoded(S.ReadProjection.Event.self) else { continue }
            snapshot.position += 1
            snapshot.model.fold(
                Recorded(
                    shown, position: snapshot.position, stream: event.stream, revision: 0,
                    id: event.id, time: .now(), correlationID: event.correlationID,
                    causationID: event.causationID), tags: [])
        }
        try write()
    }

    private mutating func write() throws {
        let writes = snapshot.model.takeWrites()
        try rows?.write { db in for write in writes { try write(db) } }
    }

    func answer(_ argument: Argument) throws -> Answer { try marked(argument).answer }

    func marked(_ argument: Argument) throws -> Marked<Answer> {
        let marks = try query.check(argument, in: snapshot.model)
        return switch query.source {
        case .memory(let answer): Marked(try answer(snapshot.model, argument), marks)
        // The initializer creates `rows` for every query that reads from disk.
        case .disk(let answer): Marked(try rows!.read { try answer($0, argument) }, marks)
        }
    }

    /// Returns the answer, or nil if the query is rejected.
    func state(_ argument: Argument) throws -> Answer? {
        do {
            return try answer(argument)
        } catch let error as DaybookError where error.kind == .rejected {
            return nil
        }
    }
}
