import EventSourcing
import GRDB
import JSON
import TestSupport

@testable import ServiceRuntime

/// The orders of a shop, which events of orders and of shelves change.
enum Shop: Projection {
    /// Something happened to an order.
    struct Event: EventFamily, Decodable {
        static let categories = ["order", "shelf"]
        static let types = ["Changed"]
        var order: String

        init?(type: String, data: ArraySlice<UInt8>) throws {
            guard type == "Changed" else { return nil }
            self = try JSON.decode(Self.self, from: data)
        }
    }

    struct Row: StoredRow, Identifiable, Hashable {
        static let databaseTableName = "order"
        var id: String
        var count = 0
    }

    struct Model: StoredModel {
        var orders = EventSourcing.Table<Row>()

        static let tables: [StoredTable<Self>] = [
            .init(\.orders) { $0.required(.integer, "count") }
        ]
    }

    static let version = 1
    static let entityCategories = ["order"]
    static let entityTag: String? = "order:"

    static func project(_ event: Recorded<Event>, onto model: inout Model) {
        model.orders[event.event.order, default: Row(id: event.event.order)].count += 1
    }
}

extension ProjectedModel<Shop> {
    /// Applies an event about an order.
    ///
    /// - Parameter order: nil for an event that can't be read.
    mutating func change(
        _ order: String?, at position: UInt64, in stream: String, _ tags: String...
    ) throws {
        let data = order.map { #"{"order":"\#($0)"}"# } ?? "{}"
        fold([
            try record(at: position, stream: stream, type: "Changed", tags: tags, data: data)
        ])
    }

    /// How often each order has changed that has not stopped.
    var counts: [String: Int] {
        Dictionary(
            uniqueKeysWithValues: listed(\.orders).compactMap(\.row).map { ($0.id, $0.count) })
    }
}
