public import EventSourcing

/// What a look at every byte of a log has found.
public struct LogVerification: Sendable {
    public private(set) var log: EventID?
    /// The position of the last event.
    public private(set) var head: UInt64 = 0
    public private(set) var segments = 0
    public private(set) var bytes = 0
    /// Everything that is damaged, in the order of the log.
    public private(set) var faults: [LogError] = []
    /// Whether the last append was cut short; it was not acknowledged, and opening the log removes
    /// it.
    public private(set) var isTorn = false

    /// Checks every record of every segment, and every index against its segment. Changes nothing.
    ///
    /// - Parameter progress: is told the number of segments that are done, and of all.
    /// - Throws: when storage can't be read. Damage is not thrown but listed.
    public init(
        of storage: any LogStorage, progress: (_ done: Int, _ all: Int) -> Void = { _, _ in }
    ) throws(LogError) {
        let names = try storing { () throws(StorageError) in
            try storage.names().filter { $0.hasSuffix(".segment") }.sorted()
        }
        let end = try CleanEnd.read(from: storage)?.position ?? 0
        for (number, name) in names.enumerated() {
            do throws(LogError) {
                try check(name, in: storage, isLast: number == names.count - 1, closedAt: end)
            } catch {
                if case .storage = error { throw error }
                faults.append(error)
            }
            segments += 1
            progress(segments, names.count)
        }
    }

    private mutating func check(
        _ name: String, in storage: any LogStorage, isLast: Bool, closedAt: UInt64
    ) throws(LogError) {
        let contents = try storing { () throws(StorageError) in
            try storage.read(name, at: 0, count: try storage.size(of: name))
        }
        bytes += contents.count
        let header = try SegmentHeader(Array(contents.prefix(SegmentHeader.size)), of: name)
        guard header.base == head + 1, log == nil || log == header.log else {
            head = max(head, header.base - 1)
            throw .damaged(
                segment: name, offset: 0, position: head + 1,
                "it begins at position \(header.base) of log \(header.log)")
        }
        log = header.log
        var segment = OpenSegment(name: name, base: header.base, lastTime: -1)
        let fault = SegmentScan.records(of: contents.span, into: &segment)
        head = segment.nextPosition - 1
        guard let fault else {
            if isLast, head < closedAt {
                throw SegmentScan.Fault(reason: "the log was closed behind position \(closedAt)")
                    .damage(of: name, segment)
            }
            return isLast ? () : try checkIndex(of: segment, header, in: storage)
        }
        let isDamage =
            !isLast || head < closedAt
            || SegmentScan.hasLaterCommit(contents.span, behind: segment.end, head + 1)
        guard isDamage else {
            isTorn = true
            return
        }
        faults.append(fault.damage(of: name, segment))
        try checkRest(contents.span, of: segment, header, in: storage)
    }

    /// Lists what else is damaged behind the first fault: the index knows where the records are.
    private mutating func checkRest(
        _ bytes: Span<UInt8>, of segment: OpenSegment, _ header: SegmentHeader,
        in storage: any LogStorage
    ) throws(LogError) {
        guard let sealed = try sealed(header, in: storage) else { return }
        head = sealed.nextPosition - 1
        guard segment.count + 1 < sealed.count else { return }
        let offsets = try sealed.offsets(of: segment.count + 1...sealed.count)
        for (index, (start, end)) in zip(offsets, offsets.dropFirst()).enumerated() {
            let position = segment.nextPosition + 1 + UInt64(index)
            let isWhole =
                start < end && end <= bytes.count
                && SegmentScan.whole(bytes.extracting(Int(start)..<Int(end)))?.position == position
            guard !isWhole else { continue }
            faults.append(
                .damaged(
                    segment: segment.name, offset: Int(start), position: position,
                    "the record does not check"))
        }
    }

    private func checkIndex(
        of segment: OpenSegment, _ header: SegmentHeader, in storage: any LogStorage
    ) throws(LogError) {
        // One that is missing is made when the log is opened.
        guard let sealed = try sealed(header, in: storage) else { return }
        let name = header.indexName
        let found = try storing { () throws(StorageError) in
            try storage.read(name, at: 0, count: try storage.size(of: name))
        }
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
        let head = try storing { () throws(StorageError) -> [UInt8] in
            guard try storage.names().contains(name) else { return [] }
            return try storage.read(name, at: 0, count: IndexFile.headerSize)
        }
        guard !head.isEmpty else { return nil }
        guard let words = IndexFile.read(head.span)?.header.filterWords,
            let opened = try SealedSegment.open(
                base: header.base, log: header.log, filterWords: words, in: storage)
        else { throw .damagedIndex(name, offset: 0) }
        return opened.segment
    }
}
