public import EventSourcing

/// Returns the indices of the events that an aggregate objects to if its history lacks the event at
/// `index`.
public func objections<Subject: Aggregate>(
    _ subject: Subject.Type, _ events: [Subject.Event], without index: Int
) -> [Int] {
    var state = Subject.initial
    var found: [Int] = []
    for (number, event) in events.enumerated() where number != index {
        if Subject.objection(to: event, given: state) != nil { found.append(number) }
        Subject.evolve(&state, with: event)
    }
    return found
}
