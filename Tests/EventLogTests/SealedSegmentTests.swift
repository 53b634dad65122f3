import Dispatch
import EventSourcing
import Foundation
import Testing

@testable import EventLog

@Suite struct `Sealed segments` {
    @Test func `Log opens sealed segments by their indexes without reading them`() throws {
        let storage = FaultyStorage()
        let log = try filled(storage)
        #expect(log.sealed.segments.count >= 3)
        let reads = storage.segmentReads
        let again = try open(storage)
        // Opening reads the header of each sealed segment and the whole open segment.
        #expect(storage.segmentReads - reads == log.sealed.segments.count + 2)
        for number in 1...60 {
            let id = EventID(high: 7, low: UInt64(number))
            #expect(try again.committedEvent(id: id)?.position == UInt64(number))
        }
        #expect(try again.committedEvent(id: EventID(high: 7, low: 61)) == nil)
    }

    @Test func `Read fails at a damaged event and works after it`() throws {
        let storage = FaultyStorage()
        let log = try filled(storage)
        let segment = log.sealed.segments[1]
        let (name, second) = (segment.name, segment.base + 1)
        let offset = Int(try segment.offsets(of: 1...1)[0])
        storage.flip(name, at: offset + 120)
        let again = try open(storage)
        var read = LogRead(from: second)
        let damage = #expect(throws: LogError.self) { try again.read(&read) }
        #expect(damage?.position == second)
        #expect(try again.all(LogRead(from: second + 1)).count == Int(60 - second))
        let report = try LogVerification(of: storage)
        #expect(report.faults.map(\.position) == [second] && report.head == 60)
    }

    @Test func `Segment serves reads while another thread writes its index`() throws {
        let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let queue = DispatchQueue(label: "background")
        let gate = DispatchSemaphore(value: 0)
        queue.async { gate.wait() }
        let background: Background = { queue.async(execute: $0) }
        do {
            var log = try filled(FileStorage(folder: folder), background: background)
            // No segment is sealed yet, but all events are found.
            #expect(log.sealed.segments.isEmpty && log.sealing.count >= 3)
            #expect(try log.all().count == 60)
            #expect(try log.all(isBackwards: true).count == 60)
            #expect(try log.committedEvent(id: EventID(high: 7, low: 5))?.position == 5)
            gate.signal()
            try log.close()
        }
        let log = try EventLog(
            in: FileStorage(folder: folder), segmentBytes: 4096, background: background, now: clock)
        #expect(log.sealed.segments.count >= 3)
        #expect(try log.all(.tags(["digit:7"])).map(\.position) == [7, 17, 27, 37, 47, 57])
    }
}
