import EventSourcing
import Testing

private struct Row: Identifiable, Hashable {
    var id: String
    var count: Int
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
