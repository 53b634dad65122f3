import EventSourcing
import GRDB

/// The events of a read model that are read with other data than was appended, or skipped.
///
/// They are in memory. There are few: each is an administrator's decision.
struct AmendedEvents: StoredModel {
    private var events = EventSourcing.Table<AmendedEvent>()

    /// The number of events.
    var count: Int { events.count }

    /// Adds the event at a position, with the entities that it may belong to.
    mutating func add(_ position: UInt64, of entities: [String]) {
        events["\(position)"] = AmendedEvent(
            id: "\(position)", position: position, entities: entities)
    }

    /// Returns the number of events up to `position` of the entities, or of all if there are none.
    func count(of entities: [String], through position: UInt64) -> Int {
        events.rows.values.count { event in
            event.position <= position
                && (entities.isEmpty || event.entities.contains(where: entities.contains))
        }
    }

    static let tables: [StoredTable<Self>] = [
        .init(\.events) {
            $0.required(.integer, "position")
            $0.required(.jsonText, "entities")
        }
    ]
}

private struct AmendedEvent: StoredRow, Identifiable {
    static let databaseTableName = "daybook_amended"

    /// The position as text.
    var id: String
    var position: UInt64
    var entities: [String]
}
