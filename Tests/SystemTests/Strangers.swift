import Foundation
import ZeroMQ

/// A peer that speaks ZeroMQ and sends arbitrary messages.
actor Stranger {
    private let socket: Socket
    private let loop: SocketLoop

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    /// - Parameters:
    ///   - context: the peer's context, with a key if it has one.
    ///   - name: the name of the process that it connects to.
    init(
        _ kind: Socket.Kind, to endpoint: String, on loop: SocketLoop, in context: Context? = nil,
        name: String = "event-store"
    ) async throws {
        self.loop = loop
        socket = try Socket(kind, on: loop, in: context ?? Context())
        if kind == .sub { try socket.subscribe("") }
        try socket.connect(endpoint, to: name)
    }

    func send(_ frames: [[UInt8]]) async throws {
        while try !socket.send(frames) { _ = try await socket.writable() }
    }

    /// Sends the message if there is room for it now, and returns whether it did.
    func trySend(_ frames: [[UInt8]]) throws -> Bool { try socket.send(frames) }

    /// Returns the next message, or nil if none arrives in time.
    func receive(within time: Duration = .seconds(120)) async throws -> [[UInt8]]? {
        while true {
            if let message = try socket.receiveMessage() { return message }
            guard try await socket.readable(until: .now + time) else { return nil }
        }
    }
}

/// A connection that sends raw bytes to an endpoint. It speaks ZeroMQ only after `greet(as:)`.
struct RawConnection: ~Copyable {
    private let descriptor: Int32

    /// - Parameters:
    ///   - endpoint: ipc, or tcp with the address of this machine.
    ///   - seconds: how long to wait for a peer that does not read or answer.
    init(to endpoint: String, timeout seconds: Int = 5) throws {
        if let tcp = endpoint.wholeMatch(of: /tcp:\/\/([\d.]+):(\d+)/) {
            try self.init(host: String(tcp.1), port: UInt16(tcp.2) ?? 0)
        } else {
            try self.init(ipc: endpoint)
        }
        limitPatience(to: seconds)
    }

    private init(host: String, port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        // Safe, because it only reads the text, which ends with a zero.
        address.sin_addr.s_addr = unsafe inet_addr(host)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, size)
            }
        }
        guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    }

    private init(ipc endpoint: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = endpoint.dropFirst("ipc://".count)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyBytes(from: path.utf8)
        }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, size)
            }
        }
        guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    }

    /// A peer that does not read or answer must not block the test.
    private func limitPatience(to seconds: Int) {
        var timeout = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
            unsafe setsockopt(
                descriptor, SOL_SOCKET, option, &timeout, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    deinit { _ = close(descriptor) }

    /// Sends as many of the bytes as the other end accepts.
    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes[sent...].withUnsafeBytes { buffer in
                unsafe Glibc.send(
                    descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// Tells the other end that no more bytes will come.
    func finish() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Makes the handshake of ZMTP 3.0 as a socket of `type`. Messages can follow. It waits for the
    /// answer to each part, because libzmq closes a connection on which too much comes too soon.
    func greet(as type: String) {
        let name = Array("Socket-Type".utf8)
        let ready =
            [5] + Array("READY".utf8) + [UInt8(name.count)] + name
            + [0, 0, 0, UInt8(type.utf8.count)] + Array(type.utf8)
        send(Self.greeting)
        var received: [UInt8] = []
        _ = receive(&received) { $0.count >= Self.greeting.count }
        send([4, UInt8(ready.count)] + ready)
        _ = receive(&received) { $0.contains(name) }
    }

    /// Sends one frame of up to 255 bytes.
    func send(message: [UInt8], more: Bool = false) {
        send([more ? 1 : 0, UInt8(message.count)] + message)
    }

    /// Receives until `isEnough` is true. Returns false if the other end is silent or gone.
    func receive(_ received: inout [UInt8], until isEnough: ([UInt8]) -> Bool) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !isEnough(received) {
            let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return false }
            received += buffer.prefix(count)
        }
        return true
    }

    static let greeting = greeting(mechanism: "NULL")

    static func greeting(mechanism: String) -> [UInt8] {
        [0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 3, 0] + Array(mechanism.utf8)
            + [UInt8](repeating: 0, count: 52 - mechanism.utf8.count)
    }
}
