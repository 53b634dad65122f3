public import EventSourcing
import Foundation

extension Timestamp {
    /// The system's time. Domain code never asks for it: it gets times inside its commands.
    public static func now() -> Timestamp {
        Timestamp(microseconds: Int64((Date.now.timeIntervalSince1970 * 1_000_000).rounded(.down)))
    }
}
