import Bytes
import EventSourcing

/// Reads a segment record by record, without an index.
enum SegmentScan {
    /// What is wrong after the last complete append.
    struct Fault {
        let reason: String
        /// Returns the fault of a log that is known to have been longer.
        static func lostEnd(through position: UInt64) -> Fault {
            Fault(reason: "events up to position \(position) were on disk and are missing")
        }

        /// The offset and position of the invalid record, or nil if the next append as a whole is
        /// at fault.
        var record: (offset: Int, position: UInt64)?

        /// Returns the fault as damage, which no crash explains.
        func damage(of name: String, _ segment: OpenSegment) -> LogError {
            let (offset, position) = record ?? (segment.end, segment.nextPosition)
            return .damaged(segment: name, offset: offset, position: position, reason)
        }
    }

    /// Indexes the records up to the last complete append. Returns nil if only zeros follow it.
    static func records(of bytes: Span<UInt8>, into segment: inout OpenSegment) -> Fault? {
        var pending: [(Range<Int>, RecordHeader)] = []
        var at = segment.end
        while at < bytes.count {
            let position = segment.nextPosition + UInt64(pending.count)
            let rest = bytes.extracting(at..<bytes.count)
            if rest.count < 4 || rest.uint32(at: 0) == 0 { break }
            guard let header = whole(rest, segment.binding.mask(at: at)),
                header.position == position
            else {
                return Fault(reason: "the record is invalid", record: (at, position))
            }
            pending.append((at..<at + header.length, header))
            at += header.length
            guard header.flags & RecordLayout.moreOfAppend == 0 else { continue }
            for (range, header) in pending {
                segment.append(
                    bytes.extracting(range), header, revision: header.revision, time: header.time)
            }
            pending.removeAll(keepingCapacity: true)
        }
        if !pending.isEmpty { return Fault(reason: "the append is not complete") }
        return isZero(bytes, from: segment.end) ? nil : Fault(reason: "a record's length is zero")
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

    private static func isZero(_ bytes: Span<UInt8>, from offset: Int) -> Bool {
        var at = offset
        while at + 8 <= bytes.count {
            guard bytes.uint64(at: at) == 0 else { return false }
            at += 8
        }
        while at < bytes.count {
            guard bytes[at] == 0 else { return false }
            at += 1
        }
        return true
    }
}
