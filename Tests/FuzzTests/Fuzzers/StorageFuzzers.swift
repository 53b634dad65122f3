import Bytes
import EventSourcing
import ObjectStorage

@testable import EventArchive
@testable import EventLog

extension Fuzzer {
    /// The manifest of an archive, with a corrected checksum.
    static let archiveManifest = Fuzzer(name: "archiveManifest") { input in
        _ = accepted { try ArchiveManifest(input, of: "a") }
        let sum = CRC32C.checksum(input.span)
        let whole = input + Array(#"{"crc32c":\#(sum)}"#.utf8) + [UInt8(ascii: "\n")]
        guard let manifest = accepted({ try ArchiveManifest(whole, of: "a") }) else { return }
        let again = accepted { try ArchiveManifest(try manifest.encoded(), of: "a") }
        try check(again == manifest, "a manifest changes when it is encoded and decoded")
        _ = (manifest.events, manifest.storedBytes)
        for segment in manifest.segments {
            _ = ArchiveSegment.positions(in: segment.name[...])
        }
    }

    /// A segment of an archive: its header alone, and records after a header that describes them.
    static let archiveSegment = Fuzzer(name: "archiveSegment") { input in
        let (codec, stored) = input.headAndRest
        var records = stored
        if codec & 1 == 1 { records = Zlib.decompressed(stored[...], count: 1 << 16) }
        repair(&records)
        let payload = codec & 1 == 1 ? stored : records
        let log = EventID(high: 1, low: 2)
        let count = UInt32(codec >> 1)
        let segment = ArchiveSegment(
            from: 1, through: UInt64(max(count, 1)), first: 1, last: UInt64(max(count, 1)),
            firstTime: Timestamp(microseconds: 0), lastTime: Timestamp(microseconds: 0),
            events: count, codec: codec & 1 == 1 ? .zlib : .stored,
            storedBytes: UInt32(payload.count), storedChecksum: CRC32C.checksum(payload.span),
            bytes: UInt32(records.count), checksum: CRC32C.checksum(records.span))
        _ = SegmentContents(input, of: segment, log: log, key: "a/1")
        let object = ArchiveSegmentHeader.bytes(of: segment, log: log) + payload
        let contents = SegmentContents(object, of: segment, log: log, key: "a/1")
        let isWhole = contents.damage == nil
        try check(!isWhole || contents.events.count == Int(count), "an intact segment lacks events")
    }

    /// The records of a log's open segment, with corrected checksums if the first byte is even. A
    /// log that opens must accept an append and keep its events.
    static let logSegment = Fuzzer(name: "logSegment") { input in
        var (mode, records) = input.headAndRest
        if mode.isMultiple(of: 2) { repair(&records) }
        var files = SampleLog.empty
        guard let name = files.keys.first(where: { $0.hasSuffix(SegmentHeader.suffix) }),
            let header = files[name]?.prefix(SegmentHeader.size)
        else { return }
        let file = header + records.prefix(SampleLog.segmentBytes - SegmentHeader.size)
        files[name] =
            file + Array(repeating: 0, count: max(0, SampleLog.segmentBytes - file.count))
        let storage = MemoryStorage(files)
        _ = accepted { try LogVerification(of: storage) }
        guard let events = accepted({ try SampleLog.events(in: storage) }),
            accepted({ try SampleLog.append(to: storage) }) != nil
        else { return }
        let after = accepted { try SampleLog.events(in: storage) }
        try check(
            after?.dropLast().elementsEqual(events, by: { $0.body == $1.body }) == true
                && after?.last?.position == UInt64(events.count) + 1,
            "a log that opened lost events at an append")
    }

    /// The files of a closed log, one of them changed and its own checksum corrected: a segment, an
    /// index, a chain file or the clean end. The first byte chooses the file. If the second byte is
    /// even, changes follow (an offset of two bytes and the bits to flip), otherwise the new file.
    static let logFiles = Fuzzer(name: "logFiles") { input in
        let (kind, rest) = input.headAndRest
        let (mode, bytes) = rest.headAndRest
        var files = SampleLog.sealed
        let names = files.keys.filter { !$0.hasSuffix(".new") }.sorted()
        let name = names[Int(kind) % names.count]
        var file = mode.isMultiple(of: 2) ? files[name] ?? [] : bytes
        if mode.isMultiple(of: 2), !file.isEmpty {
            for at in stride(from: 0, to: bytes.count - 2, by: 3) {
                file[(Int(bytes[at]) << 8 | Int(bytes[at + 1])) % file.count] ^= bytes[at + 2]
            }
        }
        if name.hasSuffix(".index") || name.hasSuffix(".chain") { file.seal(76) }
        if name == "clean-end" { file.seal(16) }
        files[name] = file
        let storage = MemoryStorage(files)
        if let found = accepted({ try LogVerification(of: storage) }) {
            _ = accepted { try ChainVerification(of: storage, found).fault }
        }
        _ = accepted { try SampleLog.events(in: storage) }
        _ = accepted { try SampleLog.lookUp(in: storage) }
    }

    /// Corrects the checksums of the records in `bytes`, as far as their lengths are valid.
    private static func repair(_ bytes: inout [UInt8]) {
        var at = 0
        while bytes.count - at >= RecordLayout.headerSize {
            let length = Int(bytes.span.uint32(at: at))
            guard length >= RecordLayout.headerSize, length <= bytes.count - at else { return }
            let body = CRC32C.checksum(
                bytes.span.extracting(at + RecordLayout.headSize..<at + length))
            bytes.put(body, at: at + RecordLayout.bodyChecksum)
            let head = CRC32C.checksum(
                bytes.span.extracting(at..<at + RecordLayout.headChecksum))
            bytes.put(head, at: at + RecordLayout.headChecksum)
            at += length
        }
    }
}

/// A small log for the fuzzers to damage.
enum SampleLog {
    static let segmentBytes = 4096

