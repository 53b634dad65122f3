import Bytes
import EventLog
import EventSourcing
import WireProtocol

/// The identity of a read or other request: the client and its request id.
struct ReadKey: Hashable, Sendable {
    let peer: [UInt8]
    let requestID: UInt64
}

/// An open read: what is left of it, and how many chunks may be sent.
struct ReadSession {
    var read: LogRead
    var credit: UInt32
    /// Whether the read returns events as they were appended, whatever amends them.
    let isRaw: Bool
    fileprivate let caller: Caller
    /// Whether another thread is reading for it.
    var isElsewhere = false
    /// Distinguishes the read from an earlier one under the same key.
    fileprivate(set) var serial: UInt64 = 0
    fileprivate var lastGrant = ContinuousClock.now

    init(_ request: ReadRequest, of caller: Caller) {
        self.caller = caller
        let isBackwards = request.direction == .backwards
        let isTimed = request.since != .distantPast || request.before != .distantFuture
        read = LogRead(
            request.query, isBackwards: isBackwards,
            from: isBackwards && request.from == 0 ? .max : request.from,
            to: request.to == 0 ? nil : request.to,
            times: isTimed ? request.since..<max(request.since, request.before) : nil,
            limit: request.limit == 0 ? .max : Int(clamping: request.limit),
            chunkBytes: Int(min(request.chunkBytes, 1 << 20)))
        credit = request.credit
        isRaw = request.isRaw
    }

    /// Whether the read has no more events now. A backward read then never has any.
    func isAtEnd(head: UInt64) -> Bool {
        read.isDone || !read.isBackwards && read.position > head
    }
}

/// The reads of all clients.
struct ReadTable {
    /// The largest number of open reads of one client.
    private static let perClient = 64
    /// The largest number of open reads of one key, over all of its connections.
    private static let perKey = 256
    /// How long a read may wait for credit before it is dropped.
    private static let idleLimit: Duration = .seconds(300)

    private var sessions: [[UInt8]: [UInt64: ReadSession]] = [:]
    /// The number of open reads of each key.
    private var byKey: [String: Int] = [:]
    /// The reads that may send chunks, in turn.
    private var ready: [ReadKey] = []
    private var lastSerial: UInt64 = 0

    var count: Int { sessions.values.reduce(0) { $0 + $1.count } }

    subscript(key: ReadKey) -> ReadSession? { sessions[key.peer]?[key.requestID] }

    mutating func start(_ session: ReadSession, _ key: ReadKey) throws(ProtocolError) {
        guard sessions[key.peer]?.count ?? 0 < Self.perClient else {
            throw ProtocolError(
                .overloaded, "a client may have \(Self.perClient) open reads; end one first")
        }
        // A new read replaces one with the same id.
        end(key)
        if let name = session.caller.name {
            guard byKey[name, default: 0] < Self.perKey else {
                throw ProtocolError(
                    .overloaded, "a key may have \(Self.perKey) open reads; end one first")
            }
            byKey[name, default: 0] += 1
        }
        lastSerial += 1
        var session = session
        session.serial = lastSerial
        sessions[key.peer, default: [:]][key.requestID] = session
        if session.credit > 0 { ready.append(key) }
    }

    mutating func grant(_ chunks: UInt32, _ key: ReadKey) {
        guard var session = self[key], chunks > 0 else { return }
        if session.credit == 0, !session.isElsewhere { ready.append(key) }
        let (credit, isOver) = session.credit.addingReportingOverflow(chunks)
        session.credit = isOver ? .max : credit
        session.lastGrant = .now
        sessions[key.peer]?[key.requestID] = session
    }

    /// Stores the session. It gets another turn if it has credit left.
    mutating func advance(_ session: ReadSession, _ key: ReadKey) {
        guard self[key] != nil else { return }
        sessions[key.peer]?[key.requestID] = session
        if session.credit > 0, !session.isElsewhere { ready.append(key) }
    }

    mutating func end(_ key: ReadKey) {
        guard let ended = sessions[key.peer]?.removeValue(forKey: key.requestID) else { return }
        if let name = ended.caller.name { byKey[name, default: 1] -= 1 }
        if sessions[key.peer]?.isEmpty == true { sessions[key.peer] = nil }
    }

    /// Returns the reads whose turn it is, and clears the list.
    mutating func takeReady() -> [ReadKey] {
        defer { ready.removeAll(keepingCapacity: true) }
        return ready
    }

    mutating func forgetIdle() {
        let limit = ContinuousClock.now - Self.idleLimit
        for (peer, reads) in sessions {
            for (id, session) in reads where session.credit == 0 && session.lastGrant < limit {
                end(ReadKey(peer: peer, requestID: id))
            }
        }
    }
}
