import EventSourcing
import Foundation

/// What is noted about an event beside what it says.
public struct EventMetadata: Codable, Hashable, Sendable {
    /// Who caused it.
    public var actor: String
    /// The ``TraceParent`` that was handed on with what caused it.
    public var traceparent: String?

    public init(actor: String) { self.actor = actor }

    public init(_ cause: Cause) {
        actor = cause.actor
        traceparent = cause.traceparent?.description
    }

    /// The same bytes for the same metadata: an event that is appended again must not differ.
    public func encoded() throws -> [UInt8] { Array(try JSONCoding.encoder.encode(self)) }
}

extension RecordedEvent {
    /// That of its metadata; nil for none, and for what others have put there that is none.
    var traceparent: TraceParent? {
        // Most events have none, and what is shorter can't hold one.
        guard metadata.count > TraceParent.length,
            let noted = try? JSONDecoder().decode(EventMetadata.self, from: Data(metadata))
        else { return nil }
        return noted.traceparent.flatMap(TraceParent.init)
    }
}
