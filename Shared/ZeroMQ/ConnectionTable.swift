import Foundation
import Synchronization

/// The connections to a context's bound sockets and their senders, to limit them and to close
/// them.
///
/// libzmq reports a connection when it begins, before the sender is known, and names the sender
/// with each message. So a connection has no sender until its first message. Closing one without a
/// sender loses at most a request that is on its way, which clients retry.
final class ConnectionTable: Sendable {
    enum Verdict { case known, new, tooMany }

    /// The sender of all connections without keys. No key has an empty name.
    static let keyless = ""
    /// How long a connection must have sent no message to be a silent one, when the process has
    /// grown by the limit. It is shorter when the process has grown by more.
    private static let silent: Duration = .seconds(3)
    /// How long a connection must have had this many bytes that libzmq has not taken, without a
    /// whole message, when the process has grown by the limit. It is shorter when the process has
    /// grown by more.
    ///
    /// A peer with a large message, or one that sends while the process waits for its disk, has
    /// some for a while, too.
    private static let (held, heldBytes) = (Duration.milliseconds(200), 4096)
    /// How long the memory must not have risen by a step before the process counts as calm, and the
    /// part of the limit that is a step.
    private static let (calm, step) = (Duration.seconds(1), 32)
    /// How long the process of a connection that sent faster than messages are taken may not
    /// connect again, after the process had grown by the limit. It would go on at once.
    private static let exclusion: Duration = .seconds(5)
    /// How long a subscriber must have had bytes that it did not take. A quick one may have some at
    /// any moment, too.
    private static let behind: Duration = .milliseconds(300)

    private struct Entry {
        var sender: String?
        let connection: Connection
        let number: UInt64
        let rules: PeerRules
        /// The bytes that the system has received over TCP.
        var received: UInt64 = 0
        /// An estimate of how many of them were processed, never more than were received.
        var processed: UInt64 = 0
        /// How long no message has come.
        var silence = Duration.zero
        /// How long measurements since the last message have found bytes that libzmq had not taken.
        var held = Duration.zero
        /// How long all measurements have found bytes that the peer had not taken.
        var behind = Duration.zero

        mutating func measure(_ elapsed: Duration) {
            // The kernel reports less than before when the connection is about to close.
            received = max(ConnectionTable.receivedBytes(by: connection.descriptor), received)
            processed = min(processed, received)
            silence += elapsed
            if connection.untaken >= ConnectionTable.heldBytes { held += elapsed }
            let isBehind = rules.unsent != nil && connection.untakenByPeer > 0
            behind = isBehind ? behind + elapsed : .zero
        }

        mutating func noteMessage(of bytes: Int) {
            processed += UInt64(bytes)
            (silence, held) = (.zero, .zero)
        }

        /// The bytes of incomplete or waiting messages.
        var unheard: UInt64 { received - processed }
    }

    private struct State {
        var entries: [Int32: Entry] = [:]
        var opened: UInt64 = 0
        /// The memory of the process when it was last accepted, in bytes.
        var memory: Int?
        /// How much the process has grown since then, and how long it has been more than it may.
        var growth = 0
        var grownFor = Duration.zero
        /// The memory when it last had risen by a step, and how long ago that was.
        var risenTo = 0
        var calmFor = Duration.zero
        /// How much longer these processes may not connect, by their ids.
        var excluded: [Int32: Duration] = [:]
        /// Whether the table may have connections that have ended since the last measurement.
        var mayHaveClosed = false

        mutating func open(_ connection: Connection, of sender: String?, _ rules: PeerRules) {
            opened += 1
            entries[connection.descriptor] = Entry(
                sender: sender, connection: connection, number: opened, rules: rules)
        }

        /// Returns the number of a sender's connections, or with nil, of those with keys that have
        /// no sender yet.
        ///
        /// Connections are few, because both numbers are limited.
        func count(of sender: String?) -> Int {
            entries.values.count { $0.sender == sender && ($0.sender != nil || $0.rules.hasKeys) }
        }

        /// Forgets the connections that have ended. libzmq does not report the end of every one.
        mutating func forgetClosed() {
            entries = entries.filter { $0.value.connection.isOpen }
            mayHaveClosed = false
        }

