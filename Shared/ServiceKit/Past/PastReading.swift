import EventSourcing
import EventStoreClient
import GRDB
import WireProtocol

/// What a service showed, or would show, from the log alone: what serves is not touched.
///
/// Of an entity, its own events are read and no others. Of all entities, the log is read.
struct PastReading<Service: NamedService>: Sendable {
    /// Told how far the log has been read, and up to where it will be.
    typealias Progress = (_ through: UInt64, _ end: UInt64) -> Void

    let client: EventStoreClient

    /// What the query was answered at `moment`.
    func answer<Argument, Answer>(
        _ query: ServiceQuery<Service, Argument, Answer>, _ argument: Argument,
        asOf moment: Moment, _ progress: Progress = { _, _ in }
    ) async throws -> Answer {
        var past = try PastModel(query)
        try await read(query.scope(argument), moment, progress) { try past.fold($0) }
        return try past.answer(argument)
    }

    /// Hands the events that the service shows, of those in `scope`, to `body`.
    private func read(
        _ scope: EventQuery, _ moment: Moment, _ progress: Progress,
        _ body: ([RecordedEvent]) throws -> Void
    ) async throws {
        var moment = moment
        if scope.isAll {
            moment = .position(try await client.position(of: moment))
        }
        let query = scope.narrowed(to: Service.Shown.Event.self)
        for try await batch in try await client.read(query, asOf: moment) {
            try body(batch.events)
            if case .position(let end) = moment { progress(batch.through, end) }
        }
    }
}

/// A model of some events, in memory alone, and a query of it.
private struct PastModel<Service: NamedService, Argument, Answer>
where Argument: Codable & Sendable, Answer: Codable & Sendable {
    private let query: ServiceQuery<Service, Argument, Answer>
    private var model = Service.Shown.Model()
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

    mutating func fold(_ records: [RecordedEvent]) throws {
        try Service.Shown.project(records, onto: &model)
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
}
