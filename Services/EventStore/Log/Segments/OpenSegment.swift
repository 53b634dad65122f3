import EventSourcing

/// A segment that is written to, or was until recently. Its index is in memory. The index grows
/// with each append, or is built from the segment when the log is opened.
struct OpenSegment: Segment {
    let name: String
    let header: SegmentHeader
    /// Where each record begins, by ordinal (position less base). The last entry is where the next
    /// record will begin.
    private(set) var offsets: [UInt32] = [UInt32(SegmentHeader.size)]
    /// The number of streams that begin in the segment.
    private(set) var starts = 0
    private(set) var firstTime: Int64
    private(set) var lastTime: Int64

    /// An occurrence of a term: the record's ordinal, and the index of the term's previous
    /// occurrence.
    private struct Link {
        let ordinal: UInt32
        let previous: UInt32
    }

    private static let none = UInt32.max
    private var links: [Link] = []
    private var lastLinks = TermTable()

    /// Creates an empty segment.
    ///
    /// - Parameters:
    ///   - name: the file's name, if it differs from the segment's own.
    ///   - lastTime: the last commit time of the segment before, in microseconds; times never go
    ///     back.
    init(_ header: SegmentHeader, name: String? = nil, lastTime: Int64 = -1) {
        self.name = name ?? SegmentHeader.name(base: header.base)
        self.header = header
        firstTime = lastTime
        self.lastTime = lastTime
    }

    var base: UInt64 { header.base }
    var binding: SegmentBinding { header.binding }
    var termSteps: Int { 16 }
    var count: Int { offsets.count - 1 }
    /// Where the next record will begin, in bytes from the start of the file.
    var end: Int { Int(offsets[count]) }
    /// The number of occurrences of all terms.
    var occurrences: Int { links.count }
    /// The number of different terms.
    var terms: Int { lastLinks.count }

    mutating func append(
        _ record: Span<UInt8>, _ header: RecordHeader, revision: UInt64, time: Int64, flags: UInt8
    ) {
        let ordinal = UInt32(count)
        let isHistory = flags & RecordLayout.history != 0
        forEachTerm(of: record, header, revision: revision, isHistory: isHistory) { term in
            let link = UInt32(links.count)
            let previous = lastLinks.update(term, to: link)
            links.append(Link(ordinal: ordinal, previous: previous ?? Self.none))
        }
        if revision == 0 { starts += 1 }
        if count == 0 { firstTime = time }
        offsets.append(UInt32(end + header.length))
        lastTime = time
    }

    /// Returns damage at the place of the next record.
    func damage(_ reason: String) -> LogError {
        .damaged(segment: name, offset: end, position: nextPosition, reason)
    }

    /// Returns the damage of a file with `size` bytes, or nil if it is as long as it was made.
    func truncation(to size: Int) -> LogError? {
        guard size < header.fileSize else { return nil }
        return damage("the file was made with \(header.fileSize) bytes, but has \(size)")
    }

    /// Returns the damage of a log that is known to have been longer.
    func lostEnd(through position: UInt64) -> LogError {
        damage("events up to position \(position) were on disk and are missing")
    }

    func offsets(of ordinals: ClosedRange<Int>) -> [UInt32] { Array(offsets[ordinals]) }

    func ordinals(_ term: Term) -> [UInt32] { ordinals(term, from: 0) }

    /// Returns the ordinals from `first` on, ascending, in time proportional to their number.
    func ordinals(_ term: Term, from first: UInt32) -> [UInt32] {
        var found: [UInt32] = []
        collect(from: lastLinks[term] ?? Self.none, down: first, into: &found)
        return found
    }

    /// Calls `body` with each term, in the order of the terms, and the ordinals of its records.
    func forEachPosting(_ body: (Term, [UInt32]) -> Void) {
        var ordinals: [UInt32] = []
        for (term, link) in lastLinks.sorted {
            ordinals.removeAll(keepingCapacity: true)
            collect(from: link, down: 0, into: &ordinals)
            body(term, ordinals)
        }
    }

    private func collect(from link: UInt32, down first: UInt32, into found: inout [UInt32]) {
        var link = link
        while link != Self.none, links[Int(link)].ordinal >= first {
            // A record can have a term twice, such as a tag. It counts once.
            if found.last != links[Int(link)].ordinal { found.append(links[Int(link)].ordinal) }
            link = links[Int(link)].previous
        }
        found.reverse()
    }

    func lastOrdinal(_ term: Term) -> UInt32? {
        lastLinks[term].map { links[Int($0)].ordinal }
    }
}
