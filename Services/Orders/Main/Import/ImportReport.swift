import CommandLine
import Foundation

/// The result of an import.
struct ImportReport: Encodable {
    /// The number of orders by their final status.
    let orders: [String: Int]
    /// How many of the orders were placed by an earlier import.
    let known: Int
    let invalidLines: [BadLine]
    let seconds: Double
    let sagasPerSecond: Double

    init(
        _ orders: [String: Int], _ known: Int, _ invalidLines: [BadLine], _ time: Duration
    ) {
        self.orders = orders
        self.known = known
        self.invalidLines = invalidLines
        seconds = time / .seconds(1)
        sagasPerSecond = Double(orders.values.reduce(0, +)) / max(seconds, 0.001)
    }

    func show(json: Bool) throws {
        if json { return try Output.json(self) }
        let ends = orders.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        let total = orders.values.reduce(0, +)
        try Output.print(
            "\(total) sagas ended" + (ends.isEmpty ? "" : ": \(ends.joined(separator: ", "))"))
        if known > 0 { try Output.print("\(known) of them were placed by an earlier import") }
        if !invalidLines.isEmpty {
            try Output.print("\(invalidLines.count) invalid lines were not imported")
        }
        let rate = String(format: "%.0f", sagasPerSecond)
        try Output.print("\(rate) sagas/s, in \(String(format: "%.1f", seconds)) s")
    }
}
