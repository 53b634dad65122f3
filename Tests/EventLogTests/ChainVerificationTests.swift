import Bytes
import EventSourcing
import TestSupport
import Testing

@testable import EventLog

/// An attacker who alters a log and corrects the checksums.
private struct Forger {
    let storage: FaultyStorage

    private func place(_ position: UInt64) throws -> (name: String, range: Range<Int>) {
        for (name, bytes) in try storage.contents(suffix: ".segment") {
            let records = try wholeRecords(of: bytes, in: name)
            if let found = records.first(where: { $0.position == position }) {
                return (name, found.place)
            }
        }
        throw LogError.storage("find", "position \(position)", reason: "it is not there")
    }

    /// Changes a byte of the record, corrects its checksums and removes the index, which opening
    /// the log rebuilds.
    func alter(_ position: UInt64, at offset: Int, by bits: UInt8 = 0x20) throws {
        let (name, range) = try place(position)
        var record = try storage.read(name, at: range.lowerBound, count: range.count)
        record[offset] ^= bits
        let body = CRC32C.checksum(record.span.extracting(RecordLayout.headSize..<record.count))
        put(body, RecordLayout.bodyChecksum, into: &record)
        let head = CRC32C.checksum(record.span.extracting(first: RecordLayout.headChecksum))
        let header = try storage.read(name, at: 0, count: SegmentHeader.size)
        let binding = try SegmentHeader(header.span, of: name).binding
        put(
            head ^ binding.mask(at: range.lowerBound), RecordLayout.headChecksum, into: &record)
        try storage.write(name, record.span, at: range.lowerBound)
        try removeFile(".index", of: name)
    }

    /// The chain file of the segment that holds the position.
    func chainFile(of position: UInt64) throws -> String {
        let (name, _) = try place(position)
        return ChainFile.name(base: try #require(SegmentHeader.base(ofName: name)))
    }

    /// Rebuilds all chain files from the altered log.
    func forgeChain() throws {
        for name in storage.names() where name.hasSuffix(".chain") { try storage.remove(name) }
        _ = try open(storage).head
    }

    /// Changes a link and corrects the file's checksums.
    func alterLink(of position: UInt64) throws {
        let name = try chainFile(of: position)
        let base = try #require(UInt64(name.dropLast(ChainFile.suffix.count), radix: 16))
        var bytes = try storage.read(name, at: 0, count: try storage.size(of: name))
        bytes[80 + Int(position - base) * 8] ^= 1
        put(CRC32C.checksum(bytes.span.extracting(80..<bytes.count)), 72, into: &bytes)
        put(CRC32C.checksum(bytes.span.extracting(first: 76)), 76, into: &bytes)
        try storage.write(name, bytes.span, at: 0)
    }

    private func put(_ sum: UInt32, _ offset: Int, into bytes: inout [UInt8]) {
        for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: sum >> (8 * index)) }
    }

    private func removeFile(_ suffix: String, of segment: String) throws {
        let name = segment.replacing(SegmentHeader.suffix, with: suffix)
        if storage.names().contains(name) { try storage.remove(name) }
    }

    func fault(_ heads: [ChainPoint] = [], isForward: Bool = false) throws -> ChainFault? {
        let found = try LogVerification(of: storage)
        #expect(found.faults.isEmpty)
        return try ChainVerification(
            of: storage, found, heads: heads, isForward: isForward
        ).fault
    }
}

@Suite(.mayBlock) struct `Chain verification` {
    private let storage = FaultyStorage()
    /// The chain's hash at each position.
    private let points: [ChainPoint]
    /// The last position before the open segment.
    private let sealed: UInt64
    private let sizes: [Int]

    init() throws {
        let log = try chained(storage)
        let events = try log.all()
        sealed = log.open.base - 1
        sizes = events.map(\.bytes.count)
        var fold = ChainFold(after: ChainPoint(startOf: log.id))
        points =
            [fold.point]
            + events.map { event in
                fold.add(event.bytes.span)
                return fold.point
            }
        #expect(sealed > 40 && sealed < 58)
    }

    private func forger() -> Forger { Forger(storage: storage.crashed { true }) }

    @Test func `Verification names the event whose byte was altered`() throws {
        let unforged = [RecordLayout.bodyChecksum, RecordLayout.headChecksum].map { $0..<$0 + 4 }
        for position in 1...sealed {
            let size = sizes[Int(position) - 1]
            for offset in stride(from: Int(position) % 11, to: size, by: 11)
            where !unforged.contains(where: { $0.contains(offset) }) {
                let forger = forger()
                try forger.alter(position, at: offset)
                let found = try LogVerification(of: forger.storage)
                // Log verification already reports a record that is no longer valid.
                if let fault = found.faults.first {
                    #expect(fault.position == position, "byte \(offset): \(fault)")
                    continue
                }
                let chain = try ChainVerification(of: forger.storage, found)
                #expect(chain.fault == .altered(position...position), "byte \(offset)")
            }
        }
    }

