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
            let old: Old
            do {
                old = try JSON.decode(from: data)
            } catch {
                throw EventDataError(type: type, reason: error)
            }
            return [
                EventContent(type: New.type, data: try JSON.encode(try upcast(old))[...])
            ]
        }
    }
}
