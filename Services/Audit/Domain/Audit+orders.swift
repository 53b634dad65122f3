import Contracts
import EventSourcing

extension Audit {
    mutating func record(_ event: OrderEvent, _ recorded: Recorded<Event>) {
        let order = recorded.stream.id
        switch event {
        case .placed(let placed):
            move(order, from: nil, to: .pending)
            orders[order]?.customer = placed.customer
            orders[order]?.deadline = placed.deadline
        case .confirmed:
            move(order, from: .pending, to: .confirmed)
            checkDeadline(of: order, confirmedAt: recorded.time)
        case .rejected: move(order, from: .pending, to: .rejected)
        case .cancelled: move(order, from: .confirmed, to: .cancelled)
        }
    }

    private mutating func move(
        _ order: String, from: OrderBook.Status?, to: OrderBook.Status
    ) {
        let before = orders[order]?.status
        check(
            before == from, "order \(order) becomes \(to) after \(before, or: "nothing")",
            order: order)
        orders[order]?.status = to
    }

    private mutating func checkDeadline(of order: String, confirmedAt time: Timestamp) {
        guard let deadline = orders[order]?.deadline, time - deadline > Self.tolerance else {
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
