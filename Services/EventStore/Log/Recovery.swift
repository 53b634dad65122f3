import EventSourcing

/// What is done when a log is opened: every segment is read and checked, and what a crash left
/// behind the last complete append is cut off.
///
/// Only the end of the last segment may be incomplete. A record that does not check is the torn end
/// of a group that was not acknowledged, unless a record follows that was written after a sync:
/// then what does not check had been on disk, and is damaged.
enum Recovery {
    static func open(
        _ storage: any LogStorage, newID: EventID, segmentBytes: Int
    ) throws(LogError) -> (id: EventID, segments: [SegmentIndex]) {
        let names = try storing { () throws(StorageError) in try storage.names() }
        for name in names where name.hasSuffix(".new") {
            try storing { () throws(StorageError) in try storage.remove(name) }
        }
        var id: EventID?
        var segments: [SegmentIndex] = []
        let segmentNames = names.filter { $0.hasSuffix(".segment") }.sorted()
        for name in segmentNames {
            let isLast = name == segmentNames.last
            let next = try read(name, in: storage, id: id, after: segments.last, isLast: isLast)
            id = next.header.log
            segments.append(next.index)
        }
        return (id ?? newID, segments)
    }

    private static func read(
        _ name: String, in storage: any LogStorage, id: EventID?, after previous: SegmentIndex?,
        isLast: Bool
    ) throws(LogError) -> (header: SegmentHeader, index: SegmentIndex) {
        let bytes = try storing { () throws(StorageError) in
            try storage.read(name, at: 0, count: try storage.size(of: name))
        }
        let header = try SegmentHeader(Array(bytes.prefix(SegmentHeader.size)), of: name)
        guard header.base == previous?.nextPosition ?? 1,
            name == SegmentHeader.name(base: header.base),
            id == nil || id == header.log
        else {
            throw .damaged(
                segment: name, offset: 0,
                "it begins at position \(header.base), not \(previous?.nextPosition ?? 1), or is "
                    + "of another log")
        }
        var index = SegmentIndex(
            name: name, base: header.base, lastTime: previous?.lastTime ?? -1)
        let complete = scan(bytes.span, into: &index)
        guard let reason = complete.reason else {
            // What a killed process wrote and did not sync is relied on from now on.
            if isLast { try storing { () throws(StorageError) in try storage.sync(name) } }
            return (header, index)
        }
        if !isLast || writtenAfterSync(bytes.span, behind: complete.end, index.nextPosition) {
            throw .damaged(
                segment: name, offset: complete.end,
                "\(reason); it should hold position \(index.nextPosition)")
        }
        try cut(name, bytes, at: complete.end, in: storage)
        return (header, index)
    }

    /// Indexes the records up to the last complete append.
    ///
    /// - Returns: where that ends, and what is wrong with what follows, unless that is nothing.
    private static func scan(
        _ bytes: Span<UInt8>, into index: inout SegmentIndex
    ) -> (end: Int, reason: String?) {
        var pending: [(Range<Int>, RecordHeader)] = []
        var at = index.end
        while at < bytes.count {
            let position = index.nextPosition + UInt64(pending.count)
            let rest = bytes.extracting(at..<bytes.count)
            if rest.count < 4 || rest.uint32(at: 0) == 0 { break }
            guard let header = whole(rest), header.position == position else {
                return (index.end, "the record does not check")
            }
            pending.append((at..<at + header.length, header))
            at += header.length
            guard header.flags & RecordLayout.moreOfAppend == 0 else { continue }
            for (range, header) in pending {
                index.append(bytes.extracting(range), header, time: header.time)
            }
            pending.removeAll(keepingCapacity: true)
        }
        if !pending.isEmpty { return (index.end, "the append is not complete") }
        return (index.end, isZero(bytes, from: index.end) ? nil : "a record's length is zero")
    }

    /// The header of the record at the start of `bytes`, if all of it checks.
    private static func whole(_ bytes: Span<UInt8>) -> RecordHeader? {
        guard let header = try? RecordHeader.checked(bytes),
            (try? RecordHeader.verifyBody(bytes.extracting(first: header.length))) != nil,
            RecordHeader.headChecksum(of: bytes) == header.headChecksum
        else { return nil }
        return header
    }

    /// Whether a record stands behind `offset` that was written when what is there was on disk.
    private static func writtenAfterSync(
        _ bytes: Span<UInt8>, behind offset: Int, _ position: UInt64
    ) -> Bool {
        var at = offset + 8
        while at + RecordLayout.headerSize <= bytes.count {
            let rest = bytes.extracting(at..<bytes.count)
            if rest.uint32(at: 0) != 0, let header = whole(rest), header.position > position,
                header.flags & RecordLayout.startsCommit != 0
            {
                return true
            }
            at += 8
        }
        return false
    }

    private static func isZero(_ bytes: Span<UInt8>, from offset: Int) -> Bool {
        for index in offset..<bytes.count where bytes[index] != 0 { return false }
        return true
    }

    /// Zeros what stands behind `offset`, so that nothing of it is ever taken for a record.
    private static func cut(
        _ name: String, _ bytes: [UInt8], at offset: Int, in storage: any LogStorage
    ) throws(LogError) {
        let zeros = [UInt8](repeating: 0, count: bytes.count - offset)
        try storing { () throws(StorageError) in
            try storage.write(name, zeros.span, at: offset)
            try storage.sync(name)
        }
    }
}
