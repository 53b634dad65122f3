public import EventSourcing
import Foundation

/// What is noted about an event beside what it says.
public struct EventMetadata: Codable, Hashable, Sendable {
    /// Who caused it.
    public var actor: String
    /// At which delivery of its cause it was decided on, if that was not the first.
    public var attempt: Int?

    public init(actor: String, attempt: Int? = nil) {
        self.actor = actor
        self.attempt = attempt
    }

    /// Nil if nothing of the kind is noted about the event.
    public init?(of event: RecordedEvent) {
        guard let noted = try? JSONDecoder().decode(Self.self, from: Data(event.metadata)) else {
            return nil
        }
        self = noted
    }

    public func encoded() throws -> [UInt8] { Array(try JSONEncoder().encode(self)) }
}
