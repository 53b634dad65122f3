import EventSourcing
import Foundation
import GRDB
import JSON
import TestSupport
import Testing
import WireProtocol

@testable import ServiceRuntime

@Suite struct `Read model with events that can't be read` {
    @Test func `Unreadable event stops the entity of its stream and no other`() throws {
        var model = ProjectedModel<Shop>()
        try model.change("a", at: 1, in: "order-a")
        try model.change("b", at: 2, in: "order-b")
        try model.change(nil, at: 3, in: "order-a")
        try model.change("a", at: 4, in: "order-a")
        try model.change("b", at: 5, in: "order-b")
        try model.change("a", at: 6, in: "shelf-s", "order:a")
        #expect(model.counts == ["b": 2])
        #expect(model.orders["a"]?.count == 1)
        #expect(model.stopped["a"]?.event.position == 3 && model.stopped["b"] == nil)
        #expect(model.stopped.degradation?.summary.contains("stopped: 1") == true)
    }

    @Test func `Event of an unknown type stops the entity of its stream`() throws {
        var model = ProjectedModel<Shop>()
        try model.change("a", at: 1, in: "order-a")
        model.fold([try record(at: 2, stream: "order-a", type: "Burnt", data: "{}")])
        #expect(model.stopped["a"]?.event.reason == "Shop does not know this type")
        #expect(model.counts == [:])
    }

    @Test func `Unreadable event of another category stops the entities that its tags name`() throws
    {
        var model = ProjectedModel<Shop>()
        for (position, order) in [(1, "a"), (2, "b"), (3, "c")] as [(UInt64, String)] {
            try model.change(order, at: position, in: "shelf-s", "order:\(order)")
        }
        try model.change(nil, at: 4, in: "shelf-s", "order:a", "customer:x", "order:c")
        try model.change("b", at: 5, in: "shelf-s", "order:b")
        try model.change("c", at: 6, in: "shelf-s", "order:c")
        #expect(model.counts == ["b": 2])
        #expect(model.stopped.sorted.map(\.id) == ["a", "c"])
        #expect(model.stopped.degradation?.unreadableEvents == 1)
    }

    @Test func `Unreadable event that names no entity only degrades the model`() throws {
        var model = ProjectedModel<Shop>()
        try model.change(nil, at: 1, in: "shelf-s", "customer:x")
        try model.change("a", at: 2, in: "shelf-s", "order:a")
        #expect(model.counts == ["a": 1] && model.stopped.count == 0)
        let degraded = try #require(model.stopped.degradation)
        #expect(degraded.stoppedEntities == 0 && degraded.first.map(\.position) == [1])
    }

    @Test func `Unreadable event that names no entity marks every answer from there on`() throws {
        var model = ProjectedModel<Shop>()
        try model.change(nil, at: 1, in: "order-a")
        #expect(model.marks(of: { [] }) == nil)
        try model.change(nil, at: 2, in: "shelf-s", "customer:x")
        try model.change(nil, at: 3, in: "shelf-s")
        let marks = AnswerMarks(degraded: 2, amended: 0)
        #expect(model.marks(of: { [] }) == marks && model.marks(of: { ["b"] }) == marks)
        #expect(model.marks(of: { ["b"] }, through: 2) == marks)
        #expect(model.marks(of: { ["b"] }, through: 1) == nil)
    }

