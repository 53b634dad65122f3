import EventSourcing
import JSON
import Testing

@testable import Contracts

/// Events of a box. An earlier version wrote CratePut with a list of things.
private enum BoxEvent: PublishedPayloadFamily {
    case put(ThingPut)

    static let cases = PayloadCases([.init(BoxEvent.put)])
    static let upcasters = Upcasters([
        Upcaster("CratePut", to: ["ThingPut"]) { data in
            try JSON.decode([String].self, from: data).map { thing in
                .init(type: "ThingPut", data: try JSON.encode(ThingPut(thing: thing))[...])
            }
        },
        .drop("BoxWeighed"), .rename("BoxPainted", to: "BoxColoured"),
    ])

    var payload: any EventPayload {
        switch self {
        case .put(let payload): payload
        }
    }
}

private struct ThingPut: EventPayload {
    static let category = "box"
    static let type = "ThingPut"
    static let writer = "boxes"
    static let reversal = Reversal.none(because: "things stay where they are")
    static var family: any PayloadFamily.Type { BoxEvent.self }
    var thing: String
    var entity: String { thing }
    var tags: [String] { ["thing:\(thing)"] }
}

@Suite struct `Export with upcasting` {
    private func record(
        _ type: String, _ data: String, in stream: String = "box-1"
    ) throws -> RecordedEvent {
        var bytes: [UInt8] = []
        try NewEvent(
            stream: try StreamName(stream), type: type, tags: ["old:1"], causationID: .random(),
            metadata: Array(#"{"actor":"a"}"#.utf8), data: Array(data.utf8)
        ).encode(into: &bytes)
        return try RecordedEvent(bytes[...])
    }

    private func today(_ record: RecordedEvent, _ types: String...) throws -> [RecordedEvent] {
        try Upcasting(.types(types), families: [BoxEvent.self]).today(record)
    }

    @Test func `Event that an amendment says to skip is left out`() throws {
        for type in ["CratePut", "ThingPut", "BoxLost"] {
            #expect(try today(record(type, "{}").amended(by: .skip)).isEmpty)
        }
    }

    @Test func `Upcast events replace the original, and the first keeps its id`() throws {
        let crate = try record("CratePut", #"["cup","plate"]"#)
        let things = try today(crate)
        #expect(things.map(\.type) == ["ThingPut", "ThingPut"])
        #expect(things.map(\.tags) == [["thing:cup"], ["thing:plate"]])
        #expect(things[0].id == crate.id && things[1].id != crate.id)
        #expect(try today(crate).map(\.id) == things.map(\.id))
        for thing in things {
            try thing.verify()
            #expect(thing.stream == crate.stream && thing.causationID == crate.causationID)
            #expect(thing.metadata.elementsEqual(crate.metadata))
        }
        #expect(String(decoding: things[1].data, as: UTF8.self) == #"{"thing":"plate"}"#)
        #expect(try today(record("BoxWeighed", "1")).isEmpty)
    }

    @Test func `Current events and other categories are exported byte for byte`() throws {
        for record in [
            try record("ThingPut", #"{"thing":"cup", "new":1}"#),
            try record("CratePut", "of another category", in: "crate-1"),
        ] { #expect(try today(record).map(\.bytes) == [record.bytes]) }
    }

    @Test func `Type filter finds events recorded under earlier type names`() throws {
        let upcasting = Upcasting(.types(["ThingPut"]), families: [BoxEvent.self])
        #expect(upcasting.query == .types(["ThingPut", "CratePut"]))
        #expect(Upcasting(.all, families: [BoxEvent.self]).query == .all)
        #expect(try today(record("CratePut", #"["cup"]"#), "ThingPut").count == 1)
        #expect(try today(record("CratePut", #"["cup"]"#), "Other").isEmpty)
    }

    @Test func `Export throws on an event of an unknown type`() throws {
        for type in ["BoxLost", "BoxPainted"] {
            let record = try record(type, "1")
            let unknown = UnreadableEvent.unknownType(of: record, reader: BoxEvent.self)
            #expect(throws: unknown) { try today(record) }
        }
    }
}
