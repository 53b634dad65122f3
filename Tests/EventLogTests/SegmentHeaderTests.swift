import Bytes
import EventSourcing
import Testing

@testable import EventLog

@Suite struct `Segment headers` {
    private let header = SegmentHeader(
        base: 17, log: EventID(high: 1, low: 2), salt: 3, fileSize: 1 << 20)

    @Test func `Header is read as it was written`() throws {
        #expect(header.bytes.count == SegmentHeader.size)
        #expect(try SegmentHeader(header.bytes.span, of: "s") == header)
    }

    @Test func `Changed or missing byte of a header is reported`() {
        let bytes = header.bytes
        let expected = LogError.damaged(
            segment: "s", offset: 0, position: 0, "its header is invalid")
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 1
            #expect(throws: expected, "byte \(index)") {
                _ = try SegmentHeader(damaged.span, of: "s").base
            }
            let short = Array(bytes[..<index])
            #expect(throws: expected) { _ = try SegmentHeader(short.span, of: "s").base }
        }
    }

    @Test func `Header of a later version is rejected with that version`() {
        var bytes = header.bytes
        bytes[8] = 3
        let sum = CRC32C.checksum(bytes.span.extracting(first: 60))
        for byte in 0..<4 { bytes[60 + byte] = UInt8(truncatingIfNeeded: sum >> (8 * byte)) }
        #expect(throws: LogError.unknownVersion(segment: "s", 3)) {
            _ = try SegmentHeader(bytes.span, of: "s").base
        }
    }

    @Test func `Name of a segment's file has its first position`() {
        #expect(SegmentHeader.base(ofName: SegmentHeader.name(base: 17)) == 17)
        for name in ["17.segment", "x.segment", "", SegmentHeader.name(base: 17) + "x"] {
            #expect(SegmentHeader.base(ofName: name) == nil, "\(name)")
        }
    }
}
