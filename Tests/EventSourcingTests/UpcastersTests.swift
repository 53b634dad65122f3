import EventSourcing
import Testing

@Suite struct `Upcasting of earlier events` {
    @Test func `Event of an earlier version is upcast step by step`() throws {
        #expect(try readBox(boxRecord("Put.2", "a cup")) == [.put("a cup")])
        #expect(try readBox(boxRecord("Put", "a cup")) == [.put("a cup of unknown weight")])
        let two = BoxEvent.put("a cup of unknown weight")
        #expect(try readBox(boxRecord("CratePut", "a cup")) == [two, two])
        #expect(try readBox(boxRecord("Closed")) == [.sealed])
        #expect(try readBox(boxRecord("Weighed")) == [])
        #expect(throws: UnreadableEvent.self) { try readBox(boxRecord("Broken")) }
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
