import EventSourcing

extension EventLog {
    /// Returns the next chunk of committed events that match `read`. It is empty only if there are
    /// none, or if the read limits the work for a chunk.
    ///
    /// A forward read stops at the head. A later call returns the events appended since then.
    public func read(_ read: inout LogRead) throws(LogError) -> LogChunk {
        var chunk = LogChunk()
        read.startChunk()
        if read.isBackwards {
            if try readRecent(&read, into: &chunk) { try sealed.read(&read, into: &chunk) }
        } else if try sealed.read(&read, into: &chunk) {
            try readRecent(&read, into: &chunk)
        }
        return chunk
    }

    /// Returns the next chunk of matching events from the segments that are not sealed.
    public func readRecent(_ read: inout LogRead) throws(LogError) -> LogChunk {
        var chunk = LogChunk()
        read.startChunk()
        try readRecent(&read, into: &chunk)
        return chunk
    }

    /// Reads the segments that are not sealed. Returns false if the chunk is full or the read is
    /// done.
    @discardableResult
    private func readRecent(
        _ read: inout LogRead, into chunk: inout LogChunk
    ) throws(LogError) -> Bool {
        for segment in read.isBackwards ? recent.reversed() : recent {
            let visible = min(segment.count, Int(head + 1 - min(head + 1, segment.base)))
            let isPassed = try segment.read(&read, visible: visible, from: storage, into: &chunk)
            guard isPassed else { return false }
        }
        return !read.isDone
    }
}

extension SealedSegments {
    /// The position after the last event in the sealed segments.
    public var end: UInt64 { last?.nextPosition ?? 1 }

    /// Returns the next chunk of matching events. It is empty if no more are in these segments.
    public func read(_ read: inout LogRead) throws(LogError) -> LogChunk {
        var chunk = LogChunk()
        read.startChunk()
        try self.read(&read, into: &chunk)
        return chunk
    }

    /// Reads sealed segments. Returns false if the chunk is full or the read is done.
    @discardableResult
    fileprivate func read(
        _ read: inout LogRead, into chunk: inout LogChunk
    ) throws(LogError) -> Bool {
        guard let last = segments.last, !read.isDone else { return !read.isDone }
        let next = read.isBackwards ? min(read.position, last.nextPosition - 1) : read.position
        // The segment that holds `next`, or the index after the last one.
        var index = segments.partitioningIndex { $0.nextPosition > next }
        while segments.indices.contains(index) {
            let segment = segments[index]
            let mayMatch =
                mayHold(read.lookup, at: index)
                && (!read.wantsHistoryOnly(of: segment) || mayHold(.history, at: index))
            if mayMatch {
                let isPassed = try segment.read(
                    &read, visible: segment.count, from: storage, into: &chunk)
                guard isPassed else { return false }
            } else {
                read.pass(segment.base..<segment.nextPosition)
                guard !read.isDone else { return false }
            }
            guard read.spendFiltering() else { return false }
            index += read.isBackwards ? -1 : 1
        }
        return true
    }
}

extension Segment {
    /// Reads the first `visible` records. Returns false if the chunk is full or the read is done.
    fileprivate func read(
        _ read: inout LogRead, visible: Int, from storage: any LogStorage,
        into chunk: inout LogChunk
    ) throws(LogError) -> Bool {
        let range = base..<base + UInt64(visible)
        if read.mayWant(range, lastTime) {
            var window = ReadWindow(of: name, in: storage, isBackwards: read.isBackwards)
            while true {
                let ordinals = try read.ordinals(of: self, count: visible, maximum: 128)
                guard !ordinals.isEmpty else { break }
                guard try take(ordinals, &read, &window, &chunk) else { return false }
            }
        }
        read.pass(range)
        return !read.isDone
    }

