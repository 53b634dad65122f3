import Contracts
import EventSourcing
import Testing

struct Identifiers {
    /// All ASCII characters that an identifier may have, and those that may begin one.
    private static let allowed = (UInt8(0)..<128).map { String(UnicodeScalar($0)) }
        .filter { isIdentifier("a" + $0) }
    private static let first = allowed.filter(isIdentifier)

    private static func isIdentifier(_ text: String) -> Bool {
        (try? Identifier.check(text, what: "order id")) != nil
    }

    @Test(arguments: [
        "1", "00042", "o_1.b", "0197a6f0-1c2d-7e3f-8a4b-5c6d7e8f9a0b", "ann.o-hara+cd@example.org",
        "a-", "@a", "+1", String(repeating: "a", count: 128),
    ])
    func `Identifier may be a number, a UUID or an e-mail address`(_ text: String) throws {
        try Identifier.check(text, what: "order id")
    }

    @Test(arguments: [
        "", "-a", "-", "a b", "a:b", "a/b", "a,b", "a'b", "é", "a\n", "a\u{1B}",
        String(repeating: "a", count: 129),
    ])
    func `Any other identifier is rejected with an error that names the field`(_ text: String) {
        let error = #expect(throws: DaybookError.self) {
            try Identifier.check(text, what: "order id")
        }
        #expect(error?.description.hasPrefix("order id '") == true)
    }

    @Test func `Identifiers have the characters that the rule names, and no others`() {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
        #expect(Self.allowed.joined() == "+-.0123456789@" + letters)
        #expect(Self.first.joined() == "+.0123456789@" + letters)
    }

    /// The category of a stream ends at its first hyphen, so a hyphen in an id must not move it.
    @Test(arguments: ["account", "creditLimit", "order", "route"])
    func `Every identifier makes a stream name whose category and id come back`(
        category: String
    ) throws {
        let pairs = Self.first.flatMap { first in Self.allowed.map { first + $0 } }
        let long = Self.first.map { $0 + String(repeating: "-", count: 127) }
        for id in Self.first + pairs + long {
            try Identifier.check(id, what: "order id")
            let stream = try StreamName(category: category, id: id)
            #expect(stream.category == category && stream.id == id, "\(stream)")
            #expect(try StreamName(stream.description) == stream)
            #expect(StreamName.category(of: stream.description) == category)
        }
    }

    @Test func `Event of every identifier is read from its record as it was written`() throws {
        for id in Self.first + Self.allowed.map({ "a\($0)b" }) {
            let tags = [Tag.order(id), Tag.account(id), Tag.customer(id)]
            var bytes: [UInt8] = []
            try NewEvent(
                stream: StreamName(category: "order", id: id), type: "T", tags: tags, data: []
            ).encode(into: &bytes)
            let event = try RecordedEvent(bytes[...])
            #expect(event.stream.id == id && event.category == "order" && event.tags == tags)
        }
    }
}
