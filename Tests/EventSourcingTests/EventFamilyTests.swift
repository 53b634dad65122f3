import EventSourcing
import Testing

@Suite struct `Event families` {
    @Test func `Reader skips known events that do not concern it`() throws {
        #expect(try readBox(boxRecord("Painted")) == [])
        #expect(try readBox(boxRecord("Coloured")) == [])
        #expect(try readBox(boxRecord("Closed", in: "door-1")) == [])
    }

    @Test func `Reader stops at an unknown event type and names its position`() throws {
        let error = #expect(throws: DaybookError.self) { try readBox(boxRecord("Put.3")) }
        #expect(error?.kind == .unreadable)
        #expect(
            error?.description
                == "Reader does not know event type Put.3 at position 0 of stream box-1; "
                + "a later version may know it")
        let unknown = DaybookError.unknownEvent(try boxRecord("Lost"), reader: Reader.self)
        #expect(throws: unknown) { try readBox(boxRecord("Lost")) }
    }

    @Test func `Reader that requires all events stops at one it would skip`() throws {
        func required(_ type: String) throws -> [BoxEvent] {
            try Recorded<BoxEvent>.required(in: boxRecord(type), by: Reader.self).map(\.event)
        }
        #expect(try required("Closed") == [.sealed])
        #expect(try required("Weighed") == [])
        for type in ["Painted", "Put.3"] {
            let unknown = DaybookError.unknownEvent(try boxRecord(type), reader: Reader.self)
            #expect(throws: unknown) { try required(type) }
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
