public import EventSourcing

/// A test of a decider: given past events, when a command comes, then it decides these events.
///
///     let past = given(Account.self, .opened(…), .credited(…))
///     #expect(try past.when(.withdraw(…)) == [.withdrawn(…)])
public struct Scenario<Subject: Decider> where Subject.Event: Equatable {
    let past: [Subject.Event]

    /// The state after the past events.
    public var state: Subject.State { Subject.fold(past) }

    /// Returns the events that the command leads to.
    ///
    /// - Throws: the decider's rejection.
    public func when(_ command: Subject.Command) throws(Subject.Rejection) -> [Subject.Event] {
        try Subject.decide(command, given: state)
    }

    /// Returns the scenario after the command is executed as well.
    ///
    /// - Throws: the decider's rejection.
    public func after(_ command: Subject.Command) throws(Subject.Rejection) -> Self {
        Scenario(past: past + (try when(command)))
    }
}

extension Scenario where Subject: Reversible {
    /// Returns the events that reverse the event at `index` of the past.
    ///
    /// - Parameter id: the id of that event.
    /// - Throws: the decider's rejection.
    public func whenReversed(
        at index: Int, id: EventID = .random(), reason: String = "mistaken"
    ) throws(Subject.Rejection) -> [Subject.Event] {
        let decision = PastDecision<Subject>(
            past[index], id: id, reason: reason, before: Subject.fold(past[..<index]),
            since: Array(past[(index + 1)...]))
        return try when(Subject.reversal(of: decision))
    }
}

/// Creates the scenario of a decider with past events.
public func given<Subject: Decider>(
    _ subject: Subject.Type, _ past: Subject.Event...
) -> Scenario<Subject> {
    Scenario(past: past)
}

/// A test of a participant: given past events, when another event comes, then these commands
/// follow.
public struct Reaction<Subject: Participant> {
    let subject: Subject
    /// The state after all events so far.
    public private(set) var state: Subject.State

    /// Applies the event, and returns the commands that it leads to.
    ///
    /// - Throws: what the participant throws.
    public mutating func when(_ event: Subject.Event) throws -> [Subject.Command] {
        Subject.evolve(&state, with: event)
        return try subject.react(to: event, given: state)
    }

    /// Returns the commands that an expired deadline leads to.
    public func whenExpired() -> [Subject.Command] { subject.expire(state) }
}

/// Creates the test of a participant with past events.
public func given<Subject: Participant>(
    _ subject: Subject, _ past: Subject.Event...
) -> Reaction<Subject> {
    Reaction(
        subject: subject,
        state: past.reduce(into: Subject.initial) { Subject.evolve(&$0, with: $1) })
}
