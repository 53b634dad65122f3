import Bytes
import CallServer
import EventLog
import EventSourcing
import WireProtocol
import ZeroMQ

/// The identity of a read or other request: the client and its request id.
struct ReadKey: Hashable, Sendable {
    let peer: PeerName
    let requestID: UInt64
}

/// An open read: what is left of it, and how many chunks may be sent.
struct ReadSession {
    /// How much work a chunk may cost, in steps of about ten nanoseconds, before others have their
    /// turn.
    private static let stepsPerChunk = 100_000
    /// What a name and an item of a query take in memory beside their bytes.
    private static let (nameBytes, itemBytes) = (64, 256)

    var read: LogRead
    var credit: UInt32
    /// Whether the read returns events as they were appended, whatever amends them.
    let isRaw: Bool
    let caller: Caller
    /// The connection by which the request came, or nil if the client is in the same process.
    let connection: Connection?
    /// The bytes that the client wants in a chunk.
    let chunkBytes: Int
    /// About how much memory the query takes, in bytes.
    fileprivate let queryBytes: Int
    /// Whether another thread is reading for it.
    var isElsewhere = false
    /// Distinguishes the read from an earlier one under the same key.
    fileprivate(set) var serial: UInt64 = 0
    /// When it last sent a chunk or got credit.
    fileprivate var lastProgress = ContinuousClock.now

