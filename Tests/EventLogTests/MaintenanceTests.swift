import Dispatch
import EventSourcing
import Foundation
import Testing

@testable import EventLog

@Suite struct `Preparation of segments` {
    private static let reserve = 256 << 20
    private static let segmentBytes = 4096

    /// Appends events of which each takes a third of a segment.
    private func append(_ numbers: ClosedRange<Int>, to log: inout EventLog) throws {
        for number in numbers {
            try log.stage([event(number, text: String(repeating: "x", count: 1000))])
            try log.commit()
        }
    }

    @Test(arguments: [reserve + segmentBytes - 1, reserve + segmentBytes])
    func `Next segment is prepared only if the disk keeps its reserve`(free: Int) throws {
        let storage = FaultyStorage()
        var log = try open(storage)
        storage.free = free
        try append(1...6, to: &log)
        let isPrepared = storage.names().contains("prepared.new")
        #expect(isPrepared == (free == Self.reserve + Self.segmentBytes))
        // The log uses the disk up all the same when it needs it.
        try append(7...20, to: &log)
        #expect(log.head == 20)
    }

    @Test func `Segment that does not fit on the disk leaves no file`() throws {
        let storage = FaultyStorage()
        var log = try open(storage)
        storage.free = Self.segmentBytes - 1
        let error = #expect(throws: AppendError.self) { try append(1...6, to: &log) }
        #expect(error?.description.contains("no space") == true)
        #expect(!storage.names().contains { $0.hasSuffix(".new") })
        // What was committed can be read, and appended to once there is space.
        let head = log.head
        #expect(head >= 2)
        storage.free = .max
        var again = try open(storage)
        #expect(again.head == head)
        try append(11...20, to: &again)
        #expect(again.head == head + 10)
    }

    @Test func `Segments that are full before the next one is prepared keep their events`() throws {
        let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let queue = DispatchQueue(label: "background")
        func open() throws -> EventLog {
            try EventLog(
                in: FileStorage(folder: folder), segmentBytes: 16 << 10,
                background: { work in queue.async(execute: work) }, now: clock)
        }
        let count = 300
        do {
            var log = try open()
            for number in 1...count {
                try log.stage([event(number, text: String(repeating: "x", count: 12_000))])
                try log.commit()
            }
            try log.close()
        }
        let log = try open()
        #expect(try log.all().count == count)
    }
}
