import CallServer
import WireProtocol
import ZeroMQ

/// A request that waits for its turn.
struct WaitingRequest {
    let peer: PeerName
    let caller: Caller
    /// The connection by which it came, or nil if the client is in the same process.
    let connection: Connection?
    /// Whether it is a credit or a cancel, which a read needs to go on or to end.
    let isForRead: Bool
    let head: RequestHead
    /// The frames of the body, as `EventStoreServer.handle` takes them.
    let first: [UInt8]
    let last: [UInt8]
    let bodyFrames: Int
    let bytes: Int
}

/// The requests that wait while the server has more to do than it can.
///
/// libzmq would keep a number of messages of each connection, whatever their size, even after the
/// connection has ended. It also gives each connection a turn, so that a client with many of them
/// would have most turns.
struct RequestBacklog {
    /// How many bytes of requests may wait: of one client, of all, and of one client while all
    /// have more than that. A client may always have one request, unless all have twice as much.
    private static let (ofClient, ofAll, always) = (8 << 20, 32 << 20, 64 << 10)
    /// How many requests of one client may wait.
    private static let requestsOfClient = 2048
    /// How many credits and cancels of one client may wait beside its other requests, because a
    /// read without its credit would stop. Up to which size a message counts as one, in bytes.
    private static let (forReadsOfClient, forReadBytes) = (256, 256)

    private struct Waiting {
        var requests = 0
        var bytes = 0
        var forReads = 0
    }

    private var queue = FairQueue<WaitingRequest>()
    private var byClient: [CallerLane: Waiting] = [:]
    private var bytes = 0

    var isEmpty: Bool { byClient.isEmpty }

    /// Whether there is room for another request of this size.
    ///
    /// - Parameter isForRead: whether it is a credit or a cancel.
    func hasRoom(for count: Int, of client: CallerLane, isForRead: Bool) -> Bool {
        guard let own = byClient[client] else {
            return count <= Self.always || bytes + count <= 2 * Self.ofAll
        }
        if isForRead, count <= Self.forReadBytes, own.forReads < Self.forReadsOfClient {
            return true
        }
        let most = bytes + count <= Self.ofAll ? Self.ofClient : Self.always
        return own.requests < Self.requestsOfClient && own.bytes + count <= most
    }

    mutating func append(_ request: WaitingRequest, of client: CallerLane) {
        queue.append(request, to: client)
        count(request, of: client, change: 1)
    }

    /// Counts a request that begins to wait, or ends.
    ///
    /// - Parameter change: 1 or -1.
    private mutating func count(
        _ request: WaitingRequest, of client: CallerLane, change: Int
    ) {
        var waiting = byClient[client] ?? Waiting()
        waiting.requests += change
        waiting.bytes += change * request.bytes
        if request.isForRead { waiting.forReads += change }
        byClient[client] = waiting.requests > 0 ? waiting : nil
        bytes += change * request.bytes
    }

    /// Removes and returns the first request of the client whose turn it is. Drops requests whose
    /// connection has been closed.
    mutating func popFirst() -> WaitingRequest? {
        while let request = queue.popFirst() {
            count(request, of: CallerLane(request.caller, request.peer), change: -1)
            if request.connection?.isOpen != false { return request }
        }
        return nil
    }

    /// Counts the time that a request took.
    mutating func charge(_ duration: Duration, for request: WaitingRequest) {
        queue.charge(duration, to: CallerLane(request.caller, request.peer))
    }
}
