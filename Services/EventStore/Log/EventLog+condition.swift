import EventSourcing

extension EventLog {
    /// Throws if the condition does not hold for the committed and staged events.
    mutating func check(_ condition: AppendCondition) throws(AppendError) {
        for stream in condition.streams where stream.expected != .any {
            let actual = try revision(of: stream.name.description)
            let holds =
                switch stream.expected {
                case .any: true
                case .noStream: actual == nil
                case .streamExists: actual != nil
                case .revision(let revision): actual == revision
                }
            guard holds else { throw .wrongRevision(stream.name, actual: actual) }
        }
        guard let none = condition.noneMatching else { return }
        let lookup = QueryLookup(none.query)
        var work = LookupWork(left: Self.conditionSteps)
        guard let match = try looking(try firstMatch(lookup, after: none.after, &work)) else {
            guard work.left >= 0 else {
                throw .invalid(
                    "the condition takes too long to check: too many events after position "
                        + "\(none.after) may match its query; read them first, and set after to "
                        + "the last position that was read")
            }
            return
        }
        throw .conditionFailed(position: match)
    }

    /// How much work a condition may cost, in steps of about ten nanoseconds. Everyone waits
    /// meanwhile.
    private static let conditionSteps = 500_000
    /// The price of reading a record, in steps.
    private static let recordSteps = 100

    /// Returns the position of the first event after `position` that matches, staged or not. Nil if
    /// no event matches, or if it was too much work.
    private func firstMatch(
        _ lookup: QueryLookup, after position: UInt64, _ work: inout LookupWork
    ) throws(LogError) -> UInt64? {
        // The position comes from a client and may be the largest integer: adding 1 could trap.
        let first = sealed.segments.partitioningIndex { $0.nextPosition - 1 > position }
        for index in first..<sealed.segments.count {
            guard work.spend(lookup.filtering) else { return nil }
            guard sealed.mayHold(lookup, at: index) else { continue }
            let segment = sealed.segments[index]
            if let match = try firstMatch(lookup, after: position, in: segment, &work) {
                return match
            }
        }
        for segment in recent where segment.nextPosition - 1 > position {
            if let match = try firstMatch(lookup, after: position, in: segment, &work) {
                return match
            }
        }
        return nil
    }

    private func firstMatch(
        _ lookup: QueryLookup, after position: UInt64, in segment: any Segment,
        _ work: inout LookupWork
    ) throws(LogError) -> UInt64? {
        guard work.left >= 0 else { return nil }
        let first = position < segment.base ? 0 : UInt32(position + 1 - segment.base)
        let candidates = try segment.candidates(lookup, from: first, &work)
        guard work.left >= 0 else { return nil }
        var ordinals = candidates?[...]
        var next = first
        while true {
            // Without candidates, each record may match.
            guard let ordinal = candidates == nil ? next : ordinals?.popFirst(),
                ordinal < segment.count
            else { return nil }
            next = ordinal + 1
            let event = try record(ordinal, of: segment)
            let price = Self.recordSteps + lookup.comparison(ofBytes: event.bytes.count)
            guard work.spend(price) else { return nil }
            if lookup.matches(event) { return event.position }
        }
    }
}
