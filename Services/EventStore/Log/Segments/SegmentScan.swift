import Bytes
import EventSourcing
import Foundation

/// Reads a segment record by record, without an index.
enum SegmentScan {
    /// Indexes the records up to the last complete append. Returns the damage after it, which a
    /// crash may explain, or nil if only zeros follow.
    static func records(of bytes: Span<UInt8>, into segment: inout OpenSegment) -> LogError? {
        var pending: [(Range<Int>, RecordHeader)] = []
        var at = segment.end
        while at < bytes.count {
            let position = segment.nextPosition + UInt64(pending.count)
            let rest = bytes.extracting(at..<bytes.count)
            if rest.count < 4 || rest.uint32(at: 0) == 0 { break }
            guard let header = whole(rest, segment.binding.mask(at: at)),
                header.position == position
            else {
                return .damaged(
                    segment: segment.name, offset: at, position: position, "the record is invalid")
            }
            pending.append((at..<at + header.length, header))
            at += header.length
            guard header.flags & RecordLayout.moreOfAppend == 0 else { continue }
            for (range, header) in pending {
                segment.append(
                    bytes.extracting(range), header, revision: header.revision, time: header.time,
                    flags: header.flags)
            }
            pending.removeAll(keepingCapacity: true)
        }
        if !pending.isEmpty { return segment.damage("the append is not complete") }
        let isEnd = bytes.extracting(min(segment.end, bytes.count)..<bytes.count).isZero
        return isEnd ? nil : segment.damage("a record's length is zero")
    }

    /// Returns the header of the record at the start of `bytes` if the whole record is valid.
    static func whole(_ bytes: Span<UInt8>, _ mask: UInt32) -> RecordHeader? {
        guard let header = try? RecordHeader.checked(bytes),
            (try? RecordHeader.verifyBody(bytes.extracting(first: header.length))) != nil,
            RecordHeader.headChecksum(of: bytes) == header.headChecksum ^ mask
        else { return nil }
        return header
    }

    /// Whether a later commit follows the segment's last valid record.
    ///
    /// A commit is written only after the one before it was synced. So the bytes in between were on
    /// disk and are damaged.
    static func hasLaterCommit(_ bytes: Span<UInt8>, behind segment: OpenSegment) -> Bool {
        var at = segment.end + 8
        while at + RecordLayout.headerSize <= bytes.count {
            let rest = bytes.extracting(at..<bytes.count)
            if rest.uint32(at: 0) != 0,
                let header = whole(rest, segment.binding.mask(at: at)),
                header.position > segment.nextPosition,
                header.flags & RecordLayout.startsCommit != 0
            {
                return true
            }
            at += 8
        }
        return false
    }

    /// Returns the position and place of every valid record, ascending, even after damage.
    static func wholeRecords(
        of bytes: Span<UInt8>, in positions: Range<UInt64>, _ binding: SegmentBinding
    ) -> [(position: UInt64, place: Range<Int>)] {
        var found: [(position: UInt64, place: Range<Int>)] = []
        var lowest = positions.lowerBound
        var at = SegmentHeader.size
        while at + RecordLayout.headerSize <= bytes.count {
            let rest = bytes.extracting(at..<bytes.count)
            guard rest.uint32(at: 0) != 0, let header = whole(rest, binding.mask(at: at)),
                lowest <= header.position, header.position < positions.upperBound
            else {
                at += 8
                continue
            }
            found.append((header.position, at..<at + header.length))
            lowest = header.position + 1
            at += header.length
        }
        return found
    }
}

extension OpenSegment {
    /// Reads the segment in the file.
    ///
    /// - Parameter lastTime: the last commit time of the segment before, in microseconds.
    /// - Throws: `LogError` if a record is invalid or storage fails.
    init(
        file name: String, lastTime: Int64 = -1, in storage: any LogStorage
    ) throws(LogError) {
        let bytes = try storage.contents(of: name)
        self.init(try SegmentHeader(bytes.span, of: name), name: name, lastTime: lastTime)
        if let damage = SegmentScan.records(of: bytes.span, into: &self) { throw damage }
    }
}

extension Span<UInt8> {
    /// Whether all bytes are zero.
    var isZero: Bool {
        guard count > 1 else { return count == 0 || self[0] == 0 }
        // Each byte must equal the one before. The C library compares fast, in debug builds, too,
        // and segments end in zeros.
        let difference = unsafe withUnsafeBytes { bytes in
            // Not nil, because there are bytes.
            let first = bytes.baseAddress!
            return unsafe memcmp(first, first + 1, count - 1)
        }
        return self[0] == 0 && difference == 0
    }
}
