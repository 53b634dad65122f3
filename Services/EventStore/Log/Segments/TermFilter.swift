import EventSourcing

/// A Bloom filter (Burton Bloom, 1970) of a segment's terms. It says that the segment lacks a term,
/// or that it may have it. Double hashing gives the bits of a term from its hash (Kirsch and
/// Mitzenmacher, 2006).
struct TermFilter {
    /// The number of bits that each term sets. Segments of events of a few hundred bytes have ten
    /// bits per term in the filter. Then one absent term in a hundred is reported as possible.
    static let probesPerTerm = 5

    var words: [UInt64]

    /// Creates an empty filter.
    ///
    /// - Parameter words: the size in words of 64 bits, a power of two.
    init(words count: Int) { words = [UInt64](repeating: 0, count: count) }

    /// Returns the filter's size in words for a segment of this size: one bit for 16 bytes of
    /// records.
    static func words(segmentBytes: Int) -> Int {
        var words = 1
        while words * 1024 < segmentBytes { words *= 2 }
        return words
    }

    mutating func insert(_ term: Term) {
        for probe in 0..<Self.probesPerTerm {
            let bit = Self.bit(term, probe, of: words.count * 64)
            words[bit / 64] |= 1 << UInt64(bit % 64)
        }
    }

    /// Returns the index of the term's bit for the probe. `bits` is a power of two.
    static func bit(_ term: Term, _ probe: Int, of bits: Int) -> Int {
        let step = term.hash >> 32 | 1
        return Int(truncatingIfNeeded: (term.hash &+ UInt64(probe) &* step) & UInt64(bits - 1))
    }
}

/// The filters of up to 64 segments, transposed: a row for each bit, a column for each segment. So
/// reading a term's few rows asks all segments at once.
struct FilterGroup: Sendable {
    static let columns = 64

    private var rows: [UInt64]
    private(set) var count = 0

    init(words: Int) { rows = [UInt64](repeating: 0, count: words * 64) }

    mutating func append(_ filter: Span<UInt64>) {
        let column: UInt64 = 1 << UInt64(count)
        for index in filter.indices {
            var word = filter[index]
            while word != 0 {
                rows[index * 64 + word.trailingZeroBitCount] |= column
                word &= word - 1
            }
        }
        count += 1
    }

    /// Returns a bit for each segment that may have the term.
    func columns(_ term: Term) -> UInt64 {
        var columns = UInt64.max
        for probe in 0..<TermFilter.probesPerTerm {
            columns &= rows[TermFilter.bit(term, probe, of: rows.count)]
            if columns == 0 { break }
        }
        return columns
    }
}
