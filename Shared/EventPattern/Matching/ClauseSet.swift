import EventSourcing

/// The alternatives of many patterns, in an index.
///
/// Each clause is in the index of its most selective field. An event is looked up by its values,
/// and each clause that is found is then checked.
struct ClauseSet: Sendable {
    private typealias Place = (field: Int, keys: [IndexKey])

    private struct Filed: Sendable {
        var clause: Clause
        /// Where the clause is in the index, or nil if every event must be checked.
        var place: Place?
        var owner: Int
    }

    private var envelope = Envelope()
    /// The index of each field.
    private var indexes: [FieldIndex] = []
    /// The clauses that an event may match without any value.
    private var unindexed: Set<Int32> = []
    /// The clauses by number. The numbers of removed clauses are reused.
    private var clauses: [Filed?] = []
    private var freeNumbers: [Int32] = []

    /// Adds a clause for `owner`, and returns the clause's number.
    mutating func insert(_ requirements: [Requirement], owner: Int) -> Int32 {
        let clause = Clause(requirements, in: &envelope)
        while indexes.count < envelope.tree.fieldCount { indexes.append(FieldIndex()) }
        let number = freeNumbers.popLast() ?? Int32(clauses.count)
        if Int(number) == clauses.count { clauses.append(nil) }
        let places = clause.tests.filter { !$0.acceptsAbsence }
            .map { Place($0.field, $0.conditions.flatMap(\.keys)) }
        let place = places.min { cost(of: $0) < cost(of: $1) }
        if let (field, keys) = place {
            for key in keys { indexes[field].insert(number, under: key) }
        } else {
            unindexed.insert(number)
        }
        clauses[Int(number)] = Filed(clause: clause, place: place, owner: owner)
        return number
    }

    mutating func remove(_ number: Int32) {
        if let (field, keys) = clauses[Int(number)]?.place {
            for key in keys { indexes[field].remove(number, under: key) }
        }
        unindexed.remove(number)
        clauses[Int(number)] = nil
        freeNumbers.append(number)
    }

    private func cost(of place: Place) -> Int {
        place.keys.reduce(0) { $0 + indexes[place.field].cost(of: $1) }
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
        return owners.count > 1 ? Set(owners).sorted() : owners
    }

    private func candidates(for fields: EventFields, _ record: Span<UInt8>) -> [Int32] {
        var candidates = Array(unindexed)
        var isSeen = Array(repeating: false, count: clauses.count)
        for value in fields.values {
            fields.withText(of: value, record) { text in
                indexes[Int(value.field)].candidates(for: value, text) { number in
                    guard !isSeen[Int(number)] else { return }
                    isSeen[Int(number)] = true
                    candidates.append(number)
                }
            }
        }
        return candidates
    }
}
