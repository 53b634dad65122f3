import ArgumentParser
import WireProtocol

/// The text that names a delivery on the command line: `<sequence>:<lease>`.
struct Receipt: Hashable, Sendable, LosslessStringConvertible, ExpressibleByArgument {
    let sequence: UInt64
    let lease: UInt64

    init(_ delivery: Delivery) { (sequence, lease) = (delivery.sequence, delivery.lease) }

    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let sequence = UInt64(parts[0]), let lease = UInt64(parts[1]) else {
            return nil
        }
        (self.sequence, self.lease) = (sequence, lease)
    }

    init?(argument: String) { self.init(argument) }

    var description: String { "\(sequence):\(lease)" }
}
