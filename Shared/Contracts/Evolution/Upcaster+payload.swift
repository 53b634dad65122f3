import EventSourcing
import JSON

extension Upcaster {
    /// Creates an upcaster between payload types.
    ///
    /// - Parameters:
    ///   - type: the name of the type that is no longer written.
    ///   - upcast: converts an old payload into a current one.
    init<Old: Decodable & Sendable, New: EventPayload>(
        _ type: String, _ upcast: @escaping @Sendable (Old) throws -> New
    ) {
        self.init(type, to: [New.type]) { data in
            let new = try upcast(try JSON.decode(data, of: type))
            return [EventContent(type: New.type, data: try JSON.encode(new)[...])]
        }
    }
}
