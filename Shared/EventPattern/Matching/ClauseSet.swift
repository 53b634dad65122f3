import EventSourcing

/// The alternatives of many patterns, in an index.
///
/// Each clause is in the index under its most selective field. An event is looked up by its values,
/// and each clause that is found is then checked.
struct ClauseSet: Sendable {
    private struct Filed: Sendable {
        var clause: Clause
        var keys: [IndexKey]
        var owner: Int
    }

    private var envelope = Envelope()
    private var index = PatternIndex()
    /// The clauses by number. The numbers of removed clauses are reused.
    private var clauses: [Filed?] = []
    private var freeNumbers: [Int32] = []

    /// Adds a clause for `owner`, and returns the clause's number.
    mutating func insert(_ requirements: [Requirement], owner: Int) -> Int32 {
        let clause = Clause(requirements, in: &envelope)
        let number = freeNumbers.popLast() ?? Int32(clauses.count)
        if Int(number) == clauses.count { clauses.append(nil) }
        let keys = clause.tests.map(\.keys).min { cost(of: $0) < cost(of: $1) } ?? [.always]
        for key in keys { index.insert(number, under: key) }
        clauses[Int(number)] = Filed(clause: clause, keys: keys, owner: owner)
        return number
    }

    mutating func remove(_ number: Int32) {
        for key in clauses[Int(number)]?.keys ?? [] { index.remove(number, under: key) }
        clauses[Int(number)] = nil
        freeNumbers.append(number)
    }

    /// Returns the owners of all clauses that match `event`, in ascending order, each once.
    func owners(matching event: RecordedEvent, replayName: String?) -> [Int] {
        let fields = envelope.fields(of: event, replayName: replayName)
        let record = event.bytes.span
        var owners: [Int] = []
        for number in candidates(for: fields, record) {
            if let filed = clauses[Int(number)], filed.clause.matches(fields, record) {
                owners.append(filed.owner)
            }
        }
        guard owners.count > 1 else { return owners }
        owners.sort()
        return owners.indices.filter { $0 == 0 || owners[$0] != owners[$0 - 1] }.map { owners[$0] }
    }

    private func candidates(for fields: EventFields, _ record: Span<UInt8>) -> [Int32] {
        var candidates: [Int32] = []
        var isSeen = Array(repeating: false, count: clauses.count)
        index.candidates(for: fields, record) { number in
            guard !isSeen[Int(number)] else { return }
            isSeen[Int(number)] = true
            candidates.append(number)
        }
        return candidates
    }

    private func cost(of keys: [IndexKey]) -> Int { keys.reduce(0) { $0 + index.cost(of: $1) } }
}
