import EventSourcing
import Foundation
import Testing
import ZeroMQ

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

    @Test func `Socket that a crashed process left is an error, whatever the timeout`() async throws
    {
        let path = "/tmp/daybook-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        // A listener that ends leaves its file.
        _ = try StreamListener(.unix(path: path), on: SocketLoop(name: "test"))
        #expect(FileManager.default.fileExists(atPath: path))
        let error = await #expect(throws: DaybookError.self) {
            try await LocalSocket.check("ipc://\(path)", of: "orders", within: .seconds(100_000))
        }
        #expect(error?.kind == .unavailable)
        let reason = "nothing listens at ipc://\(path): the socket's process has ended"
        #expect(error?.description.contains(reason) == true, "\(error as Any)")
    }

    @Test func `Socket with a listener and endpoints without a file pass`() async throws {
        let path = "/tmp/daybook-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let listener = try StreamListener(.unix(path: path), on: SocketLoop(name: "test"))
        for endpoint in ["ipc://\(path)", "ipc://@orders", "ipc://", "tcp://127.0.0.1:1", "x"] {
            try await LocalSocket.check(endpoint, of: "orders", within: .milliseconds(1))
        }
        withExtendedLifetime(listener) {}
    }

    @Test func `Listener that appears in time passes`() async throws {
        let path = "/tmp/daybook-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        async let check: Void = LocalSocket.check("ipc://\(path)", of: "a", within: .seconds(2))
        let listener = try StreamListener(.unix(path: path), on: SocketLoop(name: "test"))
        try await check
        withExtendedLifetime(listener) {}
    }
}