    /// The files of a log without events.
    static let empty: [String: [UInt8]] = files { _ in }
    /// The files of a closed log with some sealed segments.
    static let sealed: [String: [UInt8]] = files { log throws in
        for number in 0..<40 {
            try stage(number, in: &log)
            try log.commit()
        }
        try log.close()
    }

    static func open(_ storage: MemoryStorage) throws(LogError) -> EventLog {
        try EventLog(
            in: storage, segmentBytes: segmentBytes, newID: EventID(high: 1, low: 2),
            now: { Timestamp(microseconds: 1_000_000) })
    }

    /// Opens the log in `storage` and returns all its events.
    static func events(in storage: MemoryStorage) throws -> [RecordedEvent] {
        let log = try open(storage)
        var request = LogRead(.all, chunkBytes: 1 << 16)
        var events: [RecordedEvent] = []
        while case let chunk = try log.read(&request), chunk.count > 0 {
            events += try RecordSequence(chunk.bytes[...])
        }
        return events
    }

    static func append(to storage: MemoryStorage) throws {
        var log = try open(storage)
        try stage(1000, in: &log)
        try log.commit()
    }

    /// Looks events up by every kind of term that an index holds.
    static func lookUp(in storage: MemoryStorage) throws {
        let log = try open(storage)
        _ = try log.statistics()
        for number in 0..<40 { _ = try log.committedEvent(id: id(number)) }
        for query in [
            EventQuery([.init(streams: [try StreamName("s-1")])]),
            EventQuery([.init(categories: ["s"])]), EventQuery([.init(types: ["T1"])]),
            EventQuery([.init(tags: ["t:1"])]),
            EventQuery([.init(correlations: [id(1)])]),
        ] {
            var request = LogRead(query, isBackwards: true, from: .max, chunkBytes: 1 << 16)
            while case let chunk = try log.read(&request), chunk.count > 0 {}
        }
    }

    private static func stage(_ number: Int, in log: inout EventLog) throws {
        let event = NewEvent(
            id: id(number), stream: try StreamName("s-\(number % 3)"), type: "T\(number % 4)",
            tags: ["t:\(number % 5)"], correlationID: id(number / 4),
            data: Array("event \(number)".utf8))
        var bytes: [UInt8] = []
        try event.encode(into: &bytes)
        _ = try log.stage(bytes.span)
    }

    private static func id(_ number: Int) -> EventID { EventID(high: 7, low: UInt64(number)) }

    private static func files(_ fill: (inout EventLog) throws -> Void) -> [String: [UInt8]] {
        let storage = MemoryStorage()
        do {
            var log = try open(storage)
            try fill(&log)
        } catch {
            // This does not depend on an input, and nothing can be fuzzed without the sample.
            fatalError("the sample log can't be made: \(error)")
        }
        return storage.contents
    }
}

extension [UInt8] {
    fileprivate mutating func put(_ word: UInt32, at offset: Int) {
        for byte in 0..<4 { self[offset + byte] = UInt8(truncatingIfNeeded: word >> (8 * byte)) }
    }

    /// Puts the CRC32C of the first `count` bytes after them.
    fileprivate mutating func seal(_ count: Int) {
        guard self.count >= count + 4 else { return }
        put(CRC32C.checksum(span.extracting(first: count)), at: count)
    }
}
