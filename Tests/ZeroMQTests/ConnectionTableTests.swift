import Foundation
import Synchronization
import Testing

@testable import ZeroMQ

/// Returns the number of a listening socket that no other test has: tests run at the same time, and
/// descriptors are used again.
func unusedListener() -> Int32 { lastListener.subtract(1, ordering: .relaxed).newValue }

private let lastListener = Atomic<Int32>(-1)

/// Both ends of a connection within this process.
private final class Pair {
    let served: Int32
    let peer: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue)
        try #require(unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0)
        (served, peer) = (ends[0], ends[1])
        PeerInputs.shared.accepted(served, by: unusedListener())
    }

    deinit {
        PeerInputs.shared.closing(served)
        _ = close(served)
        _ = close(peer)
    }

    /// Sends bytes that the other end does not take.
    func send(_ count: Int = 1, from end: KeyPath<Pair, Int32>) {
        let bytes = [UInt8](repeating: 1, count: count)
        _ = unsafe Foundation.send(self[keyPath: end], bytes, count, 0)
    }

    /// Whether the served end was shut down.
    var isClosed: Bool {
        var byte: UInt8 = 0
        return unsafe recv(peer, &byte, 1, Int32(MSG_DONTWAIT)) == 0
    }
}

@Suite struct `Table of connections` {
    private let keyless = PeerRules(hasKeys: false, unsent: nil)

    /// Measures an interval of 0.1 s.
    private func measure(_ table: ConnectionTable) -> [(sender: String?, note: String)] {
        table.measure(elapsed: .milliseconds(100))
    }

    private func table(_ change: (inout ConnectionLimits) -> Void = { _ in }) -> ConnectionTable {
        var limits = ConnectionLimits()
        change(&limits)
        return ConnectionTable(limits)
    }

    /// Lets the pair's served end have sent an unfinished message.
    private func begin(_ pair: Pair, of bytes: Int) -> PeerInput? {
        let input = PeerInputs.shared[pair.served]
        var wire = Wire()
        wire.add([UInt8](repeating: 9, count: bytes), more: true)
        #expect(input?.takes(wire.bytes) == true)
        return input
    }

    @Test func `Newest connection is closed beyond the limit of a process`() throws {
        let table = table { $0.all = 2 }
        let pairs = try (0..<3).map { _ in try Pair() }
        #expect(table.opened(pairs[0].served, under: keyless) == nil)
        #expect(table.opened(pairs[1].served, under: keyless) == nil)
        #expect(table.opened(pairs[2].served, under: keyless)?.contains("newest") == true)
        #expect(pairs.map(\.isClosed) == [false, false, true])
    }

    @Test func `Connection whose message does not go on is closed if it takes much room`() throws {
        let table = table()
        let rules = PeerRules(
            hasKeys: false, unsent: nil, input: InputLimits(unhandledBytes: 100_000))
        let (large, small, moving) = (try Pair(), try Pair(), try Pair())
        _ = begin(large, of: 60_000)
        _ = begin(small, of: 40_000)
        let input = begin(moving, of: 60_000)
        for pair in [large, small, moving] { _ = table.opened(pair.served, under: rules) }
        for _ in 1...30 {
            #expect(measure(table).isEmpty)
            #expect(input?.takes([0, 1, 1]) == true)
        }
        #expect(measure(table).map(\.note) == ["closed 1 connections: their messages do not end"])
        #expect(large.isClosed && !small.isClosed && !moving.isClosed)
    }

    @Test func `Each message makes room, also the first of its connection`() throws {
        let table = table()
        let rules = PeerRules(
            hasKeys: false, unsent: nil, input: InputLimits(unhandledBytes: 100))
        let pair = try Pair()
        let input = try #require(begin(pair, of: 60))
        _ = table.opened(pair.served, under: rules)
        for verdict in [ConnectionTable.Verdict.new, .known] {
            #expect(input.isBlocking)
            #expect(table.heard("", by: pair.served, bytes: 124, under: rules) == verdict)
            #expect(!input.isBlocking)
            _ = input.takes([1, 60] + [UInt8](repeating: 9, count: 60))
        }
    }

    @Test func `Waiting messages of a refused connection open it no more`() throws {
        let table = table()
        let pair = try Pair()
        let input = try #require(begin(pair, of: 10))
        _ = table.opened(pair.served, under: keyless)
        #expect(table.heard("", by: pair.served, bytes: 1, under: keyless) == .new)
        table.disconnect(pair.served)
        #expect(input.isRefused)
        for _ in 1...2 {
            #expect(table.heard("", by: pair.served, bytes: 1, under: keyless) == .new)
        }
        #expect(measure(table).isEmpty)
    }

    @Test func `Refused connection is noted when it has ended`() throws {
        let table = table()
        func refuse() throws {
            let pair = try Pair()
            let input = try #require(begin(pair, of: 10))
            _ = table.opened(pair.served, under: keyless)
            input.refuse(because: "it is a test")
            #expect(measure(table).isEmpty)
        }
        // The pair ends with the call.
        try refuse()
        #expect(measure(table).map(\.note) == ["closed a connection: it is a test"])
    }

    @Test func `Subscribers that do not read are closed when they keep too much`() throws {
        let table = table()
        let total = UnsentBytes.Total()
        let rules = PeerRules(hasKeys: false, unsent: (total, 100))
        let (slow, quick) = (try Pair(), try Pair())
        for pair in [slow, quick] { _ = table.opened(pair.served, under: rules) }
        slow.send(from: \.served)
        for _ in 1...20 { #expect(measure(table).isEmpty) }
        UnsentBytes(in: total).add(101)
        #expect(measure(table).count == 1)
        var byte: UInt8 = 0
        #expect(unsafe recv(slow.peer, &byte, 1, 0) == 1)
        #expect(slow.isClosed && !quick.isClosed)
    }

    @Test func `Message on a reused descriptor counts for the new connection`() throws {
        let table = table()
        var pair = try Pair()
        let descriptor = pair.served
        let first = try #require(Connection(descriptor))
        _ = table.opened(descriptor, under: keyless)
        #expect(table.heard("ann", by: descriptor, bytes: 1, under: keyless) == .new)
        #expect(table.heard("ann", by: descriptor, bytes: 1, under: keyless) == .known)
        pair = try Pair()
        // The first pair is closed by now, so the next one gets its numbers.
        let next = try Pair()
        #expect(!first.isOpen)
        table.closed(descriptor)
        if next.served == descriptor {
            #expect(table.heard("ann", by: descriptor, bytes: 1, under: keyless) == .new)
        }
    }
}
