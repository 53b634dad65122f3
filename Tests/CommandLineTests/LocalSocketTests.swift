import EventSourcing
import Foundation
import Testing

@testable import CommandLine

@Suite struct `Sockets of processes on this machine` {
    @Test func `Missing socket is an error that names the endpoint and the command to start`()
        async throws
    {
        let endpoint = "ipc:///tmp/daybook-\(UUID().uuidString)/orders.sock"
        let error = await #expect(throws: DaybookError.self) {
            try await LocalSocket.check(endpoint, of: "orders", within: .milliseconds(1))
        }
        #expect(error?.kind == .unavailable)
        #expect(error?.description.contains("nothing listens at \(endpoint)") == true)
        #expect(error?.description.contains("'orders serve'") == true)
    }

    @Test func `Existing socket and endpoints without a file pass`() async throws {
        for endpoint in ["ipc:///dev/null", "ipc://@orders", "tcp://127.0.0.1:1", "nonsense"] {
            try await LocalSocket.check(endpoint, of: "orders", within: .milliseconds(1))
        }
    }

    @Test func `Socket that appears in time passes`() async throws {
        let path = "/tmp/daybook-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        async let check: Void = LocalSocket.check("ipc://\(path)", of: "a", within: .seconds(2))
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        try await check
    }
}
