/// A condition on a value of a field.
enum Condition: Sendable {
    /// Any of these strings, byte for byte.
    case strings(ByteSet)
    case wildcard(Wildcard)
    case caseless(CaselessText)
    /// A block of addresses, in any notation.
    case address(AddressBlock)
    case numeric(NumericRange)
    /// A number that no double stands for. Only the same text matches.
    case numberText([UInt8])
    /// Null, true or false.
    case literal(FieldValue.Kind)
    /// Any value.
    case exists
    /// Any value that matches none of these conditions.
    indirect case anythingBut([Condition])

    /// Returns whether the value matches.
    ///
    /// - Parameter text: the value's text, without quotes for a string.
    func matches(_ value: FieldValue, _ text: Span<UInt8>) -> Bool {
        switch self {
        case .strings(let strings): value.kind == .string && strings.index(of: text) != nil
        case .wildcard(let wildcard): value.kind == .string && wildcard.matches(text)
        case .caseless(let other): value.kind == .string && other.matches(text)
        case .address(let block):
            value.kind == .string && AddressBlock(text).map(block.contains) ?? false
        case .numeric(let range): value.kind == .number && range.contains(value.number)
        case .numberText(let number): value.kind == .numberText && text.elementsEqual(number)
        case .literal(let kind): value.kind == kind
        case .exists: true
        case .anythingBut(let conditions): !conditions.contains { $0.matches(value, text) }
        }
    }
}

/// The numbers between two bounds, each of which may be included.
struct NumericRange: Equatable, Sendable {
    var lower = -Double.infinity
    var upper = Double.infinity
    var includesLower = true
    var includesUpper = true

    /// A number in the range, or its finite bound.
    var inside: Double { lower.isFinite ? lower : upper }

    func contains(_ number: Double) -> Bool {
        (number > lower || includesLower && number == lower)
            && (number < upper || includesUpper && number == upper)
    }
}
