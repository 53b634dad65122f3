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
    /// How long a connection's bytes must have waited, without further ones, before it is closed
    /// because those of all are too many.
    private static let stuck: Duration = .seconds(3)
    /// The same for a message that goes on, since its beginning.
    private static let slow: Duration = .seconds(10)
    /// How long a subscriber must have had bytes that it did not take. A quick one may have some at
    /// any moment, too.
    private static let behind: Duration = .milliseconds(300)

    private struct Entry {
        var sender: String?
        let connection: Connection
        let number: UInt64
        let rules: PeerRules
        /// What it has sent that was not handled, or nil in a process that does not count it.
        let input: PeerInput?
        /// The bytes that it had sent at the last measurement, and how long there were no others
        /// and no message was handled.
        var sent = 0
        var silence = Duration.zero
        /// How long all measurements have found bytes that the peer had not taken.
        var behind = Duration.zero

        mutating func measure(_ elapsed: Duration) {
            let sent = input?.messageBytes ?? 0
            silence = sent == self.sent ? silence + elapsed : .zero
            self.sent = sent
            let isBehind = rules.unsent != nil && connection.untakenByPeer > 0
            // What was found once says little about a long time.
            behind = isBehind ? behind + min(elapsed, .milliseconds(100)) : .zero
        }

        /// Whether bytes wait for the process, or for subscribers of the socket.
        var isBusy: Bool { input?.isWaiting == true || (rules.unsent?.total.bytes ?? 0) > 0 }

        mutating func noteMessage(of bytes: Int) {
            input?.handled(bytes)
            silence = .zero
        }
    }

    private struct State {
        var entries: [Int32: Entry] = [:]
        var opened: UInt64 = 0
        /// Whether bytes waited at the last measurement.
        var isBusy = false
        /// Why connections were closed since the last measurement, by sender.
        var notes: [(sender: String?, note: String)] = []
        /// Whether the table may have connections that have ended since the last measurement.
        var mayHaveClosed = false

        mutating func open(_ connection: Connection, of sender: String?, _ rules: PeerRules) {
            let descriptor = connection.descriptor
            let input = PeerInputs.shared[descriptor]
            // Messages that it sent before may still wait.
            guard input?.isRefused != true else { return }
            opened += 1
            input?.apply(rules.input)
            entries[descriptor] = Entry(
                sender: sender, connection: connection, number: opened, rules: rules, input: input)
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
            for (descriptor, entry) in entries where !entry.connection.isOpen {
                forget(descriptor)
            }
            mayHaveClosed = false
        }

        /// Forgets a connection that has ended.
        mutating func forget(_ descriptor: Int32) {
            guard let entry = entries.removeValue(forKey: descriptor),
                let reason = entry.input?.takeRefusal()
            else { return }
            ClosedConnections.shared.note(.unprocessed)
            notes.append((entry.sender, "closed a connection: \(reason)"))
        }

        /// Closes and forgets a connection, and counts it.
        mutating func close(_ descriptor: Int32, _ reason: ClosedConnections.Reason) {
            guard let entry = entries.removeValue(forKey: descriptor) else { return }
            entry.input?.refuse(because: reason.rawValue)
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
            if state.entries[descriptor]?.connection.isOpen != true { state.forget(descriptor) }
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
            if let connection = Connection(descriptor) {
                state.open(connection, of: sender, rules)
                state.entries[descriptor]?.noteMessage(of: bytes)
            }
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

    /// Whether bytes waited at the last measurement, so that the next one should be soon.
    var isBusy: Bool { state.withLock(\.isBusy) }

    /// Closes connections that cost too much, and forgets closed ones.
    ///
    /// - Parameter elapsed: the time since the last measurement.
    /// - Returns: the reasons for which connections were closed, by sender; nil stands for
    ///   connections without a sender.
    func measure(elapsed: Duration) -> [(sender: String?, note: String)] {
        state.withLock { state in
            state.forgetClosed()
            state.mayHaveClosed = true
            for descriptor in state.entries.keys { state.entries[descriptor]?.measure(elapsed) }
            state.isBusy = state.entries.values.contains(where: \.isBusy)
            defer { state.notes = [] }
            return state.notes + closeStuck(&state) + closeUnread(&state)
        }
    }

    /// Closes the connections whose bytes take room from those of others without an end.
    private func closeStuck(_ state: inout State) -> [(sender: String?, note: String)] {
        let stuck = state.entries.filter { _, entry in
            guard let input = entry.input, input.isBlocking else { return false }
            return entry.silence >= Self.stuck || input.unfinishedFor >= Self.slow
        }
        for descriptor in stuck.keys { state.close(descriptor, .unprocessed) }
        return stuck.isEmpty
            ? [] : [(nil, "closed \(stuck.count) connections: their messages do not end")]
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
}

/// What limits the peers of a socket.
struct PeerRules: Sendable {
    /// Whether its peers prove their keys.
    let hasKeys: Bool
    /// The bytes that wait for peers of a feed, and how many may wait before those that do not
    /// take them are disconnected.
    let unsent: (total: UnsentBytes.Total, limit: Int)?
    /// The limits of what they send.
    var input = InputLimits()
}
