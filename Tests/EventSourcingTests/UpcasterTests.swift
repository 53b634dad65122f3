import EventSourcing
import Testing

/// Events of a box in three versions: crates of two things, single things, and things with a
/// weight.
private enum BoxEvent: EventFamily, Hashable {
    case put(String)
    case sealed

    static let categories = ["box"]
    static let types = ["Put.2", "Sealed"]

    init?(type: String, data: ArraySlice<UInt8>) {
        switch type {
        case "Put.2": self = .put(String(decoding: data, as: UTF8.self))
        case "Sealed": self = .sealed
        default: return nil
        }
    }

    static func isKnown(_ type: String, of category: String) -> Bool {
        types.contains(type) || type == "Painted"
    }

    static func upcasters(of category: String) -> Upcasters { boxUpcasters }
}

private let boxUpcasters = Upcasters([
    // One event becomes two.
    Upcaster("CratePut", to: ["Put", "Put"]) { data in
        [.init(type: "Put", data: data), .init(type: "Put", data: data)]
    },
    // An event gets a new version.
    Upcaster("Put", to: ["Put.2"]) { data in
        [.init(type: "Put.2", data: data + Array(" of unknown weight".utf8))]
    },
    .rename("Closed", to: "Sealed"),
    .drop("Weighed"),
    .rename("Coloured", to: "Painted"),
    Upcaster("Broken", to: ["Sealed"]) { _ in throw BadData() },
    .rename("Lost", to: "Forgotten"),
])

private struct BadData: Error {}
private enum Reader {}

@Suite struct `Upcasting of earlier events` {
    private func record(
        _ type: String, in stream: String = "box-1", _ data: String = ""
    ) throws -> RecordedEvent {
        var bytes: [UInt8] = []
        try NewEvent(stream: try StreamName(stream), type: type, data: Array(data.utf8))
            .encode(into: &bytes)
        return try RecordedEvent(bytes[...])
    }

    private func read(_ record: RecordedEvent) throws -> [BoxEvent] {
        let events = try Recorded<BoxEvent>.events(in: record, by: Reader.self)
        #expect(events.allSatisfy { $0.id == record.id && $0.stream == record.stream })
        return events.map(\.event)
    }

    @Test func `Event of an earlier version is upcast step by step`() throws {
        #expect(try read(record("Put.2", "a cup")) == [.put("a cup")])
        #expect(try read(record("Put", "a cup")) == [.put("a cup of unknown weight")])
        let two = BoxEvent.put("a cup of unknown weight")
        #expect(try read(record("CratePut", "a cup")) == [two, two])
        #expect(try read(record("Closed")) == [.sealed])
        #expect(try read(record("Weighed")) == [])
        #expect(throws: BadData.self) { try read(record("Broken")) }
    }

    @Test func `Reader skips known events that do not concern it`() throws {
        #expect(try read(record("Painted")) == [])
        #expect(try read(record("Coloured")) == [])
        #expect(try read(record("Closed", in: "door-1")) == [])
    }

    @Test func `Reader stops at an unknown event type and names its position`() throws {
        let error = #expect(throws: UnknownEvent.self) { try read(record("Put.3")) }
        #expect(
            error?.description
                == "Reader does not know event type Put.3 at position 0 of stream box-1; "
                + "a later version may know it")
        #expect(throws: UnknownEvent.self) { try read(record("Lost")) }
    }

    @Test func `Reader that requires all events stops at one it would skip`() throws {
        func required(_ type: String) throws -> [BoxEvent] {
            try Recorded<BoxEvent>.required(in: record(type), by: Reader.self).map(\.event)
        }
        #expect(try required("Closed") == [.sealed])
        #expect(try required("Weighed") == [])
        #expect(throws: UnknownEvent.self) { try required("Painted") }
        #expect(throws: UnknownEvent.self) { try required("Put.3") }
    }

    @Test func `Query for current types includes the types of earlier versions`() {
        let item = BoxEvent.query.items[0]
        #expect(item.categories == ["box"])
        #expect(
            item.types == ["Put.2", "Sealed", "Broken", "Closed", "CratePut", "Put"])
        #expect(BoxEvent.queryOfCategories == .categories(["box"]))
        #expect(boxUpcasters.sources(of: ["Painted"]) == ["Painted", "Coloured"])
        #expect(Upcasters.none.sources(of: ["Painted"]) == ["Painted"])
    }

    @Test func `Event of the current version is not changed by upcasters`() throws {
        let content = EventContent(type: "Sealed", data: [1, 2, 3])
        #expect(try boxUpcasters.upcast(content) == [content])
        #expect(try Upcasters.none.upcast(content) == [content])
    }

    @Test func `Upcasters that form a circle stop the process`() async {
        await #expect(processExitsWith: .failure) {
            _ = Upcasters([.rename("A", to: "B"), .rename("B", to: "A")])
        }
    }
}
