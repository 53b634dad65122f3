package import EventSourcing
package import EventStoreClient
import GRDB
import WireProtocol

/// What a service showed, or would show, from the log alone: what serves is not touched.
///
/// Of an entity, its own events are read and no others. Of all entities, the log is read.
package struct PastReading<Service: NamedService>: Sendable {
    /// Told how far the log has been read, and up to where it will be.
    package typealias Progress = (_ through: UInt64, _ end: UInt64) -> Void

    let client: EventStoreClient
    /// The service's own folder, where states on the way are kept.
    let folder: String
    /// One is kept each time that so many events more have been folded, or up to twice as many:
    /// they come in chunks.
    let snapshotInterval: Int

    package init(client: EventStoreClient, folder: String, snapshotInterval: Int = 1000) {
        self.client = client
        self.folder = folder
        self.snapshotInterval = snapshotInterval
    }

    /// What the query was answered at `moment`; nil is now.
    package func answer<Argument, Answer>(
        _ query: ServiceQuery<Service, Argument, Answer>, _ argument: Argument,
        asOf moment: Moment?, _ progress: Progress = { _, _ in }
    ) async throws -> Answer {
        var past = try PastModel(query)
        try await fold(&past, argument, asOf: moment, progress)
        return try past.answer(argument)
    }

    /// What the query would have been answered at `moment`, had the event not happened.
    ///
    /// - Throws: `rejected` for an event that the service did not decide on, or that the answer does
    ///   not depend on.
    package func hypothetical<Argument, Answer>(
        _ query: ServiceQuery<Service, Argument, Answer>, _ argument: Argument,
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
        } catch let refusal as DaybookError where refusal.kind == .rejected {
            answer.refusal = refusal.description
        }
        answer.noLongerAllowed = try await objections(without: event, asOf: moment)
        return answer
    }

    /// What the query was answered at `start` and at `end`, and what each event between them made
    /// of it; nil is now.
    package func difference<Argument, Answer>(
        _ query: ServiceQuery<Service, Argument, Answer>, _ argument: Argument,
        from start: Moment, to end: Moment?
    ) async throws -> Difference<Answer> {
        let first = try await client.position(of: start)
        let head = try await client.welcome().head
        let last = try await client.position(of: end ?? .position(head))
        guard first <= last else {
            throw DaybookError(.rejected, "--from, position \(first), is behind --to, \(last)")
        }
        var past = try PastModel(query)
        let untold: Progress = { _, _ in }
        try await fold(&past, argument, asOf: .position(first), untold)
        var difference = Difference<Answer>(from: first, to: last)
        difference.before = try past.state(argument)
        try await read(query.scope(argument), asOf: .position(last), after: first, untold) {
            for event in $0 {
                try past.fold([event])
                difference.steps.append(
                    .init(event: PastEvent(event), state: try past.state(argument)))
            }
        }
        return difference
    }

    /// What the query is answered now, and what it would be if the events happened; nil if that
    /// there is no such thing.
    func prospect<Argument, Answer>(
        _ query: ServiceQuery<Service, Argument, Answer>, _ argument: Argument,
        after events: [RehearsedEvent]
    ) async throws -> (now: Answer?, then: Answer?) {
        var past = try PastModel(query)
        let untold: Progress = { _, _ in }
        try await fold(&past, argument, asOf: nil, untold)
        let now = try past.state(argument)
        try past.fold(events)
        return (now, try past.state(argument))
    }

    /// Folds what there was at `moment`, from the nearest state that is kept, and keeps more.
    private func fold<Argument, Answer>(
        _ past: inout PastModel<Service, Argument, Answer>, _ argument: Argument,
        asOf moment: Moment?, _ progress: Progress
    ) async throws {
        let scope = try past.query.scope(argument)
        guard past.isInMemory, !scope.isAll else {
            return try await read(scope, asOf: moment, progress) { try past.fold($0) }
        }
        let snapshots = PastSnapshots<Service>(
            in: folder, log: try await client.welcome().log)
        let subject = try PastSnapshots<Service>.Subject(past.query.name, argument)
        if let snapshot = snapshots.nearest(to: moment, of: subject),
            try await client.event(id: snapshot.event)?.position == snapshot.position
        {
            past.resume(from: snapshot)
        }
        var kept: [PastSnapshots<Service>.Snapshot] = []
        try await read(scope, asOf: moment, after: past.position, progress) { events in
            for start in stride(from: 0, to: events.count, by: snapshotInterval) {
                let some = Array(events[start..<min(start + snapshotInterval, events.count)])
                try past.fold(some)
                if let snapshot = past.snapshot(at: some.last, every: snapshotInterval) {
                    kept.append(snapshot)
                }
            }
        }
        snapshots.keep(kept, of: subject)
    }

    /// Hands the events that the service shows, of those in `scope` behind `position`, to `body`.
    private func read(
        _ scope: EventQuery, asOf moment: Moment?, after position: UInt64 = 0,
        _ progress: Progress, _ body: ([RecordedEvent]) throws -> Void
    ) async throws {
        var moment = moment
        if scope.isAll {
            let head = try await client.welcome().head
            moment = .position(try await client.position(of: moment ?? .position(head)))
        }
        let query = scope.narrowed(to: Service.Shown.query)
        for try await batch in try await client.read(query, asOf: moment, after: position) {
            try body(batch.events)
            if case .position(let end) = moment { progress(batch.through, end) }
        }
    }

    private func event(
        _ reference: EventReference, in scope: EventQuery, asOf moment: Moment?
    ) async throws -> RecordedEvent {
        let event = try await client.event(reference)
        func refusal(_ why: String) -> DaybookError {
            DaybookError(
                .rejected, "event \(reference), \(event.type) in stream \(event.stream), \(why)")
        }
        guard event.category == Service.Subject.category else {
            throw refusal("is none that \(Service.serviceName) decides on")
        }
        guard scope.matches(event) else { throw refusal("does not concern what is asked for") }
        guard moment?.includes(event) ?? true else { throw refusal("had not happened by then") }
        return event
    }

    /// The later events of the stream that could not have been decided on without `missing`.
    private func objections(
        without missing: RecordedEvent, asOf moment: Moment?
    ) async throws -> [Objection] {
        var state = Service.Subject.initial
        var objections: [Objection] = []
        for try await record in try await client.read(.stream(missing.stream), asOf: moment).events
        where record.id != missing.id {
            for recorded in try Recorded<Service.Subject.Event>.required(
                in: record, by: Service.Subject.self)
            {
                if record.position > missing.position,
                    let reason = Service.Subject.objection(to: recorded.event, given: state)
                {
                    objections.append(Objection(event: PastEvent(record), reason: reason))
                }
                Service.Subject.evolve(&state, with: recorded.event)
            }
        }
        return objections
    }
}

