import EventSourcing
import Testing
import WireProtocol

@Suite struct `Well-formed endpoints` {
    @Test(arguments: [
        "ipc:///tmp/x.sock", "ipc://x", "ipc://@daybook", "tcp://127.0.0.1:5555", "tcp://*:*",
        "tcp://[::1]:0", "tcp://eth0:65535", "ipc:///" + String(repeating: "x", count: 106),
    ])
    func `Endpoints that other processes can reach are accepted`(endpoint: String) throws {
        #expect(try Endpoints.reachable(endpoint) == endpoint)
    }

    @Test(arguments: [
        "", "x", "ipc://", "tcp://", "inproc://x", "udp://x:1", "tcp://127.0.0.1", "tcp://:5555",
        "tcp://a:65536", "tcp://a:-1", "tcp://a:", "tcp://a:1x", "tcp://5555",
        "ipc:///" + String(repeating: "x", count: 107),
    ])
    func `Malformed endpoints are usage errors`(endpoint: String) {
        let error = #expect(throws: DaybookError.self) { try Endpoints.reachable(endpoint) }
        #expect(error?.kind == .usage)
    }
}