    @Test func `Amended events mark the answers about their entities`() throws {
        func event(
            _ position: UInt64, _ stream: String, _ tags: [String] = [], type: String = "Changed"
        ) throws -> RecordedEvent {
            try record(at: position, stream: stream, type: type, tags: tags, data: "{}")
        }
        var model = ProjectedModel<Shop>()
        try model.change("b", at: 1, in: "order-b")
        model.fold([
            try event(2, "order-a").amended(by: .data(Array(#"{"order":"a"}"#.utf8))),
            try event(3, "order-a", type: "Burnt").amended(by: .skip),
            try event(4, "shelf-s", ["order:b"]).amended(by: .skip),
        ])
        #expect(model.counts == ["a": 1, "b": 1] && model.stopped.degradation == nil)
        #expect(model.marks(of: { ["a"] }) == AnswerMarks(degraded: 0, amended: 2))
        #expect(model.marks(of: { ["a"] }, through: 2) == AnswerMarks(degraded: 0, amended: 1))
        #expect(model.marks(of: { ["b"] }) == AnswerMarks(degraded: 0, amended: 1))
        #expect(model.marks(of: { ["c"] }) == nil)
        #expect(model.marks(of: { [] }) == AnswerMarks(degraded: 0, amended: 3))
    }

    @Test func `Marks survive a restart and a snapshot`() async throws {
        let path = NSTemporaryDirectory() + "daybook-\(UUID().uuidString).sqlite"
        var model = ProjectedModel<Shop>()
        model.fold([
            try record(at: 1, stream: "order-a", type: "Changed", data: "{}").amended(by: .skip)
        ])
        for position in 2...4 as ClosedRange<UInt64> {
            try model.change(nil, at: position, in: "shelf-s")
        }
        let log = EventID(high: 1, low: 2)
        let store = try #require(try Shop.openStore(path, log: log))
        try await store.commit(model.takeWrites(), checkpoint: 4)
        let loaded = try await store.read(ProjectedModel<Shop>.load)
        try store.close()
        try ProjectedStore.remove(path)
        let copy = try JSON.decode(ProjectedModel<Shop>.self, from: JSON.encode(model))
        for model in [loaded, copy] {
            #expect(model.marks(of: { ["a"] }) == AnswerMarks(degraded: 3, amended: 1))
            #expect(model.marks(of: { ["b"] }) == AnswerMarks(degraded: 3, amended: 0))
            #expect(model.marks(of: { ["b"] }, through: 1) == nil)
        }
    }

    @Test func `Model without unreadable events is not degraded`() throws {
        var model = ProjectedModel<Shop>()
        try model.change("a", at: 1, in: "order-a")
        model.fold([try record(at: 2, stream: "door-1", type: "Opened", data: "{}")])
        #expect(model.stopped.degradation == nil)
        try model.stopped.check(["a"])
    }

    @Test func `Stopped entities survive a restart and a snapshot`() async throws {
        let path = NSTemporaryDirectory() + "daybook-\(UUID().uuidString).sqlite"
        let log = EventID(high: 1, low: 2)
        var model = ProjectedModel<Shop>()
        try model.change("a", at: 1, in: "order-a")
        for position in 2...14 as ClosedRange<UInt64> {
            try model.change(nil, at: position, in: "order-\(position % 3)", "customer:x")
        }
        let store = try #require(try Shop.openStore(path, log: log))
        try await store.commit(model.takeWrites(), checkpoint: 14)
        try store.close()
        let again = try #require(try Shop.openStore(path, log: log))
        var loaded = try await again.read(ProjectedModel<Shop>.load)
        #expect(loaded.stopped.sorted == model.stopped.sorted && loaded.stopped.count == 3)
        let degraded = try #require(loaded.stopped.degradation)
        #expect(degraded == model.stopped.degradation && degraded.unreadableEvents == 13)
        #expect(degraded.lines.count == 11 && degraded.lines.last == "and 3 more")
        // It goes on where it was.
        try loaded.change("2", at: 15, in: "order-2")
        try loaded.change(nil, at: 16, in: "order-2")
        try await again.commit(loaded.takeWrites(), checkpoint: 16)
        let last = try await again.read(ProjectedModel<Shop>.load)
        #expect(last.stopped.degradation?.unreadableEvents == 14 && last.counts == ["a": 1])
        try again.close()
        try ProjectedStore.remove(path)
        let copy = try JSON.decode(ProjectedModel<Shop>.self, from: JSON.encode(model))
        #expect(copy.stopped.sorted == model.stopped.sorted && copy.counts == model.counts)
        #expect(copy.stopped.degradation == degraded)
    }
}