    @Test func `Verification names the first altered event and ignores commit flags`() throws {
        let forger = forger()
        try forger.alter(30, at: RecordLayout.flags, by: RecordLayout.startsCommit)
        #expect(try forger.fault([points[60]]) == nil)
        try forger.alter(33, at: RecordLayout.flags, by: RecordLayout.moreOfAppend)
        try forger.alter(20, at: 120)
        #expect(try forger.fault() == .altered(20...20))
        #expect("\(try #require(try forger.fault()))".hasPrefix("position 20 was altered: "))
        // The head confirms the events before it, and the links identify the altered one.
        #expect(try forger.fault([points[19], points[60]]) == .altered(20...20))
    }

    @Test func `Trusted heads narrow down an alteration that the links do not show`() throws {
        let forger = forger()
        try forger.alter(30, at: 120)
        try forger.forgeChain()
        #expect(try forger.fault() == nil)
        #expect(try forger.fault([points[29]]) == nil)
        #expect(try forger.fault([points[60]]) == .alteredBeforeHead(1...60))
        let heads = [points[10], points[29], points[31], points[50]]
        #expect(try forger.fault(heads.reversed()) == .alteredBeforeHead(30...31))
        // The open segment has no links.
        let last = self.forger()
        try last.alter(60, at: 120)
        #expect(try last.fault() == nil)
        #expect(try last.fault([points[58], points[60]]) == .alteredBeforeHead(59...60))
        // The altered segment lost its chain file, so only the next segment's links show the
        // alteration.
        let gone = self.forger()
        let file = try gone.chainFile(of: 20)
        try gone.alter(20, at: 120)
        try gone.storage.remove(file)
        guard case .altered(let positions) = try gone.fault() else {
            Issue.record("the altered event is not found")
            return
        }
        #expect(positions.contains(20) && positions.count < 20)
    }

    @Test func `Verification distinguishes altered chain files from altered events`() throws {
        let forger = forger()
        try forger.alterLink(of: 20)
        let file = try forger.chainFile(of: 20)
        #expect(try forger.fault() == .file(file))
        // At the last link only a trusted head shows the difference.
        let last = self.forger()
        try last.alterLink(of: sealed)
        #expect(try last.fault() == .altered(sealed...sealed))
        #expect(try last.fault([points[60]]) == .file(try last.chainFile(of: sealed)))
    }

    @Test func `Verification reports a truncated log and heads that are not the log's`() throws {
        let storage = FaultyStorage()
        _ = try chained(storage).head
        let beyond = ChainPoint(position: 70, hash: points[60].hash)
        let forger = Forger(storage: storage)
        #expect(try forger.fault([points[60], beyond]) == .ends(at: 60, before: beyond))
        let other = ChainPoint(position: 30, hash: points[31].hash)
        #expect(try forger.fault([other, points[40]]) == .notOfLog(other))
        for wrong: UInt64 in [0, 40] {
            let wrong = ChainPoint(position: wrong, hash: points[31].hash)
            #expect(try forger.fault([points[40], wrong]) == .notOfLog(wrong))
        }
        #expect(try forger.fault([other]) == .alteredBeforeHead(1...30))
    }

    @Test func `Forward verification checks only events after the first trusted head`() throws {
        let forger = forger()
        try forger.alter(20, at: 120)
        #expect(try forger.fault([points[20], points[60]], isForward: true) == nil)
        #expect(try forger.fault([points[19], points[60]], isForward: true) == .altered(20...20))
        try forger.alter(60, at: 120)
        #expect(
            try forger.fault([points[20], points[59], points[60]], isForward: true)
                == .alteredBeforeHead(60...60))
        #expect(try forger.fault([points[60]], isForward: true) == nil)
    }

    @Test func `Chain verification stops at damage and reports alterations before it`() throws {
        let forger = forger()
        try forger.alter(10, at: 120)
        let name = try forger.chainFile(of: 40).replacing(".chain", with: ".segment")
        forger.storage.flip(name, at: 64 + 120)
        let found = try LogVerification(of: forger.storage)
        #expect(found.faults.count == 1)
        let chain = try ChainVerification(of: forger.storage, found, heads: [points[60]])
        #expect(chain.fault == .altered(10...10))
        #expect(chain.head.position < 40 && chain.head.position > 10)
    }

    @Test func `Chain point parses its own text and rejects malformed text`() throws {
        for point in [points[0], points[60]] { #expect(ChainPoint(point.description) == point) }
        let digits = points[1].hash.description
        let wrong = [
            "", "1", "1:", ":\(digits)", "x:\(digits)", "1:\(digits)0", "1:2:\(digits)",
            "1:+\(digits.dropFirst())", "-1:\(digits)",
        ]
        for wrong in wrong {
            #expect(ChainPoint(wrong) == nil, "\(wrong)")
        }
        #expect(ChainPoint("1:\(digits.uppercased())") == points[1])
    }
}
