import Foundation

/// A connection that a ``StreamListener`` has accepted. It closes when nothing retains it.
public final class StreamConnection: Sendable {
    private let descriptor: Int32
    private let loop: SocketLoop

    init(_ descriptor: Int32, on loop: SocketLoop) {
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        self.descriptor = descriptor
        self.loop = loop
    }

    deinit { _ = close(descriptor) }

    /// Returns up to `count` bytes as soon as some have arrived, or none at the end of the stream.
    ///
    /// - Throws: `ZeroMQError.timedOut` when nothing arrives before the deadline.
    public func receive(
        atMost count: Int, until deadline: ContinuousClock.Instant,
        isolation: isolated any Actor = #isolation
    ) async throws -> [UInt8] {
        try await whenReady(.readable, until: deadline) {
            var received = 0
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                received = unsafe recv(descriptor, buffer.baseAddress, count, 0)
                filled = max(received, 0)
            }
            return received < 0 ? nil : bytes
        }
    }

    /// Sends all bytes.
    ///
    /// - Throws: `ZeroMQError.timedOut` when the peer does not take them before the deadline.
    public func send(
        _ bytes: [UInt8], until deadline: ContinuousClock.Instant,
        isolation: isolated any Actor = #isolation
    ) async throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = try await whenReady(.writable, until: deadline) {
                let count = unsafe rest.withUnsafeBytes { buffer in
                    unsafe Foundation.send(
                        descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
                }
                return count < 0 ? nil : count
            }
            rest = rest.dropFirst(sent)
        }
    }

    /// Ends the sending side of the connection.
    public func finish() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Ends the connection. Who waits for the peer fails.
    public func end() { Descriptors.shutDown(descriptor) }

    /// Returns the result of `attempt`, which is repeated on each `event` until it returns one.
    private func whenReady<Result>(
        _ event: LoopThread.Event, until deadline: ContinuousClock.Instant,
        isolation: isolated any Actor = #isolation, _ attempt: () -> Result?
    ) async throws -> Result {
        while true {
            if let result = attempt() { return result }
            guard [EAGAIN, EINTR].contains(errno) else { throw ZeroMQError.system }
            guard
                try await loop.thread.wait(.descriptor(descriptor), for: event, until: deadline)
            else { throw ZeroMQError.timedOut }
        }
    }
}

extension ZeroMQError {
    /// The peer took too long.
    public static let timedOut = ZeroMQError(code: ETIMEDOUT)
}
