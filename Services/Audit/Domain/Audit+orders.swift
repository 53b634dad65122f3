import Contracts
import EventSourcing

extension Audit {
    mutating func record(_ event: OrderEvent, _ recorded: Recorded<Event>) {
        switch event {
        case .placed(let placed):
            move(placed.order, by: .placed, from: nil, to: .pending, recorded)
            orders[placed.order]?.customer = placed.customer
            orders[placed.order]?.deadline = placed.deadline
        case .confirmed(let confirmed):
            move(confirmed.order, by: .confirmed, from: .pending, to: .confirmed, recorded)
            checkDeadline(of: confirmed.order, confirmedAt: recorded.time)
        case .rejected(let rejected):
            move(rejected.order, by: .rejected, from: .pending, to: .rejected, recorded)
        case .cancelled(let cancelled):
            move(cancelled.order, by: .cancelled, from: .confirmed, to: .cancelled, recorded)
        }
    }

    mutating func record(_ event: RouteEvent, _ recorded: Recorded<Event>) {
        take(event.step, of: event.order, recorded)
    }

    mutating func take(_ step: Step, of order: String, _ recorded: Recorded<Event>) {
        let place = OrderBook.Place(
            position: recorded.position, stream: recorded.stream.description)
        orders[order, default: OrderBook()].take(step, at: place)
    }

    private mutating func move(
        _ order: String, by step: Step, from: OrderBook.Status?, to: OrderBook.Status,
        _ recorded: Recorded<Event>
    ) {
        let before = orders[order]?.status
        check(
            before == from, "order \(order) becomes \(to) after \(before, or: "nothing")",
            order: order)
        take(step, of: order, recorded)
        orders[order]?.status = to
    }

    private mutating func checkDeadline(of order: String, confirmedAt time: Timestamp) {
        guard let deadline = orders[order]?.deadline else { return }
        let (late, overflows) = time.microseconds.subtractingReportingOverflow(
            deadline.microseconds)
        // If the subtraction overflows, the two times alone show whether the order is late.
        guard overflows ? time > deadline : Duration.microseconds(late) > Self.tolerance else {
            return
        }
        add(
            .lateConfirmation,
            "order \(order) is confirmed at \(time), after its deadline "
                + "\(deadline)", order: order)
    }
}

extension DefaultStringInterpolation {
    mutating func appendInterpolation(_ value: (some Any)?, or absent: String) {
        appendLiteral(value.map { "\($0)" } ?? absent)
    }
}
