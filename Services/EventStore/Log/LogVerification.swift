public import EventSourcing

/// A segment's file, and how much of it is valid.
struct SegmentExtent: Sendable {
    let name: String
    /// The size of the file, in bytes.
    let size: Int
    /// The position after the last record before damage, or before the end. 0 if the header is
    /// damaged, because then the first position is unknown.
    var next: UInt64 = 0
    /// Whether everything in the file is valid. Records at its end may still be missing.
    var isWhole = true
    var isIndexWhole = true
    /// Whether an append after `next` was cut short. That is not damage.
    var isTorn = false

    /// The position of the first record according to the name, or nil if the name is not a
    /// segment's.
    var base: UInt64? { SegmentHeader.base(ofName: name) }
}

/// The result of checking every byte of a log.
public struct LogVerification: Sendable {
    /// The identity of the log, or nil if neither the manifest nor a segment has one.
    public private(set) var log: EventID?
    /// The position of the last event that was found, or 0.
    public private(set) var head: UInt64 = 0
    /// The number of segment files.
    public var segments: Int { extents.count }
    /// The total size of the segment files, in bytes.
    public private(set) var bytes = 0
    /// All damage, in the order of the log.
    public private(set) var faults: [LogError] = []
    /// Whether the last append was cut short. It was not acknowledged, and opening the log removes
    /// it.
    public var isTorn: Bool { extents.last?.isTorn ?? false }
    /// The segment files, in order.
    private(set) var extents: [SegmentExtent] = []
    /// The position at which the log was closed, or 0 if it was not closed.
    private(set) var closedAt: UInt64 = 0
    /// The log's manifest; nil if it is missing or damaged.
    private(set) var manifest: LogManifest?
    /// The log's salt; nil if neither the manifest nor a segment has one.
    private(set) var salt: UInt64?
    /// The position up to which every event is known to have been on disk.
    var durable: UInt64 { max(closedAt, manifest?.durable ?? 0) }
    /// Whether the segment that the manifest names as the last one is missing.
    var lacksLast: Bool { manifest.map { $0.lastBase > extents.last?.base ?? 0 } ?? false }

    /// Checks every record, every index against its segment, and the checksums of the chain's
    /// files. Changes nothing.
    ///
    /// - Parameter progress: called with the number of segments that are done, and of all.
    /// - Throws: `LogError` if storage can't be read. Damage is not thrown but listed in `faults`.
    public init(
        of storage: any LogStorage, progress: (_ done: Int, _ all: Int) -> Void = { _, _ in }
    ) throws(LogError) {
        let names = try storage.names().filter { $0.hasSuffix(SegmentHeader.suffix) }.sorted()
        closedAt = try CleanEnd.read(from: storage)?.position ?? 0
        try checkManifest(in: storage)
        for (number, name) in names.enumerated() {
            try check(name, in: storage, isLast: number == names.count - 1)
            progress(extents.count, names.count)
        }
        if let manifest, lacksLast {
            let base = extents.isEmpty ? 1 : manifest.lastBase
            faults.append(.missingEnd(segment: SegmentHeader.name(base: base), from: base))
        } else if names.isEmpty, closedAt > 0 {
            faults.append(.missingEnd(segment: SegmentHeader.name(base: 1), from: 1))
        }
    }

    private mutating func checkManifest(in storage: any LogStorage) throws(LogError) {
        do throws(LogError) {
            manifest = try LogManifest.read(from: storage)
        } catch {
            if case .storage = error { throw error }
            faults.append(error)
        }
        log = manifest?.log
        salt = manifest?.salt
    }

    private mutating func check(
        _ name: String, in storage: any LogStorage, isLast: Bool
    ) throws(LogError) {
        let contents = try storage.contents(of: name)
        bytes += contents.count
        var extent = SegmentExtent(name: name, size: contents.count)
        do throws(LogError) {
            try check(contents.span, of: &extent, in: storage, isLast: isLast)
        } catch {
            switch error {
            case .storage: throw error
            case .damagedIndex: extent.isIndexWhole = false
            default: extent.isWhole = false
            }
            faults.append(error)
        }
        extents.append(extent)
    }

