import Contracts
import EventSourcing
import Testing

struct Identifiers {
    @Test(arguments: ["1", "00042", "o_1.b", String(repeating: "a", count: 64)])
    func `Identifier may have letters, digits, underscores and points`(_ text: String) throws {
        try Identifier.check(text, what: "order id")
    }

    @Test(arguments: ["", "a-b", "a b", "a:b", "é", "a\n", String(repeating: "a", count: 65)])
    func `Any other identifier is rejected with an error that names the field`(_ text: String) {
        let error = #expect(throws: DaybookError.self) {
            try Identifier.check(text, what: "order id")
        }
        #expect(error?.description.hasPrefix("order id '") == true)
    }
}
