import EventSourcing

/// All states that a stream has had.
struct StreamHistory<Subject: Aggregate> {
    private let positions: [UInt64]
    /// `states[n]` is the state after the first `n` events.
    private let states: [Subject.State]

    /// Folds the events of a stream into its states.
    ///
    /// - Parameter events: the stream's events, in the order of the log.
    init(_ events: [Recorded<Subject.Event>]) {
        positions = events.map(\.position)
        states = events.reduce(into: [Subject.initial]) { states, event in
            var state = states[states.count - 1]
            Subject.evolve(&state, with: event.event)
            states.append(state)
        }
    }

    func state(before position: UInt64) -> Subject.State {
        states[positions.partitioningIndex { $0 >= position }]
    }

    /// Returns the states that the stream had while the log's head went from `first` to `last`.
    func states(from first: UInt64, through last: UInt64) -> ArraySlice<Subject.State> {
        let start = positions.partitioningIndex { $0 > first }
        return states[start...max(start, positions.partitioningIndex { $0 > last })]
    }
}
