import Testing
import ZeroMQ

struct `Stream addresses` {
    @Test(
        arguments: [
            ("unix:/run/a:b.sock", .unix(path: "/run/a:b.sock")), ("unix:a", .unix(path: "a")),
            ("0.0.0.0:9464", .tcp(host: "0.0.0.0", port: 9464)),
            ("localhost:0", .tcp(host: "localhost", port: 0)),
            ("[::1]:9464", .tcp(host: "::1", port: 9464)),
        ] as [(String, StreamAddress)])
    func `Address is a socket path or a host and a port`(text: String, address: StreamAddress) {
        #expect(StreamAddress(text) == address)
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", "unix:", ":9464", "localhost", "localhost:", "localhost:65536", "localhost:-1",
        "::1:9464", "[]:9464", "http://localhost:9464", "localhost:9464/metrics",
    ])
    func `Any other address is rejected`(text: String) { #expect(StreamAddress(text) == nil) }
}
