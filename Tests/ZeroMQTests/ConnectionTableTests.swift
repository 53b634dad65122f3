import Foundation
import Testing

@testable import ZeroMQ

/// Both ends of a connection within this process.
private final class Pair {
    let served: Int32
    let peer: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue)
        try #require(unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0)
        (served, peer) = (ends[0], ends[1])
    }

    deinit {
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
    private func measure(
        _ table: ConnectionTable, _ memory: Int
    ) -> [(sender: String?, note: String)] {
        table.measure(memory: memory, elapsed: .milliseconds(100))
    }

    private func table(_ change: (inout ConnectionLimits) -> Void = { _ in }) -> ConnectionTable {
        var limits = ConnectionLimits()
        limits.growth = 1000
        change(&limits)
        return ConnectionTable(limits)
    }

    @Test func `Newest connection is closed beyond the limit of a process`() throws {
        let table = table { $0.all = 2 }
        let pairs = try (0..<3).map { _ in try Pair() }
        #expect(table.opened(pairs[0].served, under: keyless) == nil)
        #expect(table.opened(pairs[1].served, under: keyless) == nil)
        #expect(table.opened(pairs[2].served, under: keyless)?.contains("newest") == true)
        #expect(pairs.map(\.isClosed) == [false, false, true])
    }

    @Test func `Growth closes connections that send faster than the process takes`() throws {
        let table = table()
        let (flood, busy, silent) = (try Pair(), try Pair(), try Pair())
        for pair in [flood, busy, silent] { _ = table.opened(pair.served, under: keyless) }
        flood.send(4096, from: \.peer)
        silent.send(100, from: \.peer)
        for _ in 1...40 {
            _ = table.heard("", by: busy.served, bytes: 1, under: keyless)
            #expect(measure(table, 5000).isEmpty)
        }
        #expect(measure(table, 6000).isEmpty)
        #expect(measure(table, 6001).count == 1)
        #expect(flood.isClosed && !busy.isClosed && !silent.isClosed)
    }

    @Test func `Process that sends faster than is taken can't connect again for a while`() throws {
        let table = table()
        let (flood, next, later) = (try Pair(), try Pair(), try Pair())
        _ = table.opened(flood.served, under: keyless)
        flood.send(4096, from: \.peer)
        _ = measure(table, 5000)
        _ = measure(table, 6000)
        #expect(measure(table, 6001).count == 1)
        for _ in 1...49 { _ = measure(table, 5000) }
        _ = table.opened(next.served, under: keyless)
        #expect(next.isClosed)
        _ = measure(table, 5000)
        _ = table.opened(later.served, under: keyless)
        #expect(!later.isClosed)
    }

    @Test func `Bytes that wait for a short time close no connection`() throws {
        let table = table()
        let slow = try Pair()
        _ = table.opened(slow.served, under: keyless)
        #expect(measure(table, 5000).isEmpty)
        slow.send(4096, from: \.peer)
        #expect(measure(table, 6001).isEmpty)
        #expect(!slow.isClosed)
        #expect(measure(table, 6001).count == 1)
        #expect(slow.isClosed)
    }

    @Test func `Process is watched closely only while it grows`() throws {
        let table = table()
        _ = measure(table, 5000)
        #expect(!table.isGrowing)
        _ = measure(table, 5500)
        for _ in 1...9 {
            _ = measure(table, 5510)
            #expect(table.isGrowing)
        }
        _ = measure(table, 5510)
        #expect(!table.isGrowing)
        _ = measure(table, 5600)
        #expect(table.isGrowing)
    }

    @Test func `Growth without such connections closes the silent ones once`() throws {
        let table = table()
        let (busy, silent) = (try Pair(), try Pair())
        for pair in [busy, silent] { _ = table.opened(pair.served, under: keyless) }
        for _ in 1...40 {
            _ = table.heard("", by: busy.served, bytes: 1, under: keyless)
            #expect(measure(table, 5000).isEmpty)
        }
        // Others may show in the meantime that they are the cause. It has grown by twice the limit,
        // so that is a quarter of the time.
        for tenth in 1...8 {
            _ = table.heard("", by: busy.served, bytes: 1, under: keyless)
            #expect(measure(table, 7000).count == (tenth == 8 ? 1 : 0))
        }
        #expect(silent.isClosed && !busy.isClosed)
        // The process may need the memory. Only further growth counts.
        #expect(measure(table, 8000).isEmpty)
        #expect(!busy.isClosed)
    }

    @Test func `Subscribers that do not read are closed when they keep too much`() throws {
        let table = table()
        let total = UnsentBytes.Total()
        let rules = PeerRules(hasKeys: false, unsent: (total, 100))
        let (slow, quick) = (try Pair(), try Pair())
        for pair in [slow, quick] { _ = table.opened(pair.served, under: rules) }
        slow.send(from: \.served)
        for _ in 1...20 { #expect(measure(table, 0).isEmpty) }
        UnsentBytes(in: total).add(101)
        #expect(measure(table, 0).count == 1)
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
