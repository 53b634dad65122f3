import CallServer
import Testing
import WireProtocol

@testable import EventStoreServer

@Suite struct `Backlog of requests` {
    private let ann = Caller(name: "ann", permissions: .everything)

    private func request(_ bytes: Int, isForRead: Bool = false) -> WaitingRequest {
        WaitingRequest(
            peer: [1], caller: ann, isForRead: isForRead, frames: [], last: [], frameCount: 1,
            bytes: bytes)
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
}
