import Testing

@testable import EventStoreCommandLine

@Suite struct Receipts {
    @Test func `Receipt is a sequence and a lease separated by a colon`() {
        let receipt = Receipt("17:1795574982607107")
        #expect(receipt?.sequence == 17 && receipt?.lease == 1_795_574_982_607_107)
        #expect(receipt?.description == "17:1795574982607107")
        for text in ["", "17", "17:", ":17", "1:2:3", "-1:2", "a:b", "1:18446744073709551616"] {
            #expect(Receipt(text) == nil, "\(text)")
        }
    }
}
