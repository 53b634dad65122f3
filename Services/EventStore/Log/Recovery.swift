import EventSourcing

/// What is done when a log is opened. Of sealed segments only the header and a part of the index
/// are read; the open one, the last, is read and checked as a whole, and what a crash left behind
/// its last complete append is cut off.
///
/// A record that does not check there is the torn end of a group that was not acknowledged, unless
/// the log was closed behind it, or a record follows that was written after a sync: then what does
/// not check had been on disk, and is damaged.
struct Recovery {
    private(set) var id: EventID
    private(set) var sealed: SealedSegments
    private(set) var open: OpenSegment?

    private let storage: any LogStorage
    private let filterWords: Int

    init(_ storage: any LogStorage, newID: EventID, segmentBytes: Int) throws(LogError) {
        self.storage = storage
        filterWords = TermFilter.words(segmentBytes: segmentBytes)
        sealed = SealedSegments(filterWords: filterWords)
        id = newID
        let names = try storing { () throws(StorageError) in try storage.names() }
        for name in names where name.hasSuffix(".new") {
            try storing { () throws(StorageError) in try storage.remove(name) }
        }
        let segments = names.filter { $0.hasSuffix(SegmentHeader.suffix) }.sorted()
        let indexes = Set(names.filter { $0.hasSuffix(".index") })
        for (number, name) in segments.enumerated() {
            let header = try header(of: name, isFirst: number == 0)
            id = header.log
            let isLast = number == segments.count - 1
            if isLast {
                let end = try CleanEnd.read(from: storage)
                open = try recoverOpen(name, header, closedAt: end?.position ?? 0)
                // Its segment was sealed before what followed was lost, and will now grow.
                for name in [header.indexName, ChainFile.name(base: header.base)]
                where names.contains(name) {
                    try storing { () throws(StorageError) in try storage.remove(name) }
                }
            } else {
                try openSealed(name, header, isIndexed: indexes.contains(header.indexName))
            }
        }
        try CleanEnd.remove(from: storage)
    }

    private func header(of name: String, isFirst: Bool) throws(LogError) -> SegmentHeader {
        let bytes = try storing { () throws(StorageError) in
            try storage.read(name, at: 0, count: SegmentHeader.size)
        }
        let header = try SegmentHeader(bytes.span, of: name)
        let base = sealed.last?.nextPosition ?? 1
        guard header.base == base, name == SegmentHeader.name(base: base),
            isFirst || header.log == id
        else {
            throw .damaged(
                segment: name, offset: 0, position: base,
                "it begins at position \(header.base), not \(base), or is of another log")
        }
        return header
    }

    /// Opens the segment by its index; one that has none, a crash having come before it, or one
    /// of an earlier version, gets one.
    private mutating func openSealed(
        _ name: String, _ header: SegmentHeader, isIndexed: Bool
    ) throws(LogError) {
        let indexed =
            isIndexed
            ? try SealedSegment.open(
                base: header.base, log: header.log, filterWords: filterWords, in: storage)
            : nil
        if let (segment, filter) = indexed {
            sealed.append(segment, filter: filter)
            return
        }
        var segment = OpenSegment(
            name: name, base: header.base, lastTime: sealed.last?.lastTime ?? -1)
        let bytes = try contents(of: name)
        if let fault = SegmentScan.records(of: bytes.span, into: &segment) {
            throw fault.damage(of: name, segment)
        }
        let (made, filter) = try Maintenance.seal(
            segment, log: header.log, filterWords: filterWords, in: storage)
        sealed.append(made, filter: filter)
    }

    private func recoverOpen(
        _ name: String, _ header: SegmentHeader, closedAt: UInt64
    ) throws(LogError) -> OpenSegment {
        var segment = OpenSegment(
            name: name, base: header.base, lastTime: sealed.last?.lastTime ?? -1)
        let bytes = try contents(of: name)
        let fault = SegmentScan.records(of: bytes.span, into: &segment)
        let isCut = segment.nextPosition <= closedAt
        guard fault != nil || isCut else {
            // What a killed process wrote and did not sync is relied on from now on.
            try storing { () throws(StorageError) in try storage.sync(name) }
            return segment
        }
        let position = segment.nextPosition
        if isCut || SegmentScan.hasLaterCommit(bytes.span, behind: segment.end, position) {
            let fault = fault ?? SegmentScan.Fault(reason: "a record's length is zero")
            throw fault.damage(of: name, segment)
        }
        try cut(name, bytes.count, at: segment.end)
        return segment
    }

    private func contents(of name: String) throws(LogError) -> [UInt8] {
        try storing { () throws(StorageError) in
            try storage.read(name, at: 0, count: try storage.size(of: name))
        }
    }

    /// Zeros what stands behind `offset`, so that nothing of it is ever taken for a record.
    private func cut(_ name: String, _ size: Int, at offset: Int) throws(LogError) {
        let zeros = [UInt8](repeating: 0, count: size - offset)
        try storing { () throws(StorageError) in
            try storage.write(name, zeros.span, at: offset)
            try storage.sync(name)
        }
    }
}
