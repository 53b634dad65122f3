import EventSourcing
import Testing

@Suite struct `Stream names` {
    @Test func `Stream name has a category and an id`() throws {
        let name = try StreamName("account-00042-x")
        #expect(name.category == "account")
        #expect(name.id == "00042-x")
        #expect(try StreamName("ledger").category == "ledger")
        #expect(try StreamName("ledger").id == "")
    }

    @Test(arguments: ["", "-x", "a b", "a.b-c", "naïve-1", String(repeating: "a", count: 256)])
    func `Invalid stream name is rejected`(text: String) {
        #expect(throws: DaybookError.self) { try StreamName(text) }
    }
}