        /// Closes and forgets a connection, and counts it.
        mutating func close(_ descriptor: Int32, _ reason: ClosedConnections.Reason) {
            guard let entry = entries.removeValue(forKey: descriptor) else { return }
            entry.connection.close()
            ClosedConnections.shared.note(reason)
        }
    }

    private let limits: ConnectionLimits
    private let state = Mutex(State())

    init(_ limits: ConnectionLimits) { self.limits = limits }

    /// Records a new connection. Returns what was closed to stay within a limit, if anything was.
    func opened(_ descriptor: Int32, under rules: PeerRules) -> String? {
        guard let connection = Connection(descriptor) else { return nil }
        return state.withLock { state in
            if let peer = connection.peerProcess, state.excluded[peer] != nil {
                state.open(connection, of: nil, rules)
                state.close(descriptor, .memory)
                return nil
            }
            // Its first message may be processed before this event.
            if state.entries[descriptor]?.connection != connection {
                state.open(connection, of: nil, rules)
            }
            // Not for each connection of a flood: every message waits while this lasts.
            if state.entries.count > limits.all, state.mayHaveClosed { state.forgetClosed() }
            if state.entries.count > limits.all {
                state.close(descriptor, .connections)
                return "closed the newest connection: the process has too many"
            }
            guard rules.hasKeys, state.count(of: nil) > limits.silent,
                let oldest = state.entries.filter({
                    $0.value.sender == nil && $0.value.rules.hasKeys
                })
                .min(by: { $0.value.number < $1.value.number })
            else { return nil }
            state.close(oldest.key, .connections)
            return "closed the oldest silent connection for a new one"
        }
    }

    func closed(_ descriptor: Int32) {
        state.withLock { state in
            // The descriptor may belong to a new connection by now.
            if state.entries[descriptor]?.connection.isOpen != true {
                state.entries[descriptor] = nil
            }
        }
    }

    /// Records that a message of `sender` came by the connection, and closes it if the sender has
    /// too many.
    ///
    /// - Parameter bytes: the size of the message, with what libzmq adds to it.
    func heard(
        _ sender: String, by descriptor: Int32, bytes: Int, under rules: PeerRules
    ) -> Verdict {
        state.withLock { state in
            // One look-up for each message.
            if let index = state.entries.index(forKey: descriptor),
                state.entries.values[index].sender == sender
            {
                state.entries.values[index].noteMessage(of: bytes)
                return .known
            }
            guard sender == Self.keyless || state.count(of: sender) < limits.ofSender else {
                state.close(descriptor, .connections)
                return .tooMany
            }
            if let connection = Connection(descriptor) { state.open(connection, of: sender, rules) }
            return .new
        }
    }

    /// Closes a connection.
    func close(_ descriptor: Int32) {
        state.withLock { $0.entries[descriptor]?.connection.close() }
    }

    /// Closes a connection for what it has sent.
    func disconnect(_ descriptor: Int32) {
        state.withLock { $0.close(descriptor, .unprocessed) }
    }

    /// Closes the connections of these senders, and those with keys whose sender is still unknown.
    func close(_ senders: Set<String>) {
        state.withLock { state in
            for entry in state.entries.values
            where entry.sender.map(senders.contains) ?? entry.rules.hasKeys {
                entry.connection.close()
            }
        }
    }

    // MARK: Measuring

    /// Whether the growth of the process is limited. Otherwise its memory need not be measured.
    var boundsGrowth: Bool { limits.growth < .max }

    /// Whether the process has grown by a good part of the limit and still grows, so that it must
    /// be watched closely. That costs too much to do it as long as the memory is in use.
    var isGrowing: Bool {
        state.withLock { $0.growth > limits.growth / 4 && $0.calmFor < Self.calm }
    }

