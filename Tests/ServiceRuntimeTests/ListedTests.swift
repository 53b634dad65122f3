import EventSourcing
import JSON
import TestSupport
import Testing

@testable import ServiceRuntime

@Suite struct `Lists with stopped entities` {
    private func model() throws -> ProjectedModel<Shop> {
        var model = ProjectedModel<Shop>()
        for (position, order) in [(1, "a"), (2, "b"), (3, "d")] as [(UInt64, String)] {
            try model.change(order, at: position, in: "order-\(order)")
        }
        // One entity that has a row, and one that never had one.
        try model.change(nil, at: 4, in: "order-b")
        try model.change(nil, at: 5, in: "order-c")
        return model
    }

    @Test func `List shows a stopped entity at its place, whether it has a row or not`() throws {
        let listed = try model().listed(\.orders)
        #expect(listed.map(\.id) == ["a", "b", "c", "d"])
        #expect(listed.map { $0.row?.count } == [1, nil, nil, 1])
        #expect(listed[1].obstacle == "Changed at position 4 can't be read")
        #expect(listed[0].obstacle == nil)
    }

    @Test func `List of given ids keeps their order and omits unknown ones`() throws {
        let listed = try model().listed(["d", "x", "c", "a"], in: \.orders)
        #expect(listed.map(\.id) == ["d", "c", "a"])
        #expect(listed[1].row == nil)
    }

    @Test func `JSON of a stopped entity has its id and the event, and no figures`() throws {
        let listed = try model().listed(\.orders)
        let text = try JSON.text(listed)
        #expect(text.hasPrefix(#"[{"count":1,"id":"a"},{"id":"b","stopped":{"id":""#), "\(text)")
        let read = try JSON.decode([Listed<Shop.Row>].self, from: text.utf8)
        #expect(read == listed)
    }
}
