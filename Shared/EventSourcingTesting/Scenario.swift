public import EventSourcing

/// Given a past, when a command comes, then these events: a test of a decider.
///
///     let past = given(Account.self, .opened(…), .credited(…))
///     #expect(try past.when(.withdraw(…)) == [.withdrawn(…)])
public struct Scenario<Subject: Decider> where Subject.Event: Equatable {
    let past: [Subject.Event]

    public var state: Subject.State { Subject.fold(past) }

    public func when(_ command: Subject.Command) throws(Subject.Rejection) -> [Subject.Event] {
        try Subject.decide(command, given: state)
    }

    /// The scenario in which the command was carried out, too.
    public func after(_ command: Subject.Command) throws(Subject.Rejection) -> Self {
        Scenario(past: past + (try when(command)))
    }
}

extension Scenario where Subject: Reversible {
    /// The events that reverse the one at `index` of the past, whose id is `id`.
    public func whenReversed(
        at index: Int, id: EventID = .random(), reason: String = "mistaken"
    ) throws(Subject.Rejection) -> [Subject.Event] {
        let decision = PastDecision<Subject>(
            past[index], id: id, reason: reason, before: Subject.fold(past[..<index]),
            since: Array(past[(index + 1)...]))
        return try when(Subject.reversal(of: decision))
    }
}

public func given<Subject: Decider>(
    _ subject: Subject.Type, _ past: Subject.Event...
) -> Scenario<Subject> {
    Scenario(past: past)
}

/// Given events that a participant has seen, when one more comes, then these commands.
public struct Reaction<Subject: Participant> {
    let subject: Subject
    public private(set) var state: Subject.State

    public mutating func when(_ event: Subject.Event) throws -> [Subject.Command] {
        Subject.evolve(&state, with: event)
        return try subject.react(to: event, given: state)
    }

    public func whenExpired() -> [Subject.Command] { subject.expire(state) }
}

public func given<Subject: Participant>(
    _ subject: Subject, _ past: Subject.Event...
) -> Reaction<Subject> {
    Reaction(
        subject: subject,
        state: past.reduce(into: Subject.initial) { Subject.evolve(&$0, with: $1) })
}
