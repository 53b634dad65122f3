import EventSourcing
import EventStoreClient
import WireProtocol

extension ParticipantRunner {
    /// The largest number of streams that one read asks for.
    private static var streamCount: Int { 100 }

    /// Returns the position of the last event in the streams, or 0, and the events to which the
    /// participant has still to react, in log order.
    ///
    /// An event is handled if the log has the effect of the reaction, whose id derives from the
    /// event, or if the reaction would have no effect. So events that wait, are in flight, are dead
    /// letters or were purged are found alike. History that rules do not deliver is not in flight.
    func unhandled(
        in streams: Set<StreamName>
    ) async throws -> (events: [UnhandledEvent], last: UInt64) {
        var found: [UnhandledEvent] = []
        var last: UInt64 = 0
        var subjects: [String: Subject.State] = [:]
        let streams = streams.sorted { $0.description < $1.description }
        for start in stride(from: 0, to: streams.count, by: Self.streamCount) {
            let part = Array(streams[start..<min(start + Self.streamCount, streams.count)])
            let query = EventQuery([.init(streams: part)])
            last = max(last, try await client.last(of: query)?.position ?? 0)
            let taken = query.narrowed(to: P.Event.query)
            for try await batch in client.read(ReadRequest(taken)) {
                let events = batch.events.filter(\.isForRules)
                    .map { (record: $0, content: readable($0)) }
                let ids = events.flatMap(\.content).map { P.saga(of: $0.event) }
                let sagas = try await completeSagas(Set(ids)).mapValues(\.state)
                for (record, content) in events
                where try await isUnhandled(content, sagas, &subjects) {
                    found.append(UnhandledEvent(record, service: service))
                }
            }
        }
        return (found.sorted { $0.position < $1.position }, last)
    }

    /// Returns whether a reaction to one of the events of a record has an effect that is missing in
    /// the log.
    private func isUnhandled(
        _ events: [Recorded<P.Event>], _ sagas: [String: P.State],
        _ subjects: inout [String: Subject.State]
    ) async throws -> Bool {
        // The ids of the effects derive from the number of the command in its delivery.
        var commands = 0
        for event in events {
            let saga = sagas[P.saga(of: event.event)] ?? P.initial
            // A failed reaction is repeated later. Unless an earlier one has succeeded, the event
            // is unhandled.
            let reaction = try? participant.react(to: event.event, given: saga)
            for command in reaction ?? [] {
                let key = event.id.derived("\(P.name)/\(commands)")
                commands += 1
                guard try await hasEffect(command, &subjects) else { continue }
                if try await isMissing(key) { return true }
            }
            if reaction == nil, try await isMissing(event.id.derived("\(P.name)/\(commands)")) {
                return true
            }
        }
        return false
    }

    private func isMissing(_ key: EventID) async throws -> Bool {
        try await client.event(id: key.derived("0")) == nil
    }

    /// Returns whether the command would have an effect now. A rejected command may have one later.
    private func hasEffect(
        _ command: Subject.Command, _ subjects: inout [String: Subject.State]
    ) async throws -> Bool {
        let id = Subject.id(of: command)
        let state: Subject.State
        if let known = subjects[id] {
            state = known
        } else {
            state = try await repository.state(of: id)
            subjects[id] = state
        }
        let dated = try await repository.dated(command)
        return (try? Subject.decide(dated, given: state).isEmpty) != true
    }
}
