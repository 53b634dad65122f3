import AuditDomain
import CommandLine
import Contracts

/// The result of an audit.
struct Report: Encodable {
    /// A finding, with the commands that repair it, if commands can.
    struct Entry: Encodable {
        let kind: Finding.Kind
        let position: UInt64?
        let order: String?
        let message: String
        let remedy: [String]

        init(_ finding: Finding, remedy: [String] = []) {
            kind = finding.kind
            position = finding.position
            order = finding.order
            message = finding.message
            self.remedy = remedy
        }

        /// Prints the finding and its commands.
        ///
        /// - Parameter given: the commands printed so far. No command is printed twice.
        fileprivate func printText(after given: inout Set<String>) throws {
            let place = position.map { " at position \($0)" } ?? ""
            try Output.print("VIOLATED \(kind.rawValue)\(place): \(message)")
            for command in remedy {
                try Output.print(
                    given.insert(command).inserted ? "    \(command)" : "    # as above")
            }
        }
    }

    private let head: UInt64
    /// How many events were read with other data than was appended, or skipped.
    private let amended: Int
    /// How many streams have an event that can't be read. The orders and totals lack their later
    /// events.
    private let stopped: Int
    private let orders: [String: Int]
    /// The sums by currency and name, in minor units and clamped to 64 bits.
    private let totals: [String: [String: Int64]]
    private let compared: Bool
    let findings: [Entry]

    init(_ audit: Audit, at head: UInt64, compared: Bool, findings: [Entry]) {
        orders = audit.ordersByStatus
        totals = Dictionary(
            uniqueKeysWithValues: audit.totals.map { ($0.key.description, Self.sums($0.value)) })
        self.head = head
        amended = audit.amendedEvents
        stopped = audit.stoppedStreams
        self.compared = compared
        self.findings = findings
    }

    private static func sums(_ total: Audit.Totals) -> [String: Int64] {
        [
            "credits": total.credits, "withdrawals": total.withdrawals,
            "captures": total.captures, "refunds": total.refunds, "balances": total.balances,
        ].mapValues { Int64(clamping: $0) }
    }

    func printText() throws {
        let counts = orders.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        try Output.print(
            "\(head) events, \(orders.values.reduce(0, +)) orders: "
                + counts.joined(separator: ", "))
        if amended > 0 { try Output.print("\(amended) of the events are amended") }
        let names = ["credits", "withdrawals", "captures", "refunds", "balances"]
        try Output.table(
            ["currency"] + names,
            try totals.sorted { $0.key < $1.key }.map { code, sums in
                let currency = try Currency(code)
                return [code] + names.map { Money(sums[$0] ?? 0, currency).amountText }
            })
        if stopped > 0 {
            try Output.print(
                "these figures lack later events of streams with an event that can't be read: "
                    + "\(stopped)")
        }
        var given: Set<String> = []
        for finding in findings { try finding.printText(after: &given) }
        guard findings.isEmpty else { return }
        try Output.print(
            "every invariant holds" + (compared ? ", and the services show the same" : ""))
    }
}
