import EventSourcing

extension ParticipantRunner {
    /// Returns the events that the participant's reactions would append if `events` happened.
    /// Omits those that `events` already contains.
    ///
    /// The ids derive from the causes, as they do for real reactions. So a reaction from an earlier
    /// round of the rehearsal is recognized by its id.
    ///
    /// - Throws: `rejected` if the aggregate rejects a command.
    func rehearse(_ events: [RehearsedEvent]) async throws -> [RehearsedEvent] {
        let known = Set(events.map(\.id))
        var new: [RehearsedEvent] = []
        var sagas: [String: P.State] = [:]
        var subjects: [String: Subject.State] = [:]
        for event in events {
            if event.stream.category == Subject.category,
                let own = try event.decoded(Subject.Event.self)
            {
                var state = try await subject(event.stream.id, in: subjects)
                Subject.evolve(&state, with: own)
                subjects[event.stream.id] = state
            }
            guard let heard = try event.decoded(P.Event.self) else { continue }
            let saga = P.saga(of: heard)
            var state = try await self.state(of: saga, in: sagas)
            P.evolve(&state, with: heard)
            sagas[saga] = state
            for (index, command) in try participant.react(to: heard, given: state).enumerated() {
                let key = event.id.derived("\(P.name)/\(index)")
                guard !known.contains(key.derived("0")) else { continue }
                let id = Subject.id(of: command)
                var state = try await subject(id, in: subjects)
                let dated = try await repository.dated(command)
                for (index, effect) in try Subject.decision(
                    on: dated, given: state
                ).enumerated() {
                    Subject.evolve(&state, with: effect)
                    new.append(
                        try RehearsedEvent(
                            effect, id: key.derived("\(index)"),
                            stream: StreamName(category: Subject.category, id: id),
                            causationID: event.id, correlationID: event.correlationID,
                            service: service))
                }
                subjects[id] = state
            }
        }
        return new
    }

    private func subject(
        _ id: String, in known: [String: Subject.State]
    ) async throws -> Subject.State {
        if let state = known[id] { return state }
        return try await repository.state(of: id)
    }

    private func state(of saga: String, in known: [String: P.State]) async throws -> P.State {
        if let state = known[saga] { return state }
        return try await completeSagas([saga])[saga]?.state ?? P.initial
    }
}
