/// What a pattern requires of a field: some value of it meets some condition.
struct Requirement: Sendable {
    var path: [UInt8]
    var conditions: [Condition]
    /// Whether `{"exists": false}` is among the conditions, so that having no value is enough.
    var acceptsAbsence: Bool
}

/// One of the alternatives that `$or` opens. All of its requirements must hold.
struct Clause: Sendable {
    struct Test: Sendable {
        var field: Int
        var conditions: [Condition]
        var acceptsAbsence: Bool
    }

    /// The tests in the order of their paths, so that those in the same array are neighbours.
    let tests: [Test]

    init(_ requirements: [Requirement], in envelope: inout Envelope) {
        tests = requirements.map {
            Test(
                field: envelope.field(of: $0.path), conditions: $0.conditions,
                acceptsAbsence: $0.acceptsAbsence)
        }
    }

    func matches(_ fields: EventFields, _ record: Span<UInt8>) -> Bool {
        var isPlain = true
        for test in tests {
            let index = test.firstMatch(in: fields, record)
            if index < 0 {
                guard test.acceptsAbsence else { return false }
                isPlain = isPlain && fields.firstIndex(of: test.field) < 0
            } else {
                isPlain = isPlain && fields.values[index].scope == 0
            }
        }
        return isPlain || ArrayChoice.exists(for: tests, in: fields, record)
    }
}

extension Clause.Test {
    /// Returns the index of the first value that meets a condition, or -1.
    func firstMatch(in fields: EventFields, _ record: Span<UInt8>) -> Int {
        var index = fields.firstIndex(of: field)
        while index >= 0, !isMet(by: index, of: fields, record) {
            index = fields.index(after: index)
        }
        return index
    }

    func isMet(by index: Int, of fields: EventFields, _ record: Span<UInt8>) -> Bool {
        let value = fields.values[index]
        return fields.withText(of: value, record) { text in
            conditions.contains { $0.matches(value, text) }
        }
    }
}