    /// Closes connections that cost too much, and forgets closed ones.
    ///
    /// It measures one interval, so it must be called regularly.
    ///
    /// - Parameters:
    ///   - memory: the memory of the process without ``BoundedMemory``, in bytes.
    ///   - elapsed: the time since the last measurement.
    /// - Returns: the reasons for which connections were closed, by sender; nil stands for
    ///   connections without a sender.
    func measure(memory: Int, elapsed: Duration) -> [(sender: String?, note: String)] {
        state.withLock { state in
            state.forgetClosed()
            state.mayHaveClosed = true
            for descriptor in state.entries.keys { state.entries[descriptor]?.measure(elapsed) }
            state.excluded = state.excluded.mapValues { $0 - elapsed }.filter { $0.value > .zero }
            return closeFloods(&state) + closeUnread(&state)
                + closeAfterGrowth(&state, memory, elapsed)
        }
    }

    /// Closes the connections of senders with too many unprocessed bytes.
    private func closeFloods(_ state: inout State) -> [(sender: String?, note: String)] {
        // Each connection without keys is a sender of its own.
        func name(_ entry: Entry) -> String? {
            entry.sender == Self.keyless ? "connection \(entry.number)" : entry.sender
        }
        var unheard: [String?: UInt64] = [:]
        for entry in state.entries.values where entry.unheard > 0 {
            unheard[name(entry), default: 0] += entry.unheard
        }
        let floods = Set(unheard.filter { $0.value > limits.unheardBytes }.keys)
        guard !floods.isEmpty else { return [] }
        for (descriptor, entry) in state.entries
        where floods.contains(name(entry)) && entry.unheard > 0 {
            state.close(descriptor, .unprocessed)
        }
        return floods.map { ($0, "closed its connections: too many unprocessed bytes") }
    }

    /// Closes the subscribers that keep too much in memory, because they do not take it.
    private func closeUnread(_ state: inout State) -> [(sender: String?, note: String)] {
        var closed: Set<String?> = []
        for (descriptor, entry) in state.entries {
            guard let unsent = entry.rules.unsent, entry.behind >= Self.behind,
                unsent.total.bytes > unsent.limit
            else { continue }
            closed.insert(entry.sender)
            state.close(descriptor, .unread)
        }
        return closed.map { ($0, "closed a connection: it does not read the feed") }
    }

    /// After the process has grown by the limit, closes the connections that may be the cause.
    private func closeAfterGrowth(
        _ state: inout State, _ memory: Int, _ elapsed: Duration
    ) -> [(sender: String?, note: String)] {
        let accepted = min(state.memory ?? memory, memory)
        state.growth = memory - accepted
        state.calmFor += elapsed
        if memory - state.risenTo >= limits.growth / Self.step {
            (state.risenTo, state.calmFor) = (memory, .zero)
        }
        state.risenTo = min(state.risenTo, memory)
        guard state.growth > limits.growth else {
            (state.memory, state.grownFor) = (accepted, .zero)
            return []
        }
        state.grownFor += elapsed
        // Those that send faster than messages are taken are probably the cause. If there are none
        // for a while, it may be a slow one among the silent. The memory may also be needed. Then
        // only further growth counts.
        // By the square, because peers that send fast add 400 MiB a second.
        func scaled(_ duration: Duration) -> Duration {
            duration * limits.growth / state.growth * limits.growth / state.growth
        }
        let (held, silent) = (scaled(Self.held), scaled(Self.silent))
        var causes = state.entries.filter { $0.value.held >= held }
        for peer in causes.values.compactMap(\.connection.peerProcess) {
            state.excluded[peer] = Self.exclusion
        }
        if causes.isEmpty, state.grownFor >= silent {
            causes = state.entries.filter { $0.value.silence >= silent }
            state.memory = memory
        }
        for descriptor in causes.keys { state.close(descriptor, .memory) }
        return causes.isEmpty
            ? []
            : [
                (
                    nil,
                    "closed \(causes.count) connections: the process has grown by "
                        + "\(limits.growth) bytes"
                )
            ]
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

/// What limits the peers of a socket.
struct PeerRules: Sendable {
    /// Whether its peers prove their keys.
    let hasKeys: Bool
    /// The bytes that wait for peers of a feed, and how many may wait before those that do not
    /// take them are disconnected.
    let unsent: (total: UnsentBytes.Total, limit: Int)?
}
