import Foundation

/// A connection that a ``StreamListener`` has accepted; closed when it is let go.
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

    /// What has come, as soon as something has; empty at the end.
    ///
    /// - Throws: `ZeroMQError.timedOut` when nothing has come before the deadline.
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

    /// Sends all of it.
    ///
    /// - Throws: `ZeroMQError.timedOut` when the peer has not taken it before the deadline.
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

    /// Says that no more will be sent.
    public func finish() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// What `attempt` gives, made again whenever it can be until it gives something.
    private func whenReady<Result>(
        _ event: LoopThread.Event, until deadline: ContinuousClock.Instant,
        isolation: isolated any Actor = #isolation, _ attempt: () -> Result?
    ) async throws -> Result {
        while true {
            if let result = attempt() { return result }
            guard [EAGAIN, EINTR].contains(errno) else { throw ZeroMQError.system }
            guard
                try await loop.wait(.descriptor(descriptor), for: event, until: deadline)
            else { throw ZeroMQError.timedOut }
        }
    }
}

extension ZeroMQError {
    /// A peer took too long.
    public static let timedOut = ZeroMQError(code: ETIMEDOUT)
}
