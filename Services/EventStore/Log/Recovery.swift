import EventSourcing

/// The steps of opening a log.
///
/// Recovery reads only the header and a part of the index of each sealed segment. It reads and
/// checks the whole open segment, the last one, and cuts off what a crash left after its last
/// complete append.
///
/// An invalid record there is the torn end of a commit that was not acknowledged, with two
/// exceptions. The log was known to be on disk up to that record, or a valid record follows that
/// was written after a sync. Then the invalid record had been on disk and is damaged.
struct Recovery {
    private(set) var id: EventID
    private(set) var sealed: SealedSegments
    /// The last segment, or nil if the log has none yet.
    private(set) var open: OpenSegment?
    /// The manifest; nil if the log has none.
    let manifest: LogManifest?
    /// The log's salt; nil if the log has none yet.
    private(set) var salt: UInt64?

    private let storage: any LogStorage
    private let filterWords: Int
    /// The position up to which every event is known to have been on disk.
    private let durable: UInt64

    init(_ storage: any LogStorage, newID: EventID, segmentBytes: Int) throws(LogError) {
        self.storage = storage
        let names = try storage.names()
        manifest = try LogManifest.read(from: storage)
        let end = try CleanEnd.read(from: storage)
        durable = max(end?.position ?? 0, manifest?.durable ?? 0)
        salt = manifest?.salt
        filterWords = TermFilter.words(segmentBytes: segmentBytes)
        sealed = SealedSegments(in: storage, filterWords: filterWords)
        id = manifest?.log ?? newID
        try checkLast(of: names, isClosed: end != nil)
        for name in names where name.hasSuffix(".new") { try storage.remove(name) }
        let segments = names.filter { $0.hasSuffix(SegmentHeader.suffix) }.sorted()
        let indexes = Set(names.filter { $0.hasSuffix(".index") })
        for (number, name) in segments.enumerated() {
            let header = try header(of: name, isFirst: number == 0)
            id = header.log
            if salt == nil, header.salt != 0 { salt = header.salt }
            let isLast = number == segments.count - 1
            if isLast {
                open = try recoverOpen(name, header)
                // The segment was sealed before the ones after it were lost. It will grow, so its
                // index and chain are wrong.
                for name in [header.indexName, ChainFile.name(base: header.base)]
                where names.contains(name) {
                    try storage.remove(name)
                }
            } else {
                try openSealed(name, header, isIndexed: indexes.contains(header.indexName))
            }
        }
        try storage.removeIfPresent(CleanEnd.name)
    }

    /// Throws if the last segment is missing according to the manifest or the other files of the
    /// log.
    private func checkLast(of names: [String], isClosed: Bool) throws(LogError) {
        let last = names.filter { $0.hasSuffix(SegmentHeader.suffix) }.max()
        guard let last else {
            // The log creates none of these files before the first segment.
            let isLog =
                manifest != nil || isClosed
                || names.contains { $0.hasSuffix(".index") || $0.hasSuffix(ChainFile.suffix) }
            if isLog { throw .missingEnd(segment: SegmentHeader.name(base: 1), from: 1) }
            return
        }
        guard let manifest, let base = SegmentHeader.base(ofName: last), manifest.lastBase > base
        else { return }
        throw .missingEnd(
            segment: SegmentHeader.name(base: manifest.lastBase), from: manifest.lastBase)
    }

    private func header(of name: String, isFirst: Bool) throws(LogError) -> SegmentHeader {
        let bytes = try storage.read(name, at: 0, count: SegmentHeader.size)
        let header = try SegmentHeader(bytes.span, of: name)
        let base = sealed.last?.nextPosition ?? 1
        if header.base > base { throw .missing(base...header.base - 1, before: name) }
        guard header.base == base, name == SegmentHeader.name(base: base),
            header.log == id || isFirst && manifest == nil
        else {
            throw .damaged(
                segment: name, offset: 0, position: base,
                "it begins at position \(header.base), not \(base), or is of another log")
        }
        return header
    }

    /// Opens the segment by its index. Builds the index if a crash left none, or if it is outdated.
    private mutating func openSealed(
        _ name: String, _ header: SegmentHeader, isIndexed: Bool
    ) throws(LogError) {
        let indexed =
            isIndexed
            ? try SealedSegment.open(header, filterWords: filterWords, in: storage) : nil
        if let (segment, filter) = indexed {
            sealed.append(segment, filter: filter)
            return
        }
        let segment = try OpenSegment(
            file: name, lastTime: sealed.last?.lastTime ?? -1, in: storage)
        let (made, filter) = try Maintenance.seal(
            segment, filterWords: filterWords, in: storage)
        sealed.append(made, filter: filter)
    }

    private func recoverOpen(
        _ name: String, _ header: SegmentHeader
    ) throws(LogError) -> OpenSegment {
        var segment = OpenSegment(header, lastTime: sealed.last?.lastTime ?? -1)
        let bytes = try storage.contents(of: name)
        let scanned = SegmentScan.records(of: bytes.span, into: &segment)
        let fault = segment.truncation(to: bytes.count) ?? scanned
        let isCut = segment.nextPosition <= durable || bytes.count < header.fileSize
        if isCut || fault != nil && SegmentScan.hasLaterCommit(bytes.span, behind: segment) {
            throw fault ?? segment.lostEnd(through: durable)
        }
        if fault != nil {
            // Overwrites the torn end with zeros, so that none of it is ever taken for a record.
            let zeros = [UInt8](repeating: 0, count: bytes.count - segment.end)
            try storage.write(name, zeros.span, at: segment.end)
        }
        // A killed process may have written records without a sync. They are relied on from now on.
        try storage.sync(name)
        return segment
    }
}
