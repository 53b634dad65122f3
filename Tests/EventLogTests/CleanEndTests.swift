import EventSourcing
import Testing

@testable import EventLog

@Suite struct `Closed log` {
    @Test func `Damage at the end of a closed log is reported, not cut off`() throws {
        let storage = FaultyStorage()
        var log = try open(storage)
        try log.stage([event(1)])
        try log.commit()
        try log.stage([event(2)])
        try log.close()
        let segment = try #require(storage.names().first { $0.hasSuffix(".segment") })
        let disk = storage.crashed { true }
        disk.flip(segment, at: 64 + (try event(1).recordSize) + 120)
        let damage = #expect(throws: LogError.self) { _ = try open(disk).head }
        #expect(damage?.position == 2)
        #expect(try LogVerification(of: disk).faults.count == 1)
        // The undamaged log opens, and from then on it does not count as closed.
        #expect(try open(storage).head == 2)
        try storage.remove(LogManifest.name)
        storage.flip(segment, at: 64 + (try event(1).recordSize) + 120)
        #expect(try open(storage).head == 1)
    }
}
