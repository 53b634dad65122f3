import CallServer
import Glibc
import Testing
import WireProtocol
import ZeroMQ

@testable import EventStoreServer

@Suite struct `Backlog of requests` {
    private let ann = Caller(name: "ann", permissions: .everything)

    private func request(
        _ bytes: Int, isForRead: Bool = false, by connection: Connection? = nil
    ) -> WaitingRequest {
        WaitingRequest(
            peer: [1], caller: ann, connection: connection, isForRead: isForRead,
            head: RequestHead(nil), first: [], last: [], bodyFrames: 0, bytes: bytes)
    }

    /// Appends requests of this size until there is no room. Returns how many there are.
    private func fill(
        _ backlog: inout RequestBacklog, _ client: CallerLane, bytes: Int, isForRead: Bool = false
    ) -> Int {
        var count = 0
        while count < 10_000, backlog.hasRoom(for: bytes, of: client, isForRead: isForRead) {
            backlog.append(request(bytes, isForRead: isForRead), of: client)
            count += 1
        }
        return count
    }

    @Test func `Requests of a client are limited in number and in bytes`() {
        let client = CallerLane(ann, [1])
        var small = RequestBacklog()
        #expect(fill(&small, client, bytes: 100) == 2048)
        var large = RequestBacklog()
        #expect(fill(&large, client, bytes: 1 << 20) == 8)
        while large.popFirst() != nil {}
        #expect(large.isEmpty && large.hasRoom(for: 8 << 20, of: client, isForRead: false))
    }

    @Test func `Credits and cancels have room of their own, which is limited, too`() {
        let client = CallerLane(ann, [1])
        var backlog = RequestBacklog()
        #expect(fill(&backlog, client, bytes: 1 << 20) == 8)
        #expect(fill(&backlog, client, bytes: 148, isForRead: true) == 256)
        #expect(!backlog.hasRoom(for: 1 << 20, of: client, isForRead: true))
        // Alone, they are limited like other requests.
        var other = RequestBacklog()
        #expect(fill(&other, client, bytes: 148, isForRead: true) == 2048)
    }

    @Test func `Other clients have room while the requests of one fill the backlog`() {
        var backlog = RequestBacklog()
        for number in UInt8(1)...4 {
            let client = CallerLane.key("client-\(number)")
            #expect(fill(&backlog, client, bytes: 1 << 20) == 8)
        }
        let next = CallerLane.key("next")
        #expect(backlog.hasRoom(for: 1 << 20, of: next, isForRead: false))
        backlog.append(request(32 << 10), of: next)
        #expect(backlog.hasRoom(for: 32 << 10, of: next, isForRead: false))
        #expect(!backlog.hasRoom(for: 33 << 10, of: next, isForRead: false))
    }

    @Test func `Client gets no room for a large request once all have twice as much as they may`() {
        var backlog = RequestBacklog()
        for number in UInt8(1)...8 {
            let client = CallerLane.key("client-\(number)")
            #expect(backlog.hasRoom(for: 8 << 20, of: client, isForRead: false))
            backlog.append(request(8 << 20), of: client)
        }
        let next = CallerLane.key("next")
        #expect(!backlog.hasRoom(for: 65 << 10, of: next, isForRead: false))
        #expect(backlog.hasRoom(for: 64 << 10, of: next, isForRead: false))
    }

    @Test func `Requests whose connection was closed are dropped`() throws {
        let client = CallerLane(ann, [1])
        var backlog = RequestBacklog()
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let closed = try #require(Connection(descriptor))
        for _ in 1...3 { backlog.append(request(1 << 20, by: closed), of: client) }
        backlog.append(request(2), of: client)
        #expect(backlog.popFirst()?.bytes == 1 << 20)
        close(descriptor)
        #expect(backlog.popFirst()?.bytes == 2)
        #expect(backlog.popFirst() == nil && backlog.isEmpty)
        #expect(fill(&backlog, client, bytes: 1 << 20) == 8)
    }
}
