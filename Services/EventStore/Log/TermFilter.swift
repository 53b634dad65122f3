import EventSourcing

/// A Bloom filter (Burton Bloom, 1970) of a segment's terms: says of a term that the segment does
/// not have it, or that it may. The bits of a term come from its hash by double hashing (Kirsch and
/// Mitzenmacher, 2006).
struct TermFilter {
    /// With ten bits a term, as segments of events of some hundred bytes have, one term in a
    /// hundred is said to be there when it is not.
    static let bitsPerTerm = 5

    var words: [UInt64]

    /// - Parameter words: a power of two.
    init(words count: Int) { words = [UInt64](repeating: 0, count: count) }

    /// How many words the filter of a segment of so many bytes has: one bit for 16 bytes of
    /// records.
    static func words(segmentBytes: Int) -> Int {
        var words = 1
        while words * 1024 < segmentBytes { words *= 2 }
        return words
    }

    mutating func insert(_ term: Term) {
        for probe in 0..<Self.bitsPerTerm {
            let bit = Self.bit(term, probe, of: words.count * 64)
            words[bit / 64] |= 1 << UInt64(bit % 64)
        }
    }

    /// Which of `bits`, a power of two, stands for the term.
    static func bit(_ term: Term, _ probe: Int, of bits: Int) -> Int {
        let step = term.hash >> 32 | 1
        return Int(truncatingIfNeeded: (term.hash &+ UInt64(probe) &* step) & UInt64(bits - 1))
    }
}

/// The filters of up to 64 segments, turned round: a row for each bit, in it a column for each
/// segment. So one look at a term's few rows asks all of the segments.
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

    /// A bit for each segment that may have the term.
    func columns(_ term: Term) -> UInt64 {
        var columns = UInt64.max
        for probe in 0..<TermFilter.bitsPerTerm {
            columns &= rows[TermFilter.bit(term, probe, of: rows.count)]
            if columns == 0 { break }
        }
        return columns
    }
}
