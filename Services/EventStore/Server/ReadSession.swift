import Bytes
import EventLog
import EventSourcing
import WireProtocol

/// Which read, or other request, of which client.
struct ReadKey: Hashable, Sendable {
    let peer: [UInt8]
    let requestID: UInt64
}

/// A read under way: what of it is left, and how much of that may be sent.
struct ReadSession {
    var read: LogRead
    fileprivate(set) var credit: UInt32
    fileprivate let client: Client
    /// Whether it is being read on another thread.
    var isElsewhere = false
    /// Distinguishes the read from an earlier one under the same key.
    fileprivate(set) var serial: UInt64 = 0
    fileprivate var lastGrant = ContinuousClock.now

    init(_ request: ReadRequest, of client: Client) {
        self.client = client
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
    }

    /// Whether there is nothing to give to it now or, backwards, ever.
    func isAtEnd(head: UInt64) -> Bool {
        read.isDone || !read.isBackwards && read.position > head
    }

    mutating func spend() { credit -= 1 }
}

/// The reads of all clients.
struct ReadTable {
    /// A client may have this many reads open.
    private static let perClient = 64
    /// And a key this many, in all of its connections.
    private static let perKey = 256
    /// A read that is granted nothing for so long is forgotten.
    private static let patience: Duration = .seconds(300)

    private var sessions: [[UInt8]: [UInt64: ReadSession]] = [:]
    /// How many there are of each key.
    private var byKey: [String: Int] = [:]
    /// Those that have something coming to them, in turn.
    private var ready: [ReadKey] = []
    private var lastSerial: UInt64 = 0

    var count: Int { sessions.values.reduce(0) { $0 + $1.count } }

    subscript(key: ReadKey) -> ReadSession? { sessions[key.peer]?[key.requestID] }

    mutating func start(_ session: ReadSession, _ key: ReadKey) throws(ProtocolError) {
        guard sessions[key.peer]?.count ?? 0 < Self.perClient else {
            throw ProtocolError(
                .overloaded, "a client has up to \(Self.perClient) reads open; end one first")
        }
        // One of the same id gives way.
        end(key)
        if let name = session.client.caller.name {
            guard byKey[name, default: 0] < Self.perKey else {
                throw ProtocolError(
                    .overloaded, "a key has up to \(Self.perKey) reads open; end one first")
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

    /// Keeps the session as it is now; it gets its next turn if more may be sent.
    mutating func goOn(_ session: ReadSession, _ key: ReadKey) {
        guard self[key] != nil else { return }
        sessions[key.peer]?[key.requestID] = session
        if session.credit > 0, !session.isElsewhere { ready.append(key) }
    }

    mutating func end(_ key: ReadKey) {
        guard let ended = sessions[key.peer]?.removeValue(forKey: key.requestID) else { return }
        if let name = ended.client.caller.name { byKey[name, default: 1] -= 1 }
        if sessions[key.peer]?.isEmpty == true { sessions[key.peer] = nil }
    }

    /// Those whose turn it is.
    mutating func takeReady() -> [ReadKey] {
        defer { ready.removeAll(keepingCapacity: true) }
        return ready
    }

    mutating func forgetIdle() {
        let limit = ContinuousClock.now - Self.patience
        for (peer, reads) in sessions {
            for (id, session) in reads where session.credit == 0 && session.lastGrant < limit {
                end(ReadKey(peer: peer, requestID: id))
            }
        }
    }
}
