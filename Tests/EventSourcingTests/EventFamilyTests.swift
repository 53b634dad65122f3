import EventSourcing
import Testing

@Suite struct `Event families` {
    @Test func `Reader skips known events that do not concern it`() throws {
        #expect(try readBox(boxRecord("Painted")) == [])
        #expect(try readBox(boxRecord("Coloured")) == [])
        #expect(try readBox(boxRecord("Closed", in: "door-1")) == [])
    }

    @Test func `Reader stops at an unknown event type and names its position`() throws {
        let record = try boxRecord("Put.3")
        let error = #expect(throws: UnreadableEvent.self) { try readBox(record) }
        #expect(error?.kind == .unreadable)
        #expect(
            error?.description
                == "event \(record.id) (Put.3 at position 0 of stream box-1) can't be read: Reader "
                + "does not know this type; correct it with 'event-store amend \(record.id) "
                + "--reason TEXT', or run a version that can read it")
        let lost = try boxRecord("Lost")
        let unknown = UnreadableEvent.unknownType(of: lost, reader: Reader.self)
        #expect(throws: unknown) { try readBox(lost) }
    }

    @Test func `Error of unreadable data has one line of limited length`() throws {
        let record = try boxRecord("Broken")
        let error = #expect(throws: UnreadableEvent.self) { try readBox(record) }
        #expect(error?.reason == "BadData()" && error?.id == record.id)
        let long = UnreadableEvent(record, "a\r\nb\u{2028}" + String(repeating: "x", count: 1_000))
        #expect(long.reason.hasPrefix("a b xxx") && long.reason.hasSuffix("x…"))
        #expect(long.reason.count == 301)
    }

    @Test func `Event that an amendment skips is as if it were not there`() throws {
        for type in ["Put.2", "Put.3", "Broken"] {
            let skipped = try skipping(boxRecord(type))
            #expect(skipped.isSkipped && !skipped.isAmended)
            #expect(try readBox(skipped) == [])
            let required = try Recorded<BoxEvent>.required(in: skipped, by: Reader.self)
            #expect(required.isEmpty)
        }
    }

    /// Returns the record with the flag of an event that readers skip.
    private func skipping(_ record: RecordedEvent) throws -> RecordedEvent {
        var bytes = Array(record.bytes)
        bytes[RecordLayout.flags] |= RecordLayout.skipped
        return try RecordedEvent(bytes[...])
    }

    @Test func `Reader that requires all events stops at one it would skip`() throws {
        func required(_ type: String) throws -> [BoxEvent] {
            try Recorded<BoxEvent>.required(in: boxRecord(type), by: Reader.self).map(\.event)
        }
        #expect(try required("Closed") == [.sealed])
        #expect(try required("Weighed") == [])
        for type in ["Painted", "Put.3"] {
            let error = #expect(throws: UnreadableEvent.self) { try required(type) }
            #expect(error?.type == type && error?.reason == "Reader does not know this type")
        }
    }

    @Test(arguments: ["Put.2", "CratePut", "Put.3", "Lost", "Broken"])
    func `Reader skips an event that an amendment says to skip, known or not`(
        _ type: String
    ) throws {
        let skipped = try boxRecord(type).amended(by: .skip)
        #expect(try readBox(skipped) == [])
        #expect(try Recorded<BoxEvent>.required(in: skipped, by: Reader.self).isEmpty)
    }

    @Test func `Reader gets the data of an amendment`() throws {
        let amended = try boxRecord("Put", "vase").amended(by: .data(Array("cup".utf8)))
        #expect(try readBox(amended) == [.put("cup of unknown weight")])
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
}
