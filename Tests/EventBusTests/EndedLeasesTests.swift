import Testing
import WireProtocol

@testable import EventBus

@Suite struct `Ended leases` {
    private var leases = EndedLeases()

    private func end(
        _ lease: UInt64, _ verdict: Acknowledgement.Verdict = .acknowledged, sequence: UInt64 = 7
    ) throws -> EndedLeases.End {
        try #require(
            EndedLeases.End(Acknowledgement(sequence: sequence, lease: lease, verdict)))
    }

    @Test mutating func `Lease that a verdict ended is known by its entry and verdict`() throws {
        leases.insert(try end(3))
        #expect(leases.contains(try end(3)))
        #expect(!leases.contains(try end(3, sequence: 8)))
        #expect(!leases.contains(try end(3, .failed(error: "e", delay: nil))))
        #expect(!leases.contains(try end(4)))
        #expect(!leases.contains(try end(.max)))
    }

    @Test
    mutating func `Failure with another delay is another verdict, with another error it is not`()
        throws
    {
        leases.insert(try end(3, .failed(error: "a", delay: .seconds(1))))
        #expect(leases.contains(try end(3, .failed(error: "b", delay: .seconds(1)))))
        #expect(!leases.contains(try end(3, .failed(error: "a", delay: .seconds(2)))))
        #expect(!leases.contains(try end(3, .failed(error: "a", delay: nil))))
        #expect(!leases.contains(try end(3, .returned)))
        leases.insert(try end(4, .returned))
        #expect(leases.contains(try end(4, .returned)))
    }

    @Test mutating func `Lease replaces the one 16384 numbers before it, and never a newer one`()
        throws
    {
        for lease in [1, 16_385] as [UInt64] { leases.insert(try end(lease)) }
        #expect(leases.contains(try end(16_385)))
        #expect(!leases.contains(try end(1)))
        leases.insert(try end(1))
        #expect(leases.contains(try end(16_385)))
        leases.insert(try end(.max))
        #expect(leases.contains(try end(.max)))
    }

    @Test func `Extension ends no lease`() {
        #expect(
            EndedLeases.End(Acknowledgement(sequence: 1, lease: 1, .extended(.seconds(1)))) == nil)
    }
}