/// A model of some events, in memory alone, and a query of it.
private struct PastModel<Service: NamedService, Argument, Answer>
where Argument: Codable & Sendable, Answer: Codable & Sendable {
    let query: ServiceQuery<Service, Argument, Answer>
    private var model = Service.Shown.Model()
    /// Of the last event.
    private(set) var position: UInt64 = 0
    /// How many events were folded since a state was kept.
    private var unkept = 0
    /// What the live model has on disk; not kept unless the query asks for it.
    private let rows: DatabaseQueue?

    init(_ query: ServiceQuery<Service, Argument, Answer>) throws {
        self.query = query
        switch query.source {
        case .memory:
            rows = nil
        case .disk:
            rows = try DatabaseQueue()
            try rows?.write { try Service.Shown.Model.createTables($0) }
        }
    }

    /// Whether all that it has is in memory.
    var isInMemory: Bool { rows == nil }

    mutating func resume(from snapshot: PastSnapshots<Service>.Snapshot) {
        model = snapshot.model
        position = snapshot.position
    }

    /// The state behind `event`, the last that was folded, if it is time to keep one.
    mutating func snapshot(
        at event: RecordedEvent?, every interval: Int
    ) -> PastSnapshots<Service>.Snapshot? {
        guard let event, unkept >= interval else { return nil }
        unkept = 0
        return .init(model: model, position: event.position, time: event.time, event: event.id)
    }

    mutating func fold(_ records: [RecordedEvent]) throws {
        try Service.Shown.project(records, onto: &model)
        unkept += records.count
        position = records.last?.position ?? position
        try write()
    }

    /// As if they happened now.
    mutating func fold(_ events: [RehearsedEvent]) throws {
        for event in events {
            guard let shown = try event.decoded(Service.Shown.Event.self) else { continue }
            position += 1
            Service.Shown.project(
                Recorded(
                    shown, position: position, stream: event.stream, revision: 0, id: event.id,
                    time: .now(), correlationID: event.correlationID,
                    causationID: event.causationID), onto: &model)
        }
        try write()
    }

    private mutating func write() throws {
        let writes = model.takeWrites()
        try rows?.write { db in for write in writes { try write(db) } }
    }

    func answer(_ argument: Argument) throws -> Answer {
        switch query.source {
        case .memory(let answer): try answer(model, argument)
        // Made with the queue, if the query asks for it.
        case .disk(let answer): try rows!.read { try answer($0, argument) }
        }
    }

    /// The answer; nil if it is that there is no such thing.
    func state(_ argument: Argument) throws -> Answer? {
        do {
            return try answer(argument)
        } catch let error as DaybookError where error.kind == .rejected {
            return nil
        }
    }
}