    /// - Parameter size: the size of the request, in bytes.
    init(_ request: ReadRequest, of caller: Caller, by connection: Connection?, size: Int) {
        self.caller = caller
        self.connection = connection
        chunkBytes = Int(min(request.chunkBytes, 1 << 20))
        queryBytes =
            size + request.query.nameCount * Self.nameBytes
            + request.query.items.count * Self.itemBytes
        let isBackwards = request.direction == .backwards
        let isTimed = request.since != .distantPast || request.before != .distantFuture
        read = LogRead(
            request.query, isBackwards: isBackwards,
            from: isBackwards && request.from == 0 ? .max : request.from,
            to: request.to == 0 ? nil : request.to,
            times: isTimed ? request.since..<max(request.since, request.before) : nil,
            limit: request.limit == 0 ? .max : Int(clamping: request.limit),
            chunkBytes: chunkBytes)
        read.stepsPerChunk = Self.stepsPerChunk
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
    /// The memory that the queries of open reads may take, in bytes: of one client, of all, and of
    /// one client while all take more than that. A client may always have one read, unless all take
    /// twice as much.
    private static let (ofClient, ofAll, always) = (8 << 20, 64 << 20, 64 << 10)
    /// The memory that all reads may keep of the index, in bytes. Beyond it, they look it up again.
    private static let heldBytes = 32 << 20
    /// How long a read may wait for credit, or for its client to read, before it is dropped.
    private static let idleLimit: Duration = .seconds(300)

    /// The place of a read in a queue. It is void once a new read has replaced the read.
    private struct Place {
        let key: ReadKey
        let serial: UInt64
    }

    private var sessions: [PeerName: [UInt64: ReadSession]] = [:]
    /// The number of open reads of each client, and what their queries take.
    private var byLane: [CallerLane: (reads: Int, queryBytes: Int)] = [:]
    /// The reads that may send chunks.
    private var ready = FairQueue<Place>()
    /// The reads that continue in sealed segments.
    private var sealed = FairQueue<Place>()
    /// The reads that wait until their client has read what was sent.
    private var paused: [PeerName: Set<UInt64>] = [:]
    private var held = 0
    private var queryBytes = 0
    private var lastSerial: UInt64 = 0

    var count: Int { sessions.values.reduce(0) { $0 + $1.count } }
    /// The number of reads that wait until their clients have read what was sent.
    var pausedCount: Int { paused.values.reduce(0) { $0 + $1.count } }

    subscript(key: ReadKey) -> ReadSession? { sessions[key.peer]?[key.requestID] }

    mutating func start(_ session: ReadSession, _ key: ReadKey) throws(ProtocolError) {
        guard sessions[key.peer]?.count ?? 0 < Self.perClient else {
            throw ProtocolError(
                .overloaded, "a client may have \(Self.perClient) open reads; end one first")
        }
        // A new read replaces one with the same id.
        end(key)
        let lane = CallerLane(session.caller, key.peer)
        let own = byLane[lane] ?? (0, 0)
        guard own.reads < Self.perKey else {
            throw ProtocolError(
                .overloaded, "a key may have \(Self.perKey) open reads; end one first")
        }
        let all = queryBytes + session.queryBytes
        let most = all <= Self.ofAll ? Self.ofClient : Self.always
        guard
            own.queryBytes + session.queryBytes <= most
                || own.reads == 0 && all <= 2 * Self.ofAll
        else {
            throw ProtocolError(
                .overloaded,
                "the queries of a client's open reads may take \(most) bytes now; end one first")
        }
        queryBytes += session.queryBytes
        byLane[lane] = (own.reads + 1, own.queryBytes + session.queryBytes)
        lastSerial += 1
        var session = session
        session.serial = lastSerial
        sessions[key.peer, default: [:]][key.requestID] = session
        if session.credit > 0 { append(key, session) }
    }

    mutating func grant(_ chunks: UInt32, _ key: ReadKey) {
        guard var session = self[key], chunks > 0 else { return }
        if session.credit == 0, !session.isElsewhere { append(key, session) }
        let (credit, isOver) = session.credit.addingReportingOverflow(chunks)
        session.credit = isOver ? .max : credit
        session.lastProgress = .now
        sessions[key.peer]?[key.requestID] = session
    }

    private mutating func append(_ key: ReadKey, _ session: ReadSession) {
        ready.append(
            Place(key: key, serial: session.serial), to: CallerLane(session.caller, key.peer))
    }

    /// Stores the session. It gets another turn if it has credit left.
    mutating func advance(_ session: ReadSession, _ key: ReadKey) {
        guard let before = self[key] else { return }
        var session = session
        session.lastProgress = .now
        held += session.read.heldBytes - before.read.heldBytes
        if held > Self.heldBytes {
            held -= session.read.heldBytes
            session.read.releaseHeld()
        }
        sessions[key.peer]?[key.requestID] = session
        if session.credit > 0, !session.isElsewhere { append(key, session) }
    }

    /// Marks the read as one that continues in sealed segments.
    mutating func continueSealed(_ session: ReadSession, _ key: ReadKey) {
        sessions[key.peer]?[key.requestID]?.isElsewhere = true
        sealed.append(
            Place(key: key, serial: session.serial), to: CallerLane(session.caller, key.peer))
    }

    mutating func end(_ key: ReadKey) {
        guard let ended = sessions[key.peer]?.removeValue(forKey: key.requestID) else { return }
        let lane = CallerLane(ended.caller, key.peer)
        if let own = byLane[lane] {
            byLane[lane] =
                own.reads == 1 ? nil : (own.reads - 1, own.queryBytes - ended.queryBytes)
        }
        held -= ended.read.heldBytes
        queryBytes -= ended.queryBytes
        paused[key.peer]?.remove(key.requestID)
        if paused[key.peer]?.isEmpty == true { paused[key.peer] = nil }
        if sessions[key.peer]?.isEmpty == true { sessions[key.peer] = nil }
    }

    /// Returns the read whose turn it is, or nil if no read is ready. The clients take turns.
    mutating func nextReady() -> ReadKey? {
        while let place = ready.popFirst() {
            if self[place.key]?.serial == place.serial { return place.key }
        }
        return nil
    }

    /// Returns the read whose turn it is to continue in sealed segments, or nil.
    mutating func nextSealed() -> ReadKey? {
        while let place = sealed.popFirst() {
            if self[place.key]?.serial == place.serial { return place.key }
        }
        return nil
    }

    /// Counts the time that a turn of the read took.
    mutating func charge(_ duration: Duration, for session: ReadSession, _ key: ReadKey) {
        let lane = CallerLane(session.caller, key.peer)
        if session.isElsewhere {
            sealed.charge(duration, to: lane)
        } else {
            ready.charge(duration, to: lane)
        }
    }

    /// Suspends a read until `resume` is called for its client.
    mutating func pause(_ key: ReadKey) {
        sessions[key.peer]?[key.requestID]?.isElsewhere = false
        paused[key.peer, default: []].insert(key.requestID)
    }

    /// Gives the suspended reads of a client their turn.
    mutating func resume(_ peer: PeerName) {
        for id in paused.removeValue(forKey: peer) ?? [] {
            let key = ReadKey(peer: peer, requestID: id)
            if let session = self[key] { append(key, session) }
        }
    }

    /// Ends reads that have been idle for long, and those of connections that were closed.
    mutating func forgetIdle() {
        let limit = ContinuousClock.now - Self.idleLimit
        for (peer, reads) in sessions {
            // All reads of a peer came by one connection.
            let isOpen = reads.first?.value.connection?.isOpen != false
            for (id, session) in reads where !isOpen || session.lastProgress < limit {
                end(ReadKey(peer: peer, requestID: id))
            }
        }
    }
}
