import EventSourcing
import JSON
import Testing

private struct Pay: Codable {
    var account = "p"
    var amount = ["amount": "1000", "currency": "USD"]
    var reference = "a/b"
}

private struct Clocked: ClockedCommand {
    var name = "n"
    var time = Timestamp.latest
    var withoutTimes: Clocked { Clocked(name: name, time: .earliest) }
}

struct `Command digests` {
    private func digest(
        _ command: some Encodable, _ name: String = "Pay", _ service: String = "credit"
    ) throws -> String {
        try CommandDigest.text(of: command, named: name, at: service)
    }

    /// Events in logs have such digests.
    @Test func `Digest of a command never changes`() throws {
        #expect(
            try digest("none", "deleteRule", "event-store") == "29bf3f885d4d1617cd7df543ec68e18d")
        #expect(try digest(Pay()) == "5ee73ba8086635b6b1e59b4b23d78925")
    }

    @Test func `Digest depends on the content, the name and the service, and on nothing else`()
        throws
    {
        let digests = [
            try digest(Pay(account: "q")), try digest(Pay(reference: "")),
            try digest(Pay(), "Withdraw"), try digest(Pay(), "Pay", "withdraw"),
            try digest(Pay()),
        ]
        #expect(Set(digests).count == digests.count)
        // The order of the members, spaces and unknown members do not change what is decoded.
        let json = #"""
            {"reference": "a\/b", "new": 1, "amount": {"currency": "USD", "amount": "1000"},
             "account": "p"}
            """#
        #expect(try digest(try JSON.decode(Pay.self, from: Array(json.utf8))) == digest(Pay()))
    }

    @Test func `Times that the caller's clock gives do not change the digest`() throws {
        #expect(try digest(Clocked()) == digest(Clocked(time: .earliest)))
        #expect(try digest(Clocked()) != digest(Clocked(name: "m")))
    }
}
