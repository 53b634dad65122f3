import EventSourcing
import Testing

private struct Row: Identifiable, Hashable {
    var id: String
    var count: Int
}

/// A projection of boxes, which doors mention in their tags.
private enum Boxes: Projection {
    typealias Event = BoxEvent
    static let version = 1
    static let entityTag: String? = "box:"
    static func project(_ event: Recorded<Event>, onto model: inout Int) { model += 1 }
}

@Suite struct `Entities of a projection` {
    @Test func `Event belongs to the entity of its stream, or to those that its tags name`() throws
    {
        func entities(_ stream: String, _ tags: String...) throws -> [String] {
            Boxes.entities(in: try StreamName(stream), tags: tags)
        }
        #expect(try entities("box-1", "box:2") == ["1"])
        #expect(try entities("door-1", "box:2", "lid:3", "box:4") == ["2", "4"])
        #expect(try entities("door-1", "lid:3") == [])
    }

    @Test func `Query asks for the entities that its streams and tags name`() throws {
        let streams = try [StreamName("box-1"), StreamName("door-2")]
        let query = EventQuery([
            .init(streams: streams), .init(tags: ["box:3", "lid:4"]), .init(categories: ["box"]),
        ])
        #expect(Boxes.entities(of: query) == ["1", "3"])
        #expect(Boxes.entities(of: .all) == [])
    }
}

@Suite struct `Projection tables` {
    @Test func `Table returns each change once`() {
        var table = Table<Row>()
        table["a", default: Row(id: "a", count: 0)].count += 1
        table["b"] = Row(id: "b", count: 5)
        let first = table.takeChanges()
        #expect(first.upserts == [Row(id: "a", count: 1), Row(id: "b", count: 5)])
        #expect(first.deletes.isEmpty)
        table["a"] = nil
        let second = table.takeChanges()
        #expect(second.upserts.isEmpty)
        #expect(second.deletes == ["a"])
        #expect(table.takeChanges().upserts.isEmpty)
    }

    @Test func `Loaded rows do not count as changes`() {
        var table = Table<Row>()
        table.load([Row(id: "a", count: 1)])
        #expect(table["a"]?.count == 1)
        #expect(table.takeChanges().upserts.isEmpty)
    }

    @Test func `Reading a row does not count as a change`() {
        var table = Table<Row>()
        table.load([Row(id: "a", count: 1)])
        #expect(table["x"] == nil)
        #expect(table["x", default: Row(id: "x", count: 0)].count == 0)
        #expect(table.takeChanges().upserts.isEmpty)
    }
}
