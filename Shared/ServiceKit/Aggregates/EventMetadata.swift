import Foundation

/// What is noted about an event beside what it says.
public struct EventMetadata: Codable, Hashable, Sendable {
    /// Who caused it.
    public var actor: String

    public init(actor: String) { self.actor = actor }

    public func encoded() throws -> [UInt8] { Array(try JSONEncoder().encode(self)) }
}
