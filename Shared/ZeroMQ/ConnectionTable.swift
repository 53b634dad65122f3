import Foundation
import Synchronization

/// The connections to a context's guarded sockets, and whose they are: to bound them, and to part
/// from those that are not wanted any more.
///
/// libzmq tells of a connection when it begins, before it is known whose it is, and says whose it
/// is with each message. So a connection is nobody's until it speaks. To part from one that has not
/// costs at the most a request that is on its way, which clients make again.
final class ConnectionTable: Sendable {
    enum Verdict { case known, new, tooMany }

    private struct Connection {
        var sender: String?
        /// Tells it from a later one with the same descriptor.
        let address: [UInt8]
        let number: UInt64
        /// Since something was heard of it, as far as that was looked at.
        var unheardBytes: UInt64 = 0
        var receivedBytes: UInt64 = 0
        var wasHeard = false

        /// Counts what it has sent since this was last done.
        mutating func measure(_ descriptor: Int32) {
            // Less than before where the connection is about to be closed.
            let received = max(ConnectionTable.receivedBytes(by: descriptor), receivedBytes)
            unheardBytes = wasHeard ? 0 : unheardBytes + (received - receivedBytes)
            (receivedBytes, wasHeard) = (received, false)
        }
    }

    private struct State {
        var connections: [Int32: Connection] = [:]
        var bySender: [String: Int] = [:]
        var silent = 0
        var opened: UInt64 = 0

        mutating func open(_ descriptor: Int32, of sender: String?, _ address: [UInt8]) {
            close(descriptor)
            opened += 1
            connections[descriptor] = Connection(
                sender: sender, address: address, number: opened)
            if let sender { bySender[sender, default: 0] += 1 } else { silent += 1 }
        }

        mutating func close(_ descriptor: Int32) {
            guard let closed = connections.removeValue(forKey: descriptor) else { return }
            guard let sender = closed.sender else {
                silent -= 1
                return
            }
            let left = bySender[sender, default: 1] - 1
            bySender[sender] = left > 0 ? left : nil
        }
    }

    private let limits: ConnectionLimits
    private let state = Mutex(State())

    init(_ limits: ConnectionLimits) { self.limits = limits }

    /// A connection has begun; true if another, silent one had to give way to it.
    func opened(_ descriptor: Int32) -> Bool {
        state.withLock { state in
            // It may have spoken before this was told.
            guard state.connections[descriptor] == nil else { return false }
            state.open(descriptor, of: nil, Self.address(of: descriptor))
            guard state.silent > limits.silent,
                let oldest = state.connections.filter({ $0.value.sender == nil })
                    .min(by: { $0.value.number < $1.value.number })
            else { return false }
            Self.part(oldest.key, oldest.value)
            state.close(oldest.key)
            return true
        }
    }

    func closed(_ descriptor: Int32) { state.withLock { $0.close(descriptor) } }

    /// A message of `sender` has come by the connection, which is ended if there are too many.
    func heard(_ sender: String, by descriptor: Int32) -> Verdict {
        state.withLock { state in
            if state.connections[descriptor]?.sender == sender {
                state.connections[descriptor]?.wasHeard = true
                return .known
            }
            guard state.bySender[sender, default: 0] < limits.ofSender else {
                if let connection = state.connections[descriptor] {
                    Self.part(descriptor, connection)
                }
                return .tooMany
            }
            state.open(descriptor, of: sender, Self.address(of: descriptor))
            return .new
        }
    }

    /// Ends a connection that is not wanted.
    func part(from descriptor: Int32) {
        state.withLock { state in
            if let connection = state.connections[descriptor] { Self.part(descriptor, connection) }
        }
    }

    /// Parts from the connections of these, and from those that have not said whose they are.
    func part(from senders: Set<String>) {
        state.withLock { state in
            for (descriptor, connection) in state.connections
            where connection.sender.map(senders.contains) ?? true {
                Self.part(descriptor, connection)
            }
        }
    }

    /// Parts from the connections of those that have sent too much of what can't be heard, and
    /// forgets those that are closed; to be called again and again.
    ///
    /// - Returns: whose they were; nil for those that have not said whose they are.
    func partFromFloods() -> Set<String?> {
        state.withLock { state in
            var unheard: [String?: UInt64] = [:]
            for (descriptor, var connection) in state.connections {
                // libzmq does not tell of the end of every connection.
                guard Self.isOpen(descriptor, connection) else {
                    state.close(descriptor)
                    continue
                }
                connection.measure(descriptor)
                state.connections[descriptor] = connection
                unheard[connection.sender, default: 0] += connection.unheardBytes
            }
            let floods = Set(unheard.filter { $0.value > limits.unheardBytes }.keys)
            for (descriptor, connection) in state.connections
            where floods.contains(connection.sender) && connection.unheardBytes > 0 {
                Self.part(descriptor, connection)
            }
            return floods
        }
    }

    /// Ends the connection, which libzmq then closes as if the peer had ended it: it has no call
    /// for that. The descriptor is libzmq's, so it might have been closed and given to another.
    private static func part(_ descriptor: Int32, _ connection: Connection) {
        guard isOpen(descriptor, connection) else { return }
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Whether the descriptor still is that connection's.
    private static func isOpen(_ descriptor: Int32, _ connection: Connection) -> Bool {
        !connection.address.isEmpty && address(of: descriptor) == connection.address
    }

    /// Of the other end; empty if there is none any more.
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

    /// `tcpi_bytes_received` of Linux' `tcp_info`, which the C library's headers do not have; zero
    /// if the kernel does not tell.
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
