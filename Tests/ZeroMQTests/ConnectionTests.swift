import Foundation
import Testing

@testable import ZeroMQ

@Suite struct `Connections by descriptor` {
    /// A pair of connected sockets.
    private final class Pair {
        let ends: [Int32]

        init() throws {
            var ends: [Int32] = [-1, -1]
            try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
            self.ends = ends
        }

        deinit { for end in ends { _ = close(end) } }

        /// Whether the first end can still send.
        var isUsable: Bool { unsafe send(ends[0], "x", 1, Int32(MSG_NOSIGNAL)) == 1 }
    }

    /// Returns a socket that has an address, but does not listen yet.
    private func bound() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0)
        return descriptor
    }

    @Test func `Connection is closed by its descriptor`() throws {
        let pair = try Pair()
        let connection = try #require(Connection(pair.ends[0]))
        #expect(connection.isOpen && pair.isUsable)
        connection.close()
        #expect(!pair.isUsable)
    }

    @Test func `Another connection that has taken the descriptor is not closed`() throws {
        let pair = try Pair()
        let connection = try #require(Connection(pair.ends[0]))
        let other = try Pair()
        try #require(dup2(other.ends[0], pair.ends[0]) >= 0)
        #expect(!connection.isOpen)
        connection.close()
        #expect(other.isUsable)
    }

    /// libzmq aborts the process when it cannot accept from its own socket.
    @Test func `Socket that listens is no connection, and is not closed as one`() throws {
        let listener = try bound()
        defer { _ = close(listener) }
        // libzmq may be about to listen.
        let early = try #require(Connection(listener))
        try #require(listen(listener, 1) == 0)
        #expect(Connection(listener) == nil)
        early.close()
        var value: Int32 = 0
        var count = socklen_t(MemoryLayout<Int32>.size)
        try #require(
            unsafe getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &value, &count) == 0)
        // A socket that was shut down no longer listens.
        #expect(value == 1)
    }
}
