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
        if let match = try looking(try firstMatch(none.query, after: none.after)) {
            throw .conditionFailed(position: match)
        }
    }

    /// Returns the position of the first event after `position` that matches, staged or not.
    private func firstMatch(
        _ query: EventQuery, after position: UInt64
    ) throws(LogError) -> UInt64? {
        // The position comes from a client and may be the largest integer: adding 1 could trap.
        for (index, segment) in sealed.segments.enumerated()
        where segment.nextPosition - 1 > position && sealed.mayHold(query, at: index) {
            if let match = try firstMatch(query, after: position, in: segment) { return match }
        }
        for segment in recent where segment.nextPosition - 1 > position {
            if let match = try firstMatch(query, after: position, in: segment) { return match }
        }
        return nil
    }

    private func firstMatch(
        _ query: EventQuery, after position: UInt64, in segment: any Segment
    ) throws(LogError) -> UInt64? {
        let first = position < segment.base ? 0 : UInt32(position + 1 - segment.base)
        let ordinals = try segment.candidates(query, from: first)
        for ordinal in ordinals ?? Array(first..<UInt32(segment.count)) {
            let event = try record(ordinal, of: segment)
            if query.matches(event) { return event.position }
        }
        return nil
    }
}
