/// A value that an event has at a path somebody asks for.
struct FieldValue {
    enum Kind: UInt8 {
        case string
        /// A number that a double says; see JSONNumber.
        case number
        case numberText
        case null, `true`, `false`
    }

    var kind: Kind
    /// Whether `range` is one of the decoded text instead of the record.
    var isDecoded = false
    var range = 0..<0
    var number = 0.0
    /// The array element it is in; see Scope.
    var scope: Int32 = 0
    fileprivate(set) var field: Int32 = 0
    /// The next value of the same field, or -1.
    fileprivate(set) var next: Int32 = -1
}

/// The values of one event at the paths of a FieldTree: each field has a list of them, in the order
/// of the event.
struct EventFields {
    private(set) var values: [FieldValue] = []
    private var first: [Int32]
    private var last: [Int32]
    var scopes = Scopes()
    /// Text that does not stand in the record as it is.
    var decoded: [UInt8] = []

    init(count: Int) {
        first = Array(repeating: -1, count: count)
        last = first
        values.reserveCapacity(count)
    }

    mutating func append(_ value: FieldValue, to field: Int) {
        let index = Int32(values.count)
        if first[field] < 0 { first[field] = index } else { values[Int(last[field])].next = index }
        last[field] = index
        values.append(value)
        values[Int(index)].field = Int32(field)
    }

    func isEmpty(_ field: Int) -> Bool { first[field] < 0 }

    func indices(of field: Int) -> some Sequence<Int> {
        sequence(first: firstIndex(of: field), next: index(after:)).prefix { $0 >= 0 }
    }

    /// The index of the first value of `field`, or -1; `index(after:)` leads on.
    func firstIndex(of field: Int) -> Int { Int(first[field]) }
    func index(after index: Int) -> Int { Int(values[index].next) }

    func matches(_ condition: Condition, at index: Int, _ record: Span<UInt8>) -> Bool {
        let value = values[index]
        return value.isDecoded
            ? condition.matches(value, decoded.span.extracting(value.range))
            : condition.matches(value, record.extracting(value.range))
    }

    /// A place to come back to.
    struct Mark {
        fileprivate let (values, scopes): (Int, Scopes)
    }

    var mark: Mark { Mark(values: values.count, scopes: scopes) }

    /// Forgets what came after `mark`.
    mutating func rewind(to mark: Mark) {
        scopes = mark.scopes
        for field in first.indices {
            let kept = indices(of: field).filter { $0 < mark.values }
            first[field] = Int32(kept.first ?? -1)
            last[field] = Int32(kept.last ?? -1)
        }
        values.removeLast(values.count - mark.values)
        for end in last where end >= 0 { values[Int(end)].next = -1 }
    }
}

/// Which array elements the values of an event are in.
///
/// An element that is itself an object or an array is a scope; what it holds is in it. Scopes are
/// numbered in the order in which they open, from 1; 0 is the event itself.
struct Scopes {
    private var parents: [Int32] = [0]
    private var arrays: [Int32] = [-1]
    /// For each array the first scope behind its last one.
    private var arrayEnds: [Int32] = []

    mutating func openArray() -> Int32 {
        arrayEnds.append(0)
        return Int32(arrayEnds.count - 1)
    }

    mutating func open(in array: Int32, inside parent: Int32) -> Int32 {
        parents.append(parent)
        arrays.append(array)
        return Int32(parents.count - 1)
    }

    mutating func close(_ array: Int32) { arrayEnds[Int(array)] = Int32(parents.count) }

    /// Nil if values in both scopes may be taken together: there is no array of which they are in
    /// different elements. Otherwise the next scope that may go with `chosen`, when one looks
    /// onwards from `other`: that of the same element, or the one behind the array.
    func conflict(of other: Int32, with chosen: Int32) -> Int32? {
        var (a, b) = (chosen, other)
        var (childA, childB): (Int32, Int32) = (-1, -1)
        while a != b {
            // A scope has a greater number than those around it.
            if a > b {
                childA = a
                a = parents[Int(a)]
            } else {
                childB = b
                b = parents[Int(b)]
            }
        }
        guard childA >= 0, childB >= 0, arrays[Int(childA)] == arrays[Int(childB)] else {
            return nil
        }
        return childB < childA ? childA : arrayEnds[Int(arrays[Int(childA)])]
    }
}
