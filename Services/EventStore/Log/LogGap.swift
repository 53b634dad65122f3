import EventSourcing

/// A range of positions whose events are not all in the log, because a segment is damaged or files
/// are missing.
struct LogGap {
    /// The damaged segment, which begins the gap. Nil if its file is missing.
    let segment: SegmentExtent?
    let first: UInt64
    /// The position at which the next segment begins, or nil at the end of the log.
    let end: UInt64?

    /// Returns all gaps of the log, in order.
    ///
    /// - Parameter archivedThrough: the last archived position. The log is at least that long,
    ///   whatever its own files say.
    /// - Throws: `LogError` if a file does not have a segment's name.
    static func all(
        in found: LogVerification, archivedThrough: UInt64
    ) throws(LogError) -> [LogGap] {
        var bases: [UInt64] = []
        for extent in found.extents {
            guard let base = extent.base else {
                throw .damaged(
                    segment: extent.name, offset: 0, position: 0,
                    "its name is not a segment's name; move the file away")
            }
            bases.append(base)
        }
        guard let last = bases.indices.last else {
            return [LogGap(segment: nil, first: 1, end: nil)]
        }
        var gaps: [LogGap] = []
        var next: UInt64 = 1
        for (index, extent) in found.extents.enumerated() {
            if next < bases[index] {
                gaps.append(LogGap(segment: nil, first: next, end: bases[index]))
            }
            let end = index < last ? bases[index + 1] : nil
            let isShort =
                end == nil
                && (found.lacksLast || found.head < max(found.durable, archivedThrough))
            if extent.isWhole, !isShort, end.map({ extent.next <= $0 }) ?? true {
                next = extent.next
            } else {
                gaps.append(LogGap(segment: extent, first: bases[index], end: end))
                next = end ?? .max
            }
        }
        return gaps
    }

    /// Whether the segment in the log has the same events as the built one.
    func has(_ built: BuiltSegment) -> Bool {
        guard let segment, segment.isWhole, !segment.isTorn else { return false }
        return built.base == first && built.next == segment.next && built.archived == 0
    }

    /// Returns the error of an archived event that differs from the log's, or does not fit it.
    static func difference(at position: UInt64) -> DaybookError {
        .invalid(
            "the archived event at position \(position) is not the one of this log: the log or "
                + "the archive lost its end, and other events took its place")
    }

    /// Returns how many positions the gap has.
    func count(archivedThrough: UInt64) -> Int {
        Int((end ?? max(first, archivedThrough + 1)) - first)
    }
}

/// The valid records of a damaged segment.
struct OwnRecords {
    private var contents: [UInt8]
    private var left: ArraySlice<(position: UInt64, place: Range<Int>)>

    /// Finds the valid records in the bytes of the gap's segment.
    ///
    /// - Parameter salt: the log's salt, used if the segment's header is damaged.
    init(_ contents: [UInt8], in gap: LogGap, log: EventID, salt: UInt64) {
        self.contents = contents
        let positions = gap.first..<(gap.end ?? .max)
        let header = try? SegmentHeader(contents.span, of: "")
        let bindings =
            header.map { [$0.binding] }
            ?? [salt, 0].map { SegmentBinding(log: log, salt: $0, base: gap.first) }
        left = []
        for binding in bindings where left.isEmpty {
            left = SegmentScan.wholeRecords(of: contents.span, in: positions, binding)[...]
            for record in left {
                let start = record.place.lowerBound
                self.contents.toggleBinding(binding.mask(at: start), ofRecordAt: start)
            }
        }
    }

    var next: UInt64? { left.first?.position }

    /// Returns the last position that was certainly acknowledged, judged by the records that are
    /// left at the end of a log.
    ///
    /// What is missing at or before it is damaged. What is missing after it may have been torn.
    func lastAcknowledged(durable: UInt64) -> UInt64 {
        let last = left.last { position, place in
            position <= durable
                || contents[place.lowerBound + RecordLayout.flags] & RecordLayout.startsCommit != 0
        }
        return last?.position ?? 0
    }

    /// Removes and returns the record at `position`, or returns nil if it is not the next one.
    mutating func take(_ position: UInt64) -> ArraySlice<UInt8>? {
        guard next == position else { return nil }
        return contents[left.removeFirst().place]
    }
}

/// The records of a gap in order: the log's own where they are valid, otherwise the archive's.
struct GapRecords<Events: AsyncSequence> where Events.Element == RecordedEvent {
    private var own: OwnRecords
    /// Nil if none of the positions is archived.
    private var archived: Events.AsyncIterator?
    private var nextArchived: RecordedEvent?
    private var position: UInt64
    /// The last position that must be restored.
    private let required: UInt64

    init(
        _ own: OwnRecords, of gap: LogGap, durable: UInt64, from archive: ArchivedLog<Events>
    ) async throws {
        self.own = own
        position = gap.first
        required =
            gap.end.map { $0 - 1 }
            ?? max(archive.through, own.lastAcknowledged(durable: durable))
        let last = min(required, archive.through)
        archived = gap.first <= last ? archive.events(gap.first...last).makeAsyncIterator() : nil
        nextArchived = try await archived?.next(isolation: #isolation)
    }

    /// Returns the next record, or nil after the last. Adds required positions without a record to
    /// `missing`.
    mutating func next(
        missing: inout MissingPositions
    ) async throws -> (bytes: ArraySlice<UInt8>, isArchived: Bool)? {
        let next = [own.next, nextArchived?.position].compactMap(\.self).min()
        let end = min(next ?? .max, max(required + 1, position))
        if position < end { missing.insert(position...end - 1) }
        // After a hole at the end, the records were not acknowledged and are dropped.
        guard let next, next == position || position <= required else { return nil }
        position = next + 1
        let mine = own.take(next)
        guard let theirs = nextArchived, theirs.position == next else {
            return mine.map { ($0, false) }
        }
        nextArchived = try await archived?.next(isolation: #isolation)
        guard let mine else { return (theirs.bytes, true) }
        guard mine == theirs.bytes else { throw LogGap.difference(at: next) }
        return (mine, false)
    }
}
