import EventSourcing

/// What a read needs of a segment: its records, their places, and the records that have a term.
protocol Segment: Sendable {
    var name: String { get }
    var binding: SegmentBinding { get }
    /// The position of the first record.
    var base: UInt64 { get }
    var count: Int { get }
    var firstTime: Int64 { get }
    var lastTime: Int64 { get }
    /// The price of looking a term up, in steps of ``LookupWork``, beside its records.
    var termSteps: Int { get }

    /// Returns where the records begin. The ordinal `count` gives the end of the last record.
    func offsets(of ordinals: ClosedRange<Int>) throws(LogError) -> [UInt32]
    /// Returns the ordinals (position less base) of the records from `first` on that may have the
    /// term, ascending.
    func ordinals(_ term: Term, from first: UInt32) throws(LogError) -> [UInt32]
}

extension Segment {
    /// The position after the last record.
    var nextPosition: UInt64 { base + UInt64(count) }
}
