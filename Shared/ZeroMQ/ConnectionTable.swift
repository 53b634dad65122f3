import Foundation
import Synchronization

/// The connections to a context's guarded sockets and their senders, to limit them and to close
/// them.
///
/// libzmq reports a connection when it begins, before the sender is known, and names the sender
/// with each message. So a connection has no sender until its first message. Closing one without a
/// sender loses at most a request that is on its way, which clients retry.
final class ConnectionTable: Sendable {
    enum Verdict { case known, new, tooMany }

    private struct Connection {
        var sender: String?
        /// Distinguishes it from a later connection with the same descriptor.
        let address: [UInt8]
        let number: UInt64
        /// The bytes received since the last measurement that found a processed message.
        var unheardBytes: UInt64 = 0
        var receivedBytes: UInt64 = 0
        var wasHeard = false

        /// Counts the bytes received since the last measurement.
        mutating func measure(_ descriptor: Int32) {
            // The kernel reports less than before when the connection is about to close.
            let received = max(ConnectionTable.receivedBytes(by: descriptor), receivedBytes)
            unheardBytes = wasHeard ? 0 : unheardBytes + (received - receivedBytes)
            (receivedBytes, wasHeard) = (received, false)
        }
    }

    private struct State {
        var connections: [Int32: Connection] = [:]
        var opened: UInt64 = 0

        mutating func open(_ descriptor: Int32, of sender: String?) {
            opened += 1
            connections[descriptor] = Connection(
                sender: sender, address: address(of: descriptor), number: opened)
        }

        /// Returns the number of a sender's connections, or with nil, of those without a sender.
        ///
        /// Connections are few, because both numbers are limited.
        func count(of sender: String?) -> Int {
            connections.values.count { $0.sender == sender }
        }
    }

    private let limits: ConnectionLimits
    private let state = Mutex(State())

    init(_ limits: ConnectionLimits) { self.limits = limits }

    /// Records a new connection. Returns true if the oldest silent one was closed to make room.
    func opened(_ descriptor: Int32) -> Bool {
        state.withLock { state in
            // Its first message may be processed before this event.
            guard state.connections[descriptor] == nil else { return false }
            state.open(descriptor, of: nil)
            guard state.count(of: nil) > limits.silent,
                let oldest = state.connections.filter({ $0.value.sender == nil })
                    .min(by: { $0.value.number < $1.value.number })
            else { return false }
            Self.close(oldest.key, oldest.value)
            state.connections[oldest.key] = nil
            return true
        }
    }

    func closed(_ descriptor: Int32) { state.withLock { $0.connections[descriptor] = nil } }

    /// Records that a message of `sender` came by the connection, and closes it if the sender has
    /// too many.
    func heard(_ sender: String, by descriptor: Int32) -> Verdict {
        state.withLock { state in
            if state.connections[descriptor]?.sender == sender {
                state.connections[descriptor]?.wasHeard = true
                return .known
            }
            guard state.count(of: sender) < limits.ofSender else {
                if let connection = state.connections[descriptor] {
                    Self.close(descriptor, connection)
                }
                return .tooMany
            }
            state.open(descriptor, of: sender)
            return .new
        }
    }

    /// Closes a connection.
    func close(_ descriptor: Int32) {
        state.withLock { state in
            if let connection = state.connections[descriptor] { Self.close(descriptor, connection) }
        }
    }

    /// Closes the connections of these senders, and those whose sender is still unknown.
    func close(_ senders: Set<String>) {
        state.withLock { state in
            for (descriptor, connection) in state.connections
            where connection.sender.map(senders.contains) ?? true {
                Self.close(descriptor, connection)
            }
        }
    }

    /// Closes the connections of senders with too many unprocessed bytes, and forgets closed
    /// connections.
    ///
    /// It measures one interval, so it must be called regularly.
    ///
    /// - Returns: the senders whose connections were closed; nil stands for connections without a
    ///   sender.
    func disconnectFloods() -> Set<String?> {
        state.withLock { state in
            var unheard: [String?: UInt64] = [:]
            for (descriptor, var connection) in state.connections {
                // libzmq does not report the end of every connection.
                guard Self.isOpen(descriptor, connection) else {
                    state.connections[descriptor] = nil
                    continue
                }
                connection.measure(descriptor)
                state.connections[descriptor] = connection
                unheard[connection.sender, default: 0] += connection.unheardBytes
            }
            let floods = Set(unheard.filter { $0.value > limits.unheardBytes }.keys)
            for (descriptor, connection) in state.connections
            where floods.contains(connection.sender) && connection.unheardBytes > 0 {
                Self.close(descriptor, connection)
            }
            return floods
        }
    }

    /// Shuts the connection down, so that libzmq closes it as if the peer had: libzmq has no call
    /// for this.
    ///
    /// The descriptor is libzmq's. It might be closed by now and belong to another connection.
    private static func close(_ descriptor: Int32, _ connection: Connection) {
        guard isOpen(descriptor, connection) else { return }
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Whether the descriptor still belongs to that connection.
    private static func isOpen(_ descriptor: Int32, _ connection: Connection) -> Bool {
        !connection.address.isEmpty && address(of: descriptor) == connection.address
    }

    /// Returns the address of the peer, or an empty array if the connection is closed.
    private static func address(of descriptor: Int32) -> [UInt8] {
        var address = [UInt8](repeating: 0, count: MemoryLayout<sockaddr_in6>.size)
        var count = socklen_t(address.count)
        let result = unsafe address.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return Int32(-1) }
            return unsafe getpeername(
                descriptor, base.assumingMemoryBound(to: sockaddr.self), &count)
        }
        return result == 0 ? Array(address.prefix(Int(count))) : []
    }

    /// Returns `tcpi_bytes_received` of Linux' `tcp_info`, or zero if the kernel does not report
    /// it.
    ///
    /// The C library's headers lack this field.
    private static func receivedBytes(by descriptor: Int32) -> UInt64 {
        let offset = 128
        var info = [UInt8](repeating: 0, count: offset + 8)
        var count = socklen_t(info.count)
        let result = unsafe getsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_INFO, &info, &count)
        guard result == 0, Int(count) == info.count else { return 0 }
        return info[offset...].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