    private mutating func check(
        _ contents: Span<UInt8>, of extent: inout SegmentExtent, in storage: any LogStorage,
        isLast: Bool
    ) throws(LogError) {
        let name = extent.name
        let header = try SegmentHeader(contents, of: name)
        guard name == SegmentHeader.name(base: header.base), log == nil || log == header.log else {
            throw .damaged(
                segment: name, offset: 0, position: 0,
                "it begins at position \(header.base) of log \(header.log)")
        }
        log = header.log
        if salt == nil, header.salt != 0 { salt = header.salt }
        // A damaged segment reports the loss at its own end, so the gap after it is not listed
        // again.
        if header.base > head + 1, extents.last?.isWhole ?? true {
            faults.append(.missing(head + 1...header.base - 1, before: name))
        } else if header.base <= head {
            faults.append(
                .damaged(
                    segment: name, offset: 0, position: head + 1,
                    "it begins at position \(header.base)"))
        }
        var segment = OpenSegment(header)
        let scanned = SegmentScan.records(of: contents, into: &segment)
        let fault = isLast ? segment.truncation(to: contents.count) ?? scanned : scanned
        head = segment.nextPosition - 1
        extent.next = segment.nextPosition
        guard let fault else {
            if isLast, head < durable, manifest?.lastBase ?? 0 <= header.base {
                faults.append(segment.lostEnd(through: durable))
            }
            guard !isLast else { return }
            try checkIndex(of: segment, header, in: storage)
            let chained = ChainSegment(base: header.base, next: segment.nextPosition)
            let chainName = ChainFile.name(base: header.base)
            if try storage.has(chainName),
                try ChainFile(chained, log: header.log, in: storage) == nil
            {
                throw .damagedIndex(chainName, offset: 0)
            }
            return
        }
        let isDamage =
            !isLast || head < durable || contents.count < header.fileSize
            || SegmentScan.hasLaterCommit(contents, behind: segment)
        guard isDamage else {
            extent.isTorn = true
            return
        }
        extent.isWhole = false
        faults.append(fault)
        let behind = fault.position ?? segment.nextPosition
        try checkRest(contents, of: segment, header, behind: behind, in: storage)
    }

    /// Lists further damage after the first fault, using the record offsets in the index.
    private mutating func checkRest(
        _ bytes: Span<UInt8>, of segment: OpenSegment, _ header: SegmentHeader,
        behind position: UInt64, in storage: any LogStorage
    ) throws(LogError) {
        guard let sealed = try sealed(header, in: storage) else { return }
        head = sealed.nextPosition - 1
        guard position + 1 < sealed.nextPosition else { return }
        let first = Int(position + 1 - sealed.base)
        let offsets = try sealed.offsets(of: first...sealed.count)
        for (index, (start, end)) in zip(offsets, offsets.dropFirst()).enumerated() {
            let position = position + 1 + UInt64(index)
            let isWhole =
                start < end && end <= bytes.count
                && SegmentScan.whole(
                    bytes.extracting(Int(start)..<Int(end)), header.binding.mask(at: Int(start))
                )?.position == position
            guard !isWhole else { continue }
            faults.append(
                .damaged(
                    segment: segment.name, offset: Int(start), position: position,
                    "the record is invalid"))
        }
    }

    private func checkIndex(
        of segment: OpenSegment, _ header: SegmentHeader, in storage: any LogStorage
    ) throws(LogError) {
        // The store rebuilds a missing or outdated index when it opens the log, so it is not
        // damage.
        guard let sealed = try sealed(header, in: storage) else { return }
        let name = header.indexName
        let found = try storage.contents(of: name)
        let right = IndexFile.encoded(
            segment, log: header.log, filterWords: sealed.index.filterWords)
        guard let wrong = zip(found, right).enumerated().first(where: { $1.0 != $1.1 })?.offset
        else { return }
        throw .damagedIndex(name, offset: wrong)
    }

    private func sealed(
        _ header: SegmentHeader, in storage: any LogStorage
    ) throws(LogError) -> SealedSegment? {
        let name = header.indexName
        guard try storage.has(name) else { return nil }
        let head = try storage.read(name, at: 0, count: IndexFile.headerSize)
        guard !head.isEmpty, !IndexFile.isOutdated(head.span) else { return nil }
        guard let words = IndexFile.read(head.span)?.header.filterWords,
            let opened = try SealedSegment.open(header, filterWords: words, in: storage)
        else { throw .damagedIndex(name, offset: 0) }
        return opened.segment
    }
}
