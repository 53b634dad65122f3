/// A condition on a value of a field.
enum Condition: Sendable {
    /// Any of these strings, byte for byte.
    case strings(ByteSet)
    case number(Double)
    /// A number that no double stands for. Only the same text matches.
    case numberText([UInt8])
    case null
    case bool(Bool)
    case prefix([UInt8])
    case suffix([UInt8])
    case equalsIgnoringCase(CaselessText)
    case prefixIgnoringCase(CaselessText)
    case suffixIgnoringCase(CaselessText)
    case wildcard(Wildcard)
    case numeric(NumericRange)
    /// A block of addresses, in any notation.
    case address(AddressBlock)
    /// Any value.
    case exists
    /// Any value that matches none of these conditions.
    indirect case anythingBut([Condition])

    /// Returns whether the value matches.
    ///
    /// - Parameter text: the value's text, without quotes for a string.
    func matches(_ value: FieldValue, _ text: Span<UInt8>) -> Bool {
        switch self {
        case .exists: true
        case .anythingBut(let conditions): !conditions.contains { $0.matches(value, text) }
        case .null: value.kind == .null
        case .bool(let bool): value.kind == (bool ? .true : .false)
        case .number(let number): value.kind == .number && value.number == number
        case .numeric(let range): value.kind == .number && range.contains(value.number)
        case .numberText(let number):
            value.kind == .numberText && text.elementsEqual(number)
        default: value.kind == .string && matches(string: text)
        }
    }

    private func matches(string text: Span<UInt8>) -> Bool {
        switch self {
        case .strings(let strings): strings.index(of: text) != nil
        case .prefix(let prefix): text.hasPrefix(prefix)
        case .suffix(let suffix): text.hasSuffix(suffix)
        case .equalsIgnoringCase(let other): other.equals(text)
        case .prefixIgnoringCase(let prefix): prefix.isPrefix(of: text)
        case .suffixIgnoringCase(let suffix): suffix.isSuffix(of: text)
        case .wildcard(let wildcard): wildcard.matches(text)
        case .address(let block): IPAddress(text).map(block.contains) ?? false
        default: false
        }
    }
}

/// The numbers between two bounds, each of which may be included.
struct NumericRange: Sendable {
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
