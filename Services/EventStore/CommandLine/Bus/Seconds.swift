import ArgumentParser
import Bytes
import EventSourcing
import Observability

/// A duration on the command line, such as `30`, `30s`, `500ms`, `1.5m`, `2h` or `7d`.
///
/// It is less than 1,000,000,000 seconds.
struct Seconds: Hashable, Sendable, LosslessStringConvertible, ExpressibleByArgument {
    let value: Double

    private static let units: [(name: String, seconds: Double)] = [
        ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1), ("ms", 0.001),
    ]

    init(_ value: Double) { self.value = value }

    /// Creates the duration from `time` until now; 0 if `time` is in the future.
    init(since time: Timestamp) {
        value = max(0, (Timestamp.now() - time) / .seconds(1))
    }

    init?(_ text: String) {
        let unit = text.drop { $0.isNumber || $0 == "." }
        let factor = unit.isEmpty ? 1 : Self.units.first { $0.name == unit }?.seconds
        guard let factor, let number = Double(text.dropLast(unit.count)),
            number * factor < 1e9
        else { return nil }
        value = number * factor
    }

    /// The duration in the largest unit of which it is a whole number.
    ///
    /// Parsing the text returns the same duration.
    var description: String {
        guard value != 0 else { return "0s" }
        for (name, seconds) in Self.units {
            let count = (value / seconds).rounded()
            if (1...1e15).contains(count), count * seconds == value {
                return "\(Int(clamping: count))\(name)"
            }
        }
        return "\(value)s"
    }

    /// The duration rounded down in its largest unit, to show an age.
    var rough: String {
        let unit = Self.units.first { value >= $0.seconds } ?? Self.units[Self.units.count - 1]
        return "\(Int(clamping: value / unit.seconds))\(unit.name)"
    }

    var duration: Duration { .seconds(value) }
}

extension Double {
    /// Parses digits, with or without a decimal point, and with or without the unit behind them.
    init?(_ text: String, unit: String) {
        let number = text.hasSuffix(unit) ? text.dropLast(unit.count) : text[...]
        guard number.allSatisfy({ $0.isNumber || $0 == "." }), let value = Double(number),
            value.isFinite
        else { return nil }
        self = value
    }
}