    /// Adds the matching records to the chunk. Returns false if the chunk is full, has cost enough
    /// work, or the read is done.
    private func take(
        _ ordinals: [UInt32], _ read: inout LogRead, _ window: inout ReadWindow,
        _ chunk: inout LogChunk
    ) throws(LogError) -> Bool {
        let isOfAll = read.isOfAll
        for (ordinal, range) in zip(ordinals, try ranges(of: ordinals)) {
            let position = base + UInt64(ordinal)
            let bytes = try window.bytes(range, position)
            let mask = binding.mask(at: range.lowerBound)
            let event = try RecordedEvent(bytes, position, name, range.lowerBound, mask: mask)
            let isWanted = isOfAll || read.matches(event)
            if isWanted {
                let amended = read.amendments[position].map { event.amended(by: $0) }
                let returned = amended?.bytes ?? bytes
                guard chunk.count == 0 || chunk.bytes.count + returned.count <= read.chunkBytes
                else { return false }
                let start = chunk.bytes.count
                chunk.bytes += returned
                // An amended record has a checksum of its own, which is not masked.
                if amended == nil { chunk.bytes.toggleBinding(mask, ofRecordAt: start) }
                chunk.count += 1
            }
            read.advance(past: position, wasGiven: isWanted)
            guard !read.isDone, read.spendComparison(ofBytes: bytes.count) else { return false }
        }
        return true
    }

    /// Returns where the records are in the file. Records close together are looked up in one read.
    private func ranges(of ordinals: [UInt32]) throws(LogError) -> [Range<Int>] {
        let low = Int(ordinals.min() ?? 0)
        let high = Int(ordinals.max() ?? 0)
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(ordinals.count)
        guard high - low > 8 * ordinals.count else {
            let offsets = try offsets(of: low...high + 1)
            for ordinal in ordinals {
                let index = Int(ordinal) - low
                ranges.append(Int(offsets[index])..<Int(offsets[index + 1]))
            }
            return ranges
        }
        for ordinal in ordinals {
            let offsets = try offsets(of: Int(ordinal)...Int(ordinal) + 1)
            ranges.append(Int(offsets[0])..<Int(offsets[1]))
        }
        return ranges
    }
}

/// A part of a segment's file. The window grows while reads are near each other.
private struct ReadWindow {
    private static let sizes = 4 << 10...256 << 10

    private let name: String
    private let storage: any LogStorage
    private let isBackwards: Bool
    private var range = 0..<0
    private var bytes: [UInt8] = []
    private var size = sizes.lowerBound

    init(of name: String, in storage: any LogStorage, isBackwards: Bool) {
        self.name = name
        self.storage = storage
        self.isBackwards = isBackwards
    }

    /// Returns the bytes in `wanted`, which hold the record at `position`.
    mutating func bytes(
        _ wanted: Range<Int>, _ position: UInt64
    ) throws(LogError) -> ArraySlice<UInt8> {
        if wanted.lowerBound < range.lowerBound || wanted.upperBound > range.upperBound {
            try move(to: wanted)
        }
        let start = wanted.lowerBound - range.lowerBound
        guard start >= 0, wanted.lowerBound < wanted.upperBound,
            start + wanted.count <= bytes.count
        else {
            throw .damaged(
                segment: name, offset: wanted.lowerBound, position: position,
                "the file ends before the record does, or its index is wrong")
        }
        return bytes[start..<start + wanted.count]
    }

    private mutating func move(to wanted: Range<Int>) throws(LogError) {
        let distance =
            isBackwards
            ? range.lowerBound - wanted.upperBound : wanted.lowerBound - range.upperBound
        let isNear = !range.isEmpty && distance < size
        size = isNear ? min(size * 4, Self.sizes.upperBound) : Self.sizes.lowerBound
        let count = max(size, wanted.count)
        let start = isBackwards ? max(0, wanted.upperBound - count) : wanted.lowerBound
        let end = isBackwards ? wanted.upperBound : start + count
        bytes = try storage.read(name, at: start, count: end - start)
        range = start..<end
    }
}
