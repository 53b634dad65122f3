import CommandLine
import Foundation

/// The results of one benchmark, printed as one line: a name and then pairs of key and value.
struct Measurements {
    private let name: String
    private var pairs: [(String, String)] = []

    init(_ name: String) { self.name = name }

    mutating func add(_ key: String, _ value: String) { pairs.append((key, value)) }

    mutating func add(_ key: String, _ value: Double) {
        add(key, value < 100 ? String(format: "%.1f", value) : String(format: "%.0f", value))
    }

    /// Adds the median and the 99th percentile, in microseconds.
    mutating func add(latencies: [Duration]) {
        guard !latencies.isEmpty else { return }
        let sorted = latencies.sorted()
        for (key, share) in [("p50_us", 0.5), ("p99_us", 0.99)] {
            let index = Int((Double(sorted.count - 1) * share).rounded())
            add(key, sorted[index] / .microseconds(1))
        }
    }

    func show() throws {
        try Output.print(([name] + pairs.map { "\($0.0)=\($0.1)" }).joined(separator: " "))
    }
}
