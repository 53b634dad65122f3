/// A value of an event at a path that some pattern uses.
struct FieldValue {
    enum Kind: UInt8 {
        case string
        /// A number that a double stands for. See JSONNumber.
        case number
        case numberText
        case null, `true`, `false`
    }

    var kind: Kind
    /// Whether `range` is in the decoded text, and not in the record.
    var isDecoded = false
    var range = 0..<0
    var number = 0.0
    /// The array element that holds the value. See Scopes.
    var scope: Int32 = 0
    fileprivate(set) var field: Int32 = 0
    /// The next value of the same field, or -1.
    fileprivate(set) var next: Int32 = -1
}

/// The values of an event at the paths of a FieldTree.
///
/// Each field has a list of values, in the order of the event.
struct EventFields {
    private(set) var values: [FieldValue] = []
    private var first: [Int32]
    private var last: [Int32]
    var scopes = Scopes()
    /// Text that the record does not hold in this form.
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

    /// Returns the index of the first value of `field`, or -1. Continue with `index(after:)`.
    func firstIndex(of field: Int) -> Int { Int(first[field]) }
    func index(after index: Int) -> Int { Int(values[index].next) }

    /// Returns what `body` returns for the text of a value.
    func withText<Result>(
        of value: FieldValue, _ record: Span<UInt8>, _ body: (Span<UInt8>) -> Result
    ) -> Result {
        value.isDecoded
            ? body(decoded.span.extracting(value.range)) : body(record.extracting(value.range))
    }

    /// Removes the values from `start` on, which must be all values of their fields.
    mutating func removeValues(from start: Int) {
        for value in values[start...] { first[Int(value.field)] = -1 }
        values.removeLast(values.count - start)
    }
}

/// The array elements that hold an event's values.
///
/// An array element that is an object or an array is a scope for what it holds. Scopes are numbered
/// from 1 in the order in which they open. Scope 0 is the event itself.
struct Scopes {
    private var parents: [Int32] = [0]
    private var arrays: [Int32] = [-1]
    /// The first scope after the last one of each array.
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

    /// Returns nil if values in both scopes can be chosen together.
    ///
    /// They can't if some array holds them in different elements. Then it returns the next scope
    /// after `other` that may fit `chosen`: the scope of the same element, or the one after the
    /// array.
    func conflict(of other: Int32, with chosen: Int32) -> Int32? {
        var (a, b) = (chosen, other)
        var (childA, childB): (Int32, Int32) = (-1, -1)
        while a != b {
            // A scope has a greater number than the scopes around it.
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
