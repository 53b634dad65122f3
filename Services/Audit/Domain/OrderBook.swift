import EventSourcing

/// The steps of one order's saga so far.
struct OrderBook: Sendable {
    enum Status: String, CaseIterable { case pending, confirmed, rejected, cancelled }

    /// Nil until the order is placed.
    var status: Status?
    /// The customer's id, which is also the account's.
    var customer: String?
    var deadline: Timestamp?
    /// The position and stream of each step's last event.
    private var steps: [Step: Place] = [:]

    struct Place: Hashable, Sendable {
        var position: UInt64
        var stream: String
    }

    mutating func record(_ step: Step, at place: Place) {
        steps[step] = place
        if let earlier = step.reopens { steps[earlier] = nil }
    }

    func has(_ step: Step) -> Bool { steps[step] != nil }

    /// The consequences that have not happened, in the order of their triggers.
    func missing() -> [(consequence: Consequence, trigger: Place)] {
        let missing: [(consequence: Consequence, trigger: Place)]
        if status == .pending {
            missing = Consequence.ofPendingOrders.compactMap(open).suffix(1)
        } else {
            missing = Consequence.ofEnds.compactMap(open)
        }
        return missing.sorted { $0.trigger.position < $1.trigger.position }
    }

    private func open(
        _ consequence: Consequence
    ) -> (consequence: Consequence, trigger: Place)? {
        guard let place = steps[consequence.trigger], consequence.condition.map(has) ?? true,
            !(consequence.exception.map(has) ?? false),
            !consequence.outcomes.contains(where: has)
        else { return nil }
        return (consequence, place)
    }
}
