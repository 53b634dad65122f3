import EventPattern
import Testing

@Suite struct `IP addresses in patterns` {
    @Test(arguments: [
        ("64:ff9b::192.0.2.33/96", "64:ff9b::c000:221", true),
        ("64:ff9b::/96", "64:ff9b::192.0.2.33", true),
        ("64:ff9b::192.0.2.33/127", "64:ff9b::192.0.2.34", false),
        ("::ffff:0:0/96", "::FFFF:129.144.52.38", true), ("::/8", "0:0:0:0:0:0:13.1.68.3", true),
        ("::/8", "::13.1.68.3", true), ("::/8", "::13.1.68", false),
        ("::/8", "::13.1.68.3:1", false), ("::/8", "0:0:0:0:0:0:0:13.1.68.3", false),
        ("::/8", "0:0:0:0:0:13.1.68.3", false), ("::/8", "::13.1.68.256", false),
        ("::/8", "1:2:3:4:5:6:7::13.1.68.3", false), ("::/8", "13.1.68.3::", false),
        ("::/8", "13.1.68.3", false), ("10.0.0.0/8", "::10.0.0.1", false),
    ])
    func `IPv6 address may end with an IPv4 address`(
        block: String, address: String, isMatch: Bool
    ) throws {
        let pattern = try EventPattern(#"{"detail": {"x": [{"cidr": "\#(block)"}]}}"#)
        #expect(try Sample.x("\"\(address)\"").isMatched(by: pattern) == isMatch)
    }
}
