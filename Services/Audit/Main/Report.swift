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
        fileprivate func printText(after given: inout Set<String>) {
            let place = position.map { " at position \($0)" } ?? ""
            print("VIOLATED \(kind.rawValue)\(place): \(message)")
            for command in remedy {
                print(given.insert(command).inserted ? "    \(command)" : "    # as above")
            }
        }
    }

    /// The sums of a currency in minor units, clamped to 64 bits.
    private struct Sums: Encodable {
        let credits, withdrawals, captures, refunds, balances: Int64

        init(_ total: Audit.Totals) {
            credits = Int64(clamping: total.credits)
            withdrawals = Int64(clamping: total.withdrawals)
            captures = Int64(clamping: total.captures)
            refunds = Int64(clamping: total.refunds)
            balances = Int64(clamping: total.balances)
        }

        var all: [Int64] { [credits, withdrawals, captures, refunds, balances] }
    }

    private let head: UInt64
    private let orders: [String: Int]
    private let totals: [String: Sums]
    private let compared: Bool
    let findings: [Entry]

    init(_ audit: Audit, at head: UInt64, compared: Bool, findings: [Entry]) {
        let outcomes = audit.outcomes
        orders = [
            "pending": outcomes.pending, "confirmed": outcomes.confirmed,
            "rejected": outcomes.rejected, "cancelled": outcomes.cancelled,
        ]
        totals = Dictionary(
            uniqueKeysWithValues: audit.totals.map { ($0.key.description, Sums($0.value)) })
        self.head = head
        self.compared = compared
        self.findings = findings
    }

    func printText() throws {
        let counts = orders.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        print(
            "\(head) events, \(orders.values.reduce(0, +)) orders: "
                + counts.joined(separator: ", "))
        Output.table(
            ["currency", "credits", "withdrawals", "captures", "refunds", "balances"],
            try totals.sorted { $0.key < $1.key }.map { code, sums in
                let currency = try Currency(code)
                return [code] + sums.all.map { Money($0, currency).amountText }
            })
        var given: Set<String> = []
        for finding in findings { finding.printText(after: &given) }
        guard findings.isEmpty else { return }
        print("every invariant holds" + (compared ? ", and the services show the same" : ""))
    }
}
